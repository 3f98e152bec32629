"""The node runs from a ROMFS image, as a board with such a partition has it, in less heap."""

import json
import re
import subprocess
import sys

import pytest

from tests.support.runtimes import run_code
from tests.tools.board import ROOT, STANDINS
from tools.dist import heap, romfs

PAGE = (ROOT / "docs" / "firmware.md").read_text()
MOUNT = heap.FROM_ROM + "sys.path.append({standins!r})\n"


@pytest.fixture(scope="module")
def files(released):
    """path on the board -> bytes."""
    return {
        path.relative_to(released).as_posix(): path.read_bytes() for path in released.rglob("*.mpy")
    }


def run(released, code):
    place = str(released / "images" / "node.romfs")
    done = run_code("unix", MOUNT.format(place=place, standins=str(STANDINS)) + code, [])
    assert done.code == 0, done.output
    return done.output.split()


def test_mpremote_builds_the_same_image_of_the_same_folder(released, tmp_path):
    for path in (released / "lib").rglob("*.mpy"):
        target = tmp_path / "board" / path.relative_to(released)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    command = [sys.executable, "-m", "mpremote", "romfs", "-o", str(tmp_path / "x.romfs"), "build"]
    subprocess.run(
        [*command, str(tmp_path / "board")], check=True, capture_output=True, timeout=240
    )
    assert (tmp_path / "x.romfs").read_bytes() == (released / "images/node.romfs").read_bytes()


def test_every_module_of_the_image_is_imported_from_it(released, files):
    names = [path.removeprefix("lib/")[: -len(".mpy")].replace("/", ".") for path in files]
    names = sorted(name.removesuffix(".__init__") for name in names)
    code = f"for name in {names!r}:\n    m = __import__(name, None, None, ('x',))\n"
    code += "    print(m.__name__, m.__file__)\n"
    said = run(released, code)
    assert said[::2] == names
    assert all(place.startswith("/rom/lib/") for place in said[1::2])


def test_the_node_of_the_example_runs_from_the_image(released):
    config = json.dumps((ROOT / "config.example.json").read_text())
    code = f"sys.path.append({str(heap.PROBE)!r})\nimport probe\nprobe.write_config({config})\n"
    code += "probe.start_node()\nprobe.run_node()\nprint(probe.kept['node'].client.acked > 100)\n"
    assert run(released, code) == ["True"]


def test_the_image_saves_the_heap_that_the_page_says(files):
    """The page's figures may lag behind the code by a tenth; `python -m tools.dist.heap --page`
    brings them up to date."""
    rows = heap.measure(files)
    for text, from_files, from_rom in rows:
        assert from_rom < 0.75 * from_files, text
    table = PAGE.split(heap.MARK)[1]
    for text, *found in rows:
        row = re.search(rf"(?m)^\| {re.escape(text)} \|(.*)$", table)[1]
        told = [int(cell.replace(",", "")) for cell in re.findall(r"\d[\d,]+(?= \|)", row)]
        assert told == [pytest.approx(bytes_, rel=0.1) for bytes_ in found], (
            f"{text}: {found}; docs/firmware.md says {told}. "
            "Run .venv/bin/python -m tools.dist.heap --page"
        )


def test_the_page_takes_a_new_table_in_the_place_of_the_old_one():
    table = heap.table([("a", 1000, 600)])
    assert heap.on_page(f"x\n{heap.MARK}old\n{heap.MARK}y\n", table) == (
        f"x\n{heap.MARK}{table}{heap.MARK}y\n"
    )
    assert "| a | 1,000 | 600 | 40 % |" in table


def test_an_image_is_written_with_what_to_do_with_it(
    released, files, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(romfs, "bundle", lambda: files)
    romfs.main([str(tmp_path / "build" / "n.romfs")])
    written = (tmp_path / "build" / "n.romfs").read_bytes()
    assert written == (released / "images/node.romfs").read_bytes()
    assert f"mpremote romfs deploy {tmp_path}/build/n.romfs" in capsys.readouterr().out

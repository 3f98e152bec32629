"""What of the heap a ROMFS image saves: the node's, loaded from files and run from the image.

    python -m tools.dist.heap            prints it
    python -m tools.dist.heap --page     and writes it into docs/firmware.md

Measured as tools.sizes does, with its probe, but on the Unix port: the 32-bit build has no ROMFS.
The image lies in a buffer made before the first measurement, as on a board it lies in flash. An
object takes twice the ESP32's bytes on 64 bits, bytecode and texts the same; so these figures are
too large for a board, and the share that is saved too small. Frozen modules keep still more in
flash: the tables of constants, which are made in the heap for an image.
"""

import json
import re
import sys
import tempfile
from pathlib import Path

from tests.support.runtimes import ROOT, Missing, run_code
from tools.deploy.bundle import bundle
from tools.dist.romfs import image

PAGE = ROOT / "docs" / "firmware.md"
MARK = "<!-- heap -->\n"
PROBE = ROOT / "tools" / "sizes" / "board"
STAGES = (
    ("import_client", "lib/mqtt imported"),
    ("start_node", "the node of the example, started"),
    ("run_node", "the same, after 50 minutes"),
)

FROM_FILES = "import sys\nsys.path.insert(0, {place!r})\n"
FROM_ROM = """import sys, vfs
with open({place!r}, "rb") as file:
    rom = file.read()
vfs.mount(vfs.VfsRom(rom), "/rom")
sys.path.insert(0, "/rom/lib")
"""


def measure(files):
    """[(stage, bytes of heap from files, bytes from ROMFS)] for the files of a board."""
    with tempfile.TemporaryDirectory() as folder:
        lib, rom = Path(folder) / "lib", Path(folder) / "node.romfs"
        rom.write_bytes(image(files))
        for path, data in files.items():
            if path.startswith("lib/"):
                (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / path).write_bytes(data)
        both = [_held(FROM_FILES, lib), _held(FROM_ROM, rom)]
    return [(text, *pair) for (_, text), *pair in zip(STAGES, *both, strict=True)]


def _held(begin, place):
    config = json.dumps((ROOT / "config.example.json").read_text())
    code = begin.format(place=str(place))
    code += f"import gc, probe\nprobe.write_config({config})\ngc.collect()\nbase = gc.mem_alloc()\n"
    for stage, _ in STAGES:
        code += f"probe.{stage}()\ngc.collect()\nprint('held', gc.mem_alloc() - base)\n"
    done = run_code("unix", code, [PROBE])
    if done.code != 0:
        raise SystemExit(f"heap: the probe ended with an error:\n{done.output}")
    return [int(held) for held in re.findall(r"(?m)^held (\d+)$", done.output)]


def table(rows):
    """Markdown."""
    lines = ["| heap, bytes, 64-bit | from files | from ROMFS | saved |", "|---|---|---|---|"]
    for text, files, rom in rows:
        lines.append(f"| {text} | {files:,} | {rom:,} | {100 * (files - rom) // files} % |")
    return "\n".join(lines) + "\n"


def on_page(text, new):
    """The page with another table between its two marks."""
    before, _, after = text.split(MARK)
    return f"{before}{MARK}{new}{MARK}{after}"


def main(arguments):
    found = table(measure(bundle()))
    print(found, end="")
    if arguments == ["--page"]:
        PAGE.write_text(on_page(PAGE.read_text(), found))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Missing as missing:
        sys.exit(f"heap: {missing}")

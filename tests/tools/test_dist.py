"""make dist: what is in the bundle, what it is called, and that two runs give the same bytes."""

import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from tests.tools.board import ROOT
from tests.tools.deployment import read_image, read_tree
from tools.deploy import Trouble
from tools.dist import __main__, packages, version

ALONE = ("boot.py", "main.py", "config.example.json")


def test_two_runs_give_the_same_bytes(released, tmp_path):
    """The second in another process, with other hashes, another clock and another umask."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.dist", "--out", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        timeout=400,
        umask=0o077,
    )
    assert done.returncode == 0, done.stderr
    assert read_tree(tmp_path / released.name) == read_tree(released)
    first, second = (each / f"{released.name}.zip" for each in (released.parent, tmp_path))
    assert first.read_bytes() == second.read_bytes()
    assert hashlib.sha256(first.read_bytes()).hexdigest() in done.stdout


def test_every_file_is_in_the_list_of_sums_and_in_the_zip(released):
    files = read_tree(released)
    listed = dict(
        reversed(line.split("  ")) for line in files.pop("SHA256SUMS").decode().split("\n")[:-1]
    )
    assert listed == {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=released, check=True)
    with zipfile.ZipFile(released.parent / f"{released.name}.zip") as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    assert packed == {f"{released.name}/{path}": data for path, data in read_tree(released).items()}


def test_each_image_holds_the_compiled_node_and_is_as_large_as_its_place(released):
    files = read_tree(released)
    wanted = {path: files[path] for path in files if path in ALONE or path.endswith(".mpy")}
    images = sorted(released.glob("images/littlefs-*.bin"))
    assert len(images) == 5
    for path in images:
        assert read_image(path) == wanted, path.name
    ends = {"2MB-D2WD": 2, "4MB": 4, "4MB-OTA": 4, "8MB": 8, "16MB": 16}
    for offset, name in re.findall(
        r"(0x[0-9a-f]+) images/littlefs-(\S+)\.bin", files["README.txt"].decode()
    ):
        assert int(offset, 16) + len(files[f"images/littlefs-{name}.bin"]) == ends.pop(name) << 20
    assert not ends


def test_the_bundle_has_the_section_of_the_changelog_and_its_name(released):
    release = version.release()
    assert released.name == f"steadynode-{release.name}"
    assert (released / "CHANGES.md").read_text() == release.changes
    assert (
        release.changes.split("\n- ", 1)[1].splitlines()[0] in (ROOT / "CHANGELOG.md").read_text()
    )


def test_no_link_of_the_bundle_is_dead(released, tree):
    for page in released.rglob("*.md"):
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
            assert target.startswith("https://") or (page.parent / target).exists(), target
    kept = "[x](https://example.org/x)"
    root = tree(f"## 1.2.0\n\n- see [docs/a.md](docs/a.md), [the b](b.md#c), {kept}\n")
    assert version.release(root).changes.endswith(f"- see docs/a.md, the b (b.md#c), {kept}\n")


def test_the_text_beside_it_says_how_to_install_each_tool_that_it_names(released):
    said = (released / "README.txt").read_text()
    installed = dict(re.findall(r"(\w+)==([\w.]+)", said))
    named = {line.split()[0] for line in re.findall(r"(?m)^    (.*)$", said)}
    assert named - {"python3", ".", "pip"} == set(installed) == {"mpremote", "esptool"}
    for tool, number in installed.items():
        assert importlib.metadata.version(tool) == number


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n')

    def with_changelog(text):
        (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{text}")
        return tmp_path

    return with_changelog


def test_a_version_with_a_section_of_its_own_is_released_under_its_name(tree):
    root = tree("## Unreleased\n\n- soon\n\n## 1.2.0 (2026-12-01)\n\n- new\n\n## 1.1.0\n\n- old\n")
    assert version.release(root) == version.Release("1.2.0", "# Steadynode 1.2.0\n\n- new\n")


def test_before_that_it_is_a_dev_version_with_what_is_unreleased(tree):
    root = tree("## Unreleased\n\n- soon\n\n## 1.1.0\n\n- old\n")
    assert version.release(root) == version.Release(
        "1.2.0-dev", "# Steadynode 1.2.0-dev\n\n- soon\n"
    )


@pytest.mark.parametrize("text", ["", "## Unreleased\n\n## 1.1.0\n\n- old\n"])
def test_a_changelog_that_says_nothing_of_the_version_stops_it(tree, text):
    with pytest.raises(Trouble, match='no section "## 1.2.0" and none "## Unreleased"'):
        version.release(tree(text))


def test_what_stops_it_is_told_with_the_next_step_and_without_a_traceback(monkeypatch, capsys):
    def none(root=ROOT):
        raise Trouble("CHANGELOG.md has no section")

    monkeypatch.setattr(version, "release", none)
    assert __main__.main([]) == 1
    assert capsys.readouterr().err == "make dist: CHANGELOG.md has no section\n"


def test_the_version_is_the_same_wherever_it_is_repeated():
    manifest = (ROOT / "lib/mqtt/manifest.py").read_text()
    assert re.search(r'version="([^"]+)"', manifest)[1] == version.number()


def test_the_packages_in_the_sources_name_every_module_and_the_version():
    for path, text in packages.sources().items():
        hint = (
            f"{path.relative_to(ROOT)} is out of date: run .venv/bin/python -m tools.dist.packages"
        )
        assert path.read_text() == text, hint

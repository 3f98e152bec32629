"""Builds the bundle of a release: `make dist`, see docs/firmware.md.

    python -m tools.dist [--out build/dist]

A folder steadynode-<version> with the compiled node, its packages for mip, images for the flash,
what is new and the SHA-256 of each, and the same folder as a .zip. Two runs over the same sources
give the same bytes: nothing in it comes from the clock, the machine or the order of a folder.
"""

import argparse
import hashlib
import shutil
import sys
import zipfile
from pathlib import Path

from tools.deploy import Trouble
from tools.deploy.bundle import NAMES, ROOT, bundle
from tools.dist import packages, version
from tools.dist.images import images
from tools.dist.romfs import image
from tools.pins import pinned

SUMS = "SHA256SUMS"
MOMENT = (1980, 1, 1, 0, 0, 0)  # of every file in the .zip, which must have one
README = """\
Steadynode {name}, compiled. The documentation is that of the sources.

The commands below need Python 3.10 or later, and once, in this folder:
    python3 -m venv tools
    . tools/bin/activate                       (on Windows: tools\\Scripts\\activate)
    pip install mpremote=={mpremote} esptool=={esptool}
A board that has no MicroPython gets 1.24 or later first: https://micropython.org/download says how.

A board with MicroPython, over its USB port; config.json is your copy of config.example.json, edited:
    mpremote mip install ./package.json
    mpremote cp config.json :
    mpremote reset
The MQTT client alone, for a program of your own:
    mpremote mip install ./lib/mqtt/package.json
A whole file system, in place of what files the board has, for the generic firmware of each flash;
then copy config.json as above:
{flash}
A board whose firmware has a ROMFS partition (boot.py, main.py and config.json stay files):
    mpremote romfs deploy images/node.romfs
What the node says, and a prompt (Ctrl-] leaves):
    mpremote
names.json tells what the short names in a traceback of this build stand for.
"""


def contents(files, release):
    """path in the bundle -> bytes. `files`: path on a board -> bytes; `release`: a Release."""
    modules = {path: data for path, data in files.items() if path.startswith("lib/")}
    below = [path.removeprefix("lib/") for path in modules]
    number = release.name
    alone = [path.removeprefix("mqtt/") for path in below if path.startswith("mqtt/")]
    example = (ROOT / packages.EXAMPLE).read_bytes()
    made = {**files, packages.EXAMPLE: example}
    flashed = images(made)
    made["package.json"] = packages.whole(below, number).encode()
    made["lib/mqtt/package.json"] = packages.client(alone, number).encode()
    made["images/node.romfs"] = image(files)
    made.update({f"images/{each.name}": each.data for each in flashed})
    made["CHANGES.md"] = release.changes.encode()
    pins = {tool: pinned()[tool] for tool in ("mpremote", "esptool")}
    made["README.txt"] = README.format(name=number, flash=_flash(flashed), **pins).encode()
    return made


def _flash(flashed):
    places = [(f"{each.offset:#x}", each.name) for each in flashed]
    return "\n".join(f"    esptool write-flash {at} images/{name}" for at, name in places)


def sums(files):
    """The list that `sha256sum -c` reads."""
    lines = (f"{hashlib.sha256(data).hexdigest()}  {path}" for path, data in sorted(files.items()))
    return "\n".join(lines) + "\n"


def write(out, files, name):
    """The folder `name` under `out`, made anew, and its .zip. Returns the path of the .zip."""
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    packed = out / f"{name}.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, data in sorted(files.items()):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
            entry = zipfile.ZipInfo(f"{name}/{path}", MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # else it tells the system it was made on
            archive.writestr(entry, data)
    return packed


def build(out):
    """The bundle of this tree under `out`; (its folder, its .zip). Trouble if it cannot be made."""
    out.mkdir(parents=True, exist_ok=True)  # sooner than all the work
    release = version.release()
    files = contents(bundle(), release)
    files["names.json"] = NAMES.read_bytes()
    files[SUMS] = sums(files).encode()
    name = f"steadynode-{release.name}"
    packed = write(out, files, name)
    return out / name, packed


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.dist", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "dist", help="where it goes")
    out = parser.parse_args(arguments).out
    try:
        folder, packed = build(out)
    except Trouble as trouble:
        return _failed(str(trouble))
    except OSError as error:
        return _failed(f"{error.filename}: {error.strerror}; name another OUT=folder than {out}")
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        print(f"{path.stat().st_size:12,}  {path.relative_to(folder)}")
    print(f"{packed.stat().st_size:12,}  {packed}")
    print(f"sha256 {hashlib.sha256(packed.read_bytes()).hexdigest()}")
    return 0


def _failed(why):
    print(f"make dist: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

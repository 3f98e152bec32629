"""The node's modules as a ROMFS image, which a board runs from its flash: see docs/firmware.md.

    python -m tools.dist.romfs [FILE]    default: build/steadynode.romfs

The same image as `mpremote romfs build` makes of a folder, by mpremote's own writer.
"""

import argparse
import sys
from pathlib import Path

from mpremote.romfs import VfsRomWriter

from tools.deploy import Trouble
from tools.deploy.bundle import ROOT, bundle

HOME = "lib/"  # MicroPython mounts the image at /rom and looks for modules in /rom/lib


def image(files):
    """The image, as bytes, of the modules among `files` (path on a board -> bytes)."""
    writer = VfsRomWriter()
    _folder(writer, _tree({path: data for path, data in files.items() if path.startswith(HOME)}))
    return writer.finalise()


def _tree(files):
    tree = {}
    for path, data in files.items():
        *folders, name = path.split("/")
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = data
    return tree


def _folder(writer, tree):
    for name, inner in sorted(tree.items()):
        if isinstance(inner, dict):
            writer.opendir(name)
            _folder(writer, inner)
            writer.closedir()
        else:
            writer.mkfile(name, inner)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.dist.romfs", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", nargs="?", type=Path, default=ROOT / "build" / "steadynode.romfs")
    path = parser.parse_args(arguments).file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)  # sooner than all the work
        data = image(bundle())
        path.write_bytes(data)
    except Trouble as trouble:
        print(f"romfs: {trouble}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"romfs: {path}: {error.strerror}; name another file", file=sys.stderr)
        return 1
    print(f"{path}: {len(data):,} bytes. To a board whose firmware has a ROMFS partition:")
    print(f"    .venv/bin/mpremote romfs deploy {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

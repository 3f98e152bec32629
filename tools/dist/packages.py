"""The package.json files that mip reads: of lib/mqtt alone, and of the whole node.

    python -m tools.dist.packages        writes both into the sources, after a module came or went

An address in them is relative to the file itself, which mip of MicroPython 1.25 and mpremote 1.25
resolve; a path on the board is below mip's target, /lib. boot.py and main.py belong beside it, and
come last: an installation that breaks off leaves the board without a program, not with half of one.
"""

import json
import sys

from tools.deploy.bundle import NOT_ON_A_BOARD, PROGRAMS, ROOT
from tools.dist.version import number

EXAMPLE = "config.example.json"


def client(names, version):
    """The package of the client alone, beside its files `names`, as text."""
    return _text(version, [[f"mqtt/{name}", name] for name in sorted(names)])


def whole(paths, version):
    """The package of the whole node as text. `paths` of its modules, below lib/; the programs and
    the example of a configuration lie beside lib/."""
    urls = [[path, f"lib/{path}"] for path in sorted(paths)]
    urls += [[f"../{name}", name] for name in (EXAMPLE, *reversed(PROGRAMS))]
    return _text(version, urls)


def sources(root=ROOT):
    """path -> text of the two files that stand in the sources."""
    version = number(root)
    lib = root / "lib"
    modules = [path for path in sorted(lib.rglob("*.py")) if path.name not in NOT_ON_A_BOARD]
    names = [path.name for path in modules if path.parent == lib / "mqtt"]
    return {
        lib / "mqtt" / "package.json": client(names, version),
        root / "package.json": whole([p.relative_to(lib).as_posix() for p in modules], version),
    }


def _text(version, urls):
    lines = ",\n".join(f"    {json.dumps(each)}" for each in urls)
    return f'{{\n  "version": "{version}",\n  "urls": [\n{lines}\n  ],\n  "deps": []\n}}\n'


def main():
    for path, text in sources().items():
        path.write_text(text)
        print(f"{path.relative_to(ROOT)}: {text.count(chr(10) + '    [')} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Builds lib/ for a board: the same code in fewer and smaller files.

    python -m tools.build [--out build/lib]

What it does stands in docs/build.md. The map of shortened names is names.json beside the folder.
"""

import argparse
import shutil
import sys
from pathlib import Path

from tools.build import folding, merging, public, writing
from tools.build.naming import Names
from tools.build.program import Program
from tools.build.sources import BuildError

ROOT = Path(__file__).resolve().parents[2]


def build(out, lib=ROOT / "lib", root=ROOT):
    """Build the folder `lib` into `out`, which is emptied first. Returns file -> bytes."""
    out = Path(out)
    program = Program(lib)
    kept = public.mark(program, root)
    folding.fold(program)
    trees = merging.merge(program, program.place())
    names = Names(program, trees, kept)
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    return writing.write(program, trees, names, out)


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.build")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "lib")
    parser.add_argument("--lib", type=Path, default=ROOT / "lib")
    options = parser.parse_args()
    sizes = build(options.out, options.lib)
    for name, size in sorted(sizes.items()):
        print(f"{size:7,}  {name}")
    print(f"{sum(sizes.values()):7,}  in {options.out}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BuildError as error:
        sys.exit(f"build: {error}")

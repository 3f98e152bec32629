"""Builds lib/ for a board: the same code in fewer and smaller files. See docs/build.md.

    python -m tools.build [--out build/lib]
    python -m tools.build --explain < traceback.txt

Beside the folder stands names.json, the map of what each shortened name stands for.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

from tools.build import folding, inlining, merging, moving, public, writing
from tools.build.explain import explain
from tools.build.naming import Names, private
from tools.build.program import Program
from tools.build.sources import BuildError
from tools.build.usage import Groups

ROOT = Path(__file__).resolve().parents[2]


def build(out, lib=ROOT / "lib", root=ROOT):
    """Build the folder `lib` into `out`, which is made anew. `root`: of the project, for the pages
    that name what is public. Returns module -> bytes of its file. Raises BuildError."""
    out = Path(out)
    program = Program(Path(lib))
    kept = public.mark(program, root)
    folding.fold(program)
    trees = merging.merge(program, program.place())
    moving.move(program, trees, private(Groups(trees), kept))
    inlining.inline(trees, private(Groups(trees), kept))
    names = Names(program, trees, kept)
    _clear(out)
    out.mkdir(parents=True)
    return writing.write(program, trees, names, out)


def _clear(out):
    # Whoever names a folder of his own by mistake keeps what is in it.
    if not out.exists():
        return
    for path in out.rglob("*"):
        if not path.is_dir() and path.suffix != ".mpy":
            raise BuildError(
                f"{out} would be made anew, but has more than a build in it: "
                f"{path.relative_to(out)}; name another OUT=folder"
            )
    shutil.rmtree(out)


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.build", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "lib", help="where it goes")
    parser.add_argument("--lib", type=Path, default=ROOT / "lib", help="the sources")
    parser.add_argument("--explain", action="store_true", help="read a traceback from stdin")
    options = parser.parse_args()
    if options.explain:
        return _explain(options.out.parent / "names.json")
    try:
        options.out.parent.mkdir(parents=True, exist_ok=True)  # sooner than all the work
        sizes = build(options.out, options.lib)
    except OSError as error:
        raise BuildError(f"{error.filename}: {error.strerror}; name another OUT=folder") from None
    for name, size in sorted(sizes.items()):
        print(f"{size:7,}  {name}")
    print(f"{sum(sizes.values()):7,}  bytes in {options.out}")
    return 0


def _explain(path):
    if not path.is_file():
        raise BuildError(f"{path} is not there: run `make build` with the sources of that board")
    print(explain(sys.stdin.read(), json.loads(path.read_text())))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BuildError as error:
        sys.exit(f"build: {error}")

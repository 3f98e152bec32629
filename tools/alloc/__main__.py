"""What allocates on MicroPython, and what to write instead, measured. See docs/allocation.md.

    python -m tools.alloc              measure, and print
    python -m tools.alloc --write      measure, and put the tables in the page
    python -m tools.alloc FILE ...     the functions of these files whose frame comes from the heap

Bytes are those of one run, on a 64-bit and on a 32-bit build. "and back": a heap lock lets it pass
and nothing stays, but the heap is asked for so much. "unseen by the lock": it passes, and stays.
"""

import argparse
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from tests.support.runtimes import ROOT, Missing
from tools.alloc import costs, opening, table
from tools.alloc.frames import LIMIT, frames

PAGE = ROOT / "docs" / "allocation.md"
CONNECTIONS = 1000
_PLACE = "<!-- measured: {} -->\n"
_END = "<!-- measured: end -->"


def tables():
    """{name of its place in the page: the table} of all that is measured. Raises RuntimeError."""
    found = table.measured()
    nothing = table.free()
    wrong = table.faults(found, nothing)
    if wrong:
        raise RuntimeError("the page would be wrong:\n" + "\n".join(wrong))
    return {
        "constructs": table.markdown(found, nothing),
        "habits": costs.markdown(costs.measured()),
        "opening": opening.markdown(opening.pieces(), opening.lost(CONNECTIONS)),
    }


def placed(page, measured):
    """The text `page` with each table in its place. Raises ValueError for a place that is not
    there."""
    for name, text in measured.items():
        begin = _PLACE.format(name)
        if page.count(begin) != 1:
            raise ValueError(f"{PAGE}: must have the line {begin.strip()!r} once")
        pattern = re.escape(begin) + ".*?" + re.escape(_END)
        page = re.sub(pattern, lambda _, t=text, b=begin: f"{b}\n{t}\n\n{_END}", page, flags=re.S)
    return page


def between(page, name):
    """The table that `page` has in the place `name`."""
    return page.split(_PLACE.format(name))[1].split(_END)[0].strip()


def large(paths):
    """Print the functions with too large a frame; how many there are."""
    count = 0
    for path in paths:
        for frame in frames(path):
            if frame.words > LIMIT and frame.name != "<module>":
                count += 1
                parts = f"{frame.state} and {frame.nested} x 3 for what is nested"
                print(f"{path}:{frame.line}: {frame.name}: {frame.words} words ({parts})")
    if not count:
        print(f"no frame of more than {LIMIT} words")
    return count


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.alloc", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    if options.files:
        return 1 if large(options.files) else 0
    measured = tables()
    if options.write:
        PAGE.write_text(placed(PAGE.read_text(encoding="utf-8"), measured), encoding="utf-8")
    else:
        Console().print(Markdown("\n\n".join(measured.values())))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Missing, RuntimeError, ValueError, OSError) as error:
        sys.exit(f"alloc: {error}")

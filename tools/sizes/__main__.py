"""What the code takes: bytes of `.mpy`, and bytes of heap on a 32-bit MicroPython.

    python -m tools.sizes           measures and prints; lib/ as it is, and as `make build` makes it
    python -m tools.sizes --write   and puts the figures into docs/sizes.md
    python -m tools.sizes --check   and compares them with docs/sizes.md

What is counted, and how, is said there.
"""

import argparse
import sys

from rich import box
from rich.console import Console
from rich.table import Table

from tests.support.runtimes import ROOT, Missing
from tools.build.sources import BuildError
from tools.sizes import page
from tools.sizes.measuring import FLASH, HEAP, NODE, both
from tools.sizes.page import AIMS, COLUMNS, LIMIT, PAGE
from tools.sizes.page import SEGMENT as SEGMENT


def table(plain, built):
    """The figures for the terminal."""
    made = Table(box=box.SIMPLE)
    made.add_column()
    for column in (*COLUMNS, "wanted"):
        made.add_column(column, justify="right")
    for heading, texts in ((".mpy, bytes of flash", FLASH), ("heap, bytes on 32 bits", HEAP)):
        made.add_section()
        made.add_row(f"[bold]{heading}[/bold]")
        for text in texts:
            wanted = f"{AIMS[text]:,}" if text in AIMS else ""
            made.add_row(text, f"{plain.sizes[text]:,}", f"{built.sizes[text]:,}", wanted)
    made.add_section()
    made.add_row("first heap segment, less MicroPython", f"{LIMIT:,}", f"{LIMIT:,}")
    return made


def check(plain, built):
    """0, or 1 with a text that says which figures have changed and what to do."""
    name = PAGE.relative_to(ROOT)
    found = page.changes(PAGE.read_text(encoding="utf-8"), plain, built)
    largest = max(built.sizes[text] for _, text in NODE)
    if found:
        print(f"{name} is no longer true:", *found, sep="\n  ", file=sys.stderr)
        print(
            "If the growth is worth it: `make sizes ARGS=--write`, and commit the page with what "
            "made it grow. If not, look for what grew.",
            file=sys.stderr,
        )
    if largest > LIMIT:
        print(
            f"the built node takes {largest:,} bytes of heap; the first segment of an ESP32 has "
            f"{LIMIT:,}. It must shrink by {largest - LIMIT:,}: {name} says where the bytes go.",
            file=sys.stderr,
        )
    if found or largest > LIMIT:
        return 1
    print(f"{name} has the sizes as they are")
    return 0


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.sizes", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--write", action="store_true", help="into docs/sizes.md")
    what.add_argument("--check", action="store_true", help="compare with docs/sizes.md")
    options = parser.parse_args(arguments)
    plain, built = both()
    if options.check:
        return check(plain, built)
    Console().print(table(plain, built))
    if options.write:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(page.written(text, plain, built), encoding="utf-8")
        print(f"written: {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Missing, BuildError, ValueError, OSError) as error:
        sys.exit(f"sizes: {error}")

"""The client beside others: python -m tools.bench [--only instructions] [--client NAME] ..."""

import argparse
import sys

from rich import box
from rich.console import Console
from rich.table import Table

from tests.support.runtimes import Missing
from tools.bench import instructions
from tools.bench.catalogue import FLOOR, OURS
from tools.bench.probing import Trouble

CLIENTS = (FLOOR, OURS)


def main(arguments=None):
    options = parsed(arguments)
    console = Console()
    clients = [c for c in CLIENTS if not options.client or c.name in options.client]
    with console.status("counting") as status:
        figures = instructions.per_operation(
            clients, options.times, status.update, set(options.operation)
        )
    console.print(table("instructions", figures))
    return 0


def parsed(arguments):
    parser = argparse.ArgumentParser("python -m tools.bench", description=__doc__)
    parser.add_argument("--only", choices=["instructions"], help="this part alone")
    names = [c.name for c in CLIENTS]
    parser.add_argument("--client", action="append", default=[], choices=names, help="only these")
    parser.add_argument("--operation", action="append", default=[], help='as "publish 0"')
    parser.add_argument("--times", type=int, default=instructions.TIMES, help="operations a run")
    return parser.parse_args(arguments)


def table(title, figures):
    shown = Table(title=title, box=box.SIMPLE)
    shown.add_column("operation")
    for name in figures:
        shown.add_column(name, justify="right")
    for operation in dict.fromkeys(op for ops in figures.values() for op in ops):
        row = [figures[name].get(operation) for name in figures]
        shown.add_row(operation, *("" if n is None else f"{n:,}" for n in row))
    return shown


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Missing, Trouble) as error:
        sys.exit(f"bench: {error}")

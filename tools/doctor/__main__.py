"""make doctor. Exit status: 0 nothing is wrong (doubts may be left), 1 something is."""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from tools.deploy import Trouble, ports
from tools.doctor import BAD, DOUBT, GOOD, LEFT_OUT, Finding, board, host

MARKS = {GOOD: "[green]✓[/]", DOUBT: "[yellow]?[/]", BAD: "[bold red]✗[/]", LEFT_OUT: "[dim]-[/]"}


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="doctor", description="What is wrong with board, cable, firmware, Wi-Fi, broker?"
    )
    parser.add_argument("--port", default="", help="serial port; without it the only one there is")
    parser.add_argument("--config", type=Path, help="config.json to check (default: the one here)")
    parser.add_argument(
        "--wait", type=float, default=board.START_S, help="seconds for the node to come online"
    )
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    found = []
    try:
        for finding in findings(options):
            found.append(finding)
            show(finding, console)
    except KeyboardInterrupt:
        console.print("interrupted; if a node was stopped, the reset button starts it again")
        return 1
    bad = sum(finding.state == BAD for finding in found)
    states = {finding.state for finding in found}
    good = "nothing is wrong as far as this can be seen"
    if LEFT_OUT in states:
        good = "nothing is wrong in what could be looked at; what has a - could not"
    if DOUBT in states:
        good += "; what has a ? may be wrong"
    console.print(f"\n{bad} wrong" if bad else f"\n{good}")
    return 1 if bad else 0


def findings(options):
    """All checks that are possible, one after the other."""
    yield host.computer()
    config, about = host.read_config(options.config)
    yield from about
    if config is not None:
        yield from host.brokers(config)
    try:
        port = ports.find(options.port)
    except Trouble as trouble:
        several = "several" in str(trouble)
        yield Finding("board", BAD if several else LEFT_OUT, str(trouble))
        return
    yield from board.examine(port, config, options.wait)


def show(finding, console):
    first, *rest = escape(finding.text).split("\n")
    console.print(f"{MARKS[finding.state]} [bold]{finding.check}[/]: {first}")
    for line in rest:
        console.print(f"    {line}")
    if finding.next:
        console.print(f"    [bold]next:[/] {escape(finding.next)}")


if __name__ == "__main__":
    sys.exit(main())

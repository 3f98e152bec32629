"""The measuring program on a board, through mpremote's serial line.

The program and lib/mqtt are compiled into a temporary folder here, which the board sees as
/remote for as long as it runs: nothing is written to the board. A node that runs there is
interrupted, and starts again with the reset at the end. Should we be killed, the watchdog resets.
"""

from __future__ import annotations

import contextlib
import json
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mpremote.transport import TransportError

from tools import deploy
from tools.deploy import link
from tools.deploy.bundle import bytecode_fault, each_module
from tools.run.parts import ROOT, Trouble

PROGRAM = ROOT / "tools" / "measure" / "program"
MARK = "@measure "
END_OF_OUTPUT = b"\x04"
PAUSE_S = 0.005


class Board:
    """Runs the program once, on the board behind the serial port `port`."""

    where = "board"

    def __init__(self, port: str) -> None:
        self.port = port
        self.hung = False
        self._stop = False

    def lines(self, settings: dict, seconds: float) -> Iterator[str]:
        """What it prints, line by line; it is given up after so many seconds."""
        try:
            with tempfile.TemporaryDirectory(prefix="measure-") as folder:
                files = compile_into(Path(folder))
                with link.Board(self.port) as board, self._restarted(board):
                    self._start(board, folder, files, settings)
                    yield from self._follow(board.transport.serial, time.monotonic() + seconds)
        except deploy.Trouble as trouble:
            raise Trouble(str(trouble)) from None
        except (TransportError, OSError, struct.error) as error:
            raise Trouble(
                f"{self.port}: the board was lost ({error}). Check cable and power, then try again."
            ) from None

    def ask_end(self) -> None:
        """Have it finish what is under way, say goodbye to the broker, and tell."""
        self._stop = True

    @contextlib.contextmanager
    def _restarted(self, board: link.Board) -> Iterator[None]:
        """Whatever ran on the board before runs again after this, with nothing of ours left."""
        finished = False
        try:
            yield
            finished = not self.hung
        finally:
            with contextlib.suppress(deploy.Trouble, TransportError, OSError):
                if not finished:
                    board.recover()
                # An import would ask for its file over the mount, which nobody answers any more.
                with contextlib.suppress(TransportError):
                    board.transport.umount_local()
                board.reset()

    @staticmethod
    def _start(board: link.Board, folder: str, files: dict, settings: dict) -> None:
        board.take_over()
        if fault := bytecode_fault(files, board.ask("facts()")["mpy"]):
            raise Trouble(f"{board.port}: {fault}. Put MicroPython 1.24 or later on it: make flash")
        home = board.ask("os.getcwd()")
        board.transport.mount_local(folder)
        board.transport.exec_raw_no_follow(
            f"import onboard\nonboard.run({json.dumps(settings)!r}, {home!r})"
        )

    def _follow(self, serial, end: float) -> Iterator[str]:
        """Lines until the program has ended; then those of its traceback, if any."""
        said, ends, runs, asked = b"", 0, False, False
        while ends < 2:
            if time.monotonic() > end:
                self.hung = True
                return
            waiting = serial.inWaiting()
            if waiting:
                said += serial.read(waiting)
            else:
                time.sleep(PAUSE_S)
            while b"\n" in said or END_OF_OUTPUT in said:
                line, sign, said = _first(said)
                ends += sign == END_OF_OUTPUT
                runs = runs or line.startswith(MARK)
                yield line
            # While it is imported, what goes to the board is answers to its questions for files.
            if self._stop and runs and not asked:
                asked = True
                serial.write(b"q")


def _first(said: bytes) -> tuple[str, bytes, bytes]:
    """The first line of `said`, the sign that ends it, and the rest."""
    at = min(at for at in (said.find(b"\n"), said.find(END_OF_OUTPUT)) if at >= 0)
    return said[:at].decode(errors="replace").rstrip("\r"), said[at : at + 1], said[at + 1 :]


def compile_into(folder: Path) -> dict[str, bytes]:
    """Write every module that the board needs, as .mpy; path -> bytes."""
    with tempfile.TemporaryDirectory() as room:
        files = dict(each_module(PROGRAM, Path(room)))
    with tempfile.TemporaryDirectory() as room:
        built = each_module(ROOT / "lib", Path(room))
        files.update({path: data for path, data in built if path.startswith("mqtt")})
    for path, data in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(data)
    return files

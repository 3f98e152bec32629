"""The processes of a run: the broker, and the node on the Unix port.

Neither outlives this process: the broker ends when its stdin closes; the node is ended by stop()
and, should this process be killed, by the kernel (Linux). Errors are ``Trouble``, whose text says
what is wrong and what to do.
"""

from __future__ import annotations

import collections
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tools.sim import watchdog
from tools.sim.board import boardlayout
from tools.sim.boardfile import BoardFile

ROOT = Path(__file__).resolve().parents[2]
BOARD = ROOT / "tools" / "sim" / "board"
NODE_HEAP = "384k"  # compiled from source, 64-bit objects: a board has .mpy files and half the size
LOG_LINES = 500


class Trouble(Exception):
    """Something is missing or has died; the text is for the user."""


def free_port() -> int:
    """A port of the loopback that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def micropython() -> str:
    """The Unix port: $MICROPYTHON, else beside this Python, else on the PATH. Trouble if none."""
    own = os.environ.get("MICROPYTHON")
    found = own or shutil.which(
        "micropython", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    )
    if not found or not os.access(found, os.X_OK):
        where = f"MICROPYTHON names {own}, which cannot be run" if own else "there is none"
        raise Trouble(
            f"MicroPython's Unix port: {where}. Run `make setup`, or set "
            "MICROPYTHON=/path/to/micropython (1.24 or later)."
        )
    return found


class Broker:
    """The broker child. kill() is kill -9; start() after it uses the same port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.kills: list[float] = []  # time.monotonic() of every kill()
        self._process: subprocess.Popen | None = None

    def start(self, seconds: float = 15) -> None:
        """Start and wait until it accepts connections."""
        with tempfile.TemporaryFile() as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tools.run.brokerhost", str(self.port)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
            end = time.monotonic() + seconds
            while not self._accepts():
                if self._process.poll() is not None or time.monotonic() > end:
                    self.stop()
                    errors.seek(0)
                    said = errors.read().decode(errors="replace").strip().splitlines()
                    why = said[-1] if said else f"no answer on port {self.port} in {seconds} s"
                    raise Trouble(f"the broker (iotcore) did not start: {why}")
                time.sleep(0.02)

    def _accepts(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    @property
    def pid(self) -> int:
        """Process id of the broker as it runs now."""
        return self._process.pid

    def kill(self) -> None:
        """Kill it without warning; what it had in memory is gone."""
        self.kills.append(time.monotonic())
        self.stop()

    def stop(self) -> None:
        """End it; it has nothing to save. May be called twice."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            process.stdin.close()


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """In the child, before exec: SIGTERM when the thread that started it is gone (Linux)."""
    _LIBC.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class Node:
    """The node: start.py on the Unix port in a folder that holds config.json, from the modules in
    `lib`.

    A thread reads its log, and starts it again after a reset. tools/sim/watchdog.py watches each
    of its lives, its time running `haste` times as fast: a node that armed it and does not feed it
    in time is killed and started with the reset cause "watchdog".
    """

    def __init__(
        self, folder: Path, board: BoardFile, lib: Path = ROOT / "lib", haste: float = 1
    ) -> None:
        self.log: collections.deque[str] = collections.deque(maxlen=LOG_LINES)
        self.said = 0  # lines so far
        self.resets = 0
        self.exit_code: int | None = None  # set once it has ended for good
        self._folder = folder
        self._board = board
        self._command = micropython()
        # Taken here: a thread that starts it again must not look while others change theirs.
        self._environment = {
            **os.environ,
            "MICROPYPATH": f"{BOARD}:{lib}:.frozen",
            "STEADYNODE_BOARD": str(board.path),
        }
        self.stopping = False
        self._haste = haste
        self._process: subprocess.Popen | None = None
        self._dog: subprocess.Popen | None = None
        self._thread = threading.Thread(target=self._mind, name="node", daemon=True)

    def start(self) -> None:
        self._process = self._launch()
        self._thread.start()

    @property
    def running(self) -> bool:
        return self.exit_code is None

    @property
    def pid(self) -> int:
        """Process id of the node as it runs now."""
        return self._process.pid

    def tail(self, lines: int) -> list[str]:
        """The last lines of its log."""
        return list(self.log)[-lines:] if lines > 0 else []

    def interrupt(self) -> None:
        """Ctrl-C on the board's console: the node is to say goodbye and end."""
        self.stopping = True
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)

    def join(self, seconds: float) -> bool:
        """Wait for the end of the process; False if it has not ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def stop(self) -> None:
        """End it by force if it still runs. May be called twice."""
        self.stopping = True
        while self._thread.is_alive():
            self._process.kill()
            self._thread.join(0.1)  # after a reset it may be starting anew: then that one, too

    def _launch(self) -> subprocess.Popen:
        process = subprocess.Popen(
            [self._command, "-X", f"heapsize={NODE_HEAP}", str(BOARD / "start.py")],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent if _LIBC else None,
        )
        command = [sys.executable, "-m", "tools.sim.watchdog", str(self._board.path)]
        self._dog = subprocess.Popen(
            [*command, str(process.pid), "--scale", str(self._haste)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent if _LIBC else None,
        )
        return process

    def _mind(self) -> None:
        while True:
            for line in self._process.stdout:
                self._note(line.decode(errors="replace").rstrip("\n"))
            code = self._process.wait()
            self._process.stdout.close()
            again = self._again(code)
            if self.stopping or not again:
                self.exit_code = code
                return
            self.resets += 1
            self._process = self._launch()

    def _note(self, line: str) -> None:
        self.log.append(line)
        self.said += 1

    def _again(self, code: int) -> bool:
        return self._was_bitten(code) or code == boardlayout.RESET_EXIT

    def _was_bitten(self, code: int) -> bool:
        """Whether the watchdog ended this life; it ends with it in any case."""
        if code != -signal.SIGKILL:
            self._dog.kill()
        if self._dog.wait() != watchdog.BITTEN:
            return False
        self._note("(board) the watchdog bites: no feed in time")
        return True

"""The measuring program in a process here: on MicroPython's Unix port, or on CPython.

The child gets its settings as one line on stdin, which no other user can see, and ends when stdin
says or does anything more: so it never outlives this process.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator

from tools.run.parts import ROOT, micropython

PROGRAM = ROOT / "tools" / "measure" / "program" / "meter.py"
LIB = ROOT / "lib"
LOOK_S = 0.1
HEAP = "64M"  # nothing allocates while it measures; buffers of 1,000 large messages fit


class Local:
    """Runs the program once. `kind`: "unix" or "cpython"."""

    def __init__(self, kind: str) -> None:
        if kind == "unix":
            command = [micropython(), "-X", f"heapsize={HEAP}", str(PROGRAM)]
            variables = {"MICROPYPATH": f"{LIB}:.frozen"}
        else:
            command = [sys.executable, "-B", "-S", str(PROGRAM)]
            variables = {"PYTHONPATH": str(LIB)}
        self.where = kind
        self.hung = False
        self._command = command
        self._environment = {"PATH": os.environ.get("PATH", ""), **variables}
        self._process: subprocess.Popen | None = None

    def lines(self, settings: dict, seconds: float) -> Iterator[str]:
        """What it prints, line by line; it is ended after so many seconds."""
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is for us alone: we ask the program to end in order
        )
        with self._process as process:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(settings).encode() + b"\n")
            try:
                yield from self._read(process.stdout.fileno(), time.monotonic() + seconds)
            finally:
                self._end(process)

    def _read(self, pipe: int, end: float) -> Iterator[str]:
        said = b""
        while time.monotonic() < end:
            # Never longer: a signal that another thread got would not break a wait of this one.
            if not select.select([pipe], [], [], LOOK_S)[0]:
                continue
            chunk = os.read(pipe, 65536)
            *lines, said = (said + chunk).split(b"\n")
            yield from (line.decode(errors="replace") for line in lines)
            if not chunk:
                yield said.decode(errors="replace")
                return
        self.hung = True

    @staticmethod
    def _end(process: subprocess.Popen) -> None:
        if process.poll() is None:
            with contextlib.suppress(OSError):
                process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1)
        process.kill()

    def ask_end(self) -> None:
        """Have it finish what is under way, say goodbye to the broker, and tell."""
        if self._process is not None:
            with contextlib.suppress(OSError, ValueError):
                self._process.stdin.write(b"\n")

"""Helper: a MicroPython process over the stand-ins, and a conversation with it line by line."""

import os
import queue
import subprocess
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STANDINS = ROOT / "tools" / "sim" / "board"
PATIENCE_S = 60
# For a `make` of our own: that of `make test ARGS=...` hands its variables on, ARGS among them.
NO_OTHER_MAKE = {"PATH": os.environ.get("PATH", "")}


def environment(board=None):
    """Variables for a run over the stand-ins; without a board file they use their defaults."""
    variables = {"PATH": os.environ.get("PATH", ""), "MICROPYPATH": f"{STANDINS}:.frozen"}
    if board is not None:
        variables["STEADYNODE_BOARD"] = str(board)
    return variables


class Running:
    """A script (its text, or a Path) on the Unix port; as a context manager it ends with it."""

    def __init__(self, micropython, script, board=None, cwd=None):
        self.process = subprocess.Popen(
            [micropython, str(script)] if isinstance(script, Path) else [micropython, "-c", script],
            env=environment(board),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def line(self):
        """The next line it prints; fails when it ended or says nothing for too long."""
        line = self.lines.get(timeout=PATIENCE_S)
        assert line is not None, f"the script ended with {self.process.wait()}"
        return line

    def until(self, wanted):
        """Read lines until one equals `wanted`; the lines before it."""
        before = []
        while (line := self.line()) != wanted:
            before.append(line)
        return before

    def all(self):
        """Every line to the end of the script, and its exit code."""
        lines = []
        while (line := self.lines.get(timeout=PATIENCE_S)) is not None:
            lines.append(line)
        return lines, self.process.wait(PATIENCE_S)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.kill()
        self.process.wait()
        self._reader.join(PATIENCE_S)
        self.process.stdout.close()


def run(micropython, script, board=None, cwd=None):
    """Run a script to its end; its lines. Fails unless it exits 0."""
    with Running(micropython, script, board, cwd) as running:
        lines, code = running.all()
    assert code == 0, "\n".join(lines)
    return lines


def eventually(condition, what, seconds=PATIENCE_S):
    """Poll until condition() is true; fails naming `what`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.005)

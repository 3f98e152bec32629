"""Single keys from the terminal, without Enter and without waiting.

The terminal's settings come back whenever the ``with`` ends, however it ends.
"""

from __future__ import annotations

import os
import select
import sys

try:
    import termios
    import tty
except ImportError:  # no POSIX terminal: the view works, the keys do not
    termios = tty = None


class Keys:
    """pressed() gives the keys since the last call; nothing if stdin is no terminal."""

    def __init__(self) -> None:
        self._number: int | None = None
        self._settings = None

    def __enter__(self) -> Keys:
        if termios and sys.stdin.isatty() and sys.stdout.isatty():
            self._number = sys.stdin.fileno()
            self._settings = termios.tcgetattr(self._number)
            tty.setcbreak(self._number)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._number is not None:
            termios.tcsetattr(self._number, termios.TCSADRAIN, self._settings)

    def pressed(self) -> str:
        """Keys pressed since the last call."""
        if self._number is None or not select.select([self._number], [], [], 0)[0]:
            return ""
        return os.read(self._number, 64).decode(errors="ignore")

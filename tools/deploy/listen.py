"""Hears what a board says on its serial port, over resets that make the port vanish."""

import contextlib
import time

from tools.deploy import link, ports
from tools.deploy.nodelog import ONLINE, PROMPT, SAFE, Lines

POLL_S = 0.02
BACK_S = 15  # for a port to come back: a native USB port vanishes while the board starts
KEPT = 200


class Ear:
    """Takes over an open transport, or opens the port itself. close() it.

    patience: seconds for a port to come back that is gone. on_gone, on_back: called then.
    """

    def __init__(
        self, port, transport=None, patience=BACK_S, on_gone=lambda: None, on_back=lambda: None
    ):
        self._port = port
        self._transport = transport or ports.open_port(port)
        self._patience, self._on_gone, self._on_back = patience, on_gone, on_back
        self._lines = Lines()

    def close(self):
        if self._transport is not None:
            with contextlib.suppress(OSError):
                self._transport.close()
            self._transport = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def lines(self, seconds=None):
        """Yield lines, and None about fifty times a second while there are none, for so long (for
        ever without a limit). Raises Trouble when the port does not come back."""
        end = None if seconds is None else time.monotonic() + seconds
        while end is None or time.monotonic() < end:
            data = self._heard()
            yield from self._lines.feed(data)
            if not data:
                yield None
                time.sleep(POLL_S)

    @property
    def at_prompt(self):
        """The interpreter waits for input: no program runs."""
        return self._lines.rest.endswith(PROMPT)

    def _heard(self):
        try:
            waiting = self._transport.serial.inWaiting()
            return self._transport.serial.read(waiting) if waiting else b""
        except OSError:
            self._again()
            return b""

    def _again(self):
        self.close()
        self._on_gone()
        self._transport = link.reopen(self._port, self._patience)
        self._on_back()


def until_online(ear, seconds, show=lambda line: None):
    """(True when the node said it is online within so many seconds, its last lines)."""
    last = []
    for line in ear.lines(seconds):
        if line is None:
            if ear.at_prompt:
                break  # the node has ended, and nothing more will come
            continue
        last = [*last[1 - KEPT :], line]
        show(line)
        if ONLINE.match(line):
            return True, last
        if SAFE.match(line):
            break
    return False, last

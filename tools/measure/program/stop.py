"""Does somebody want the end? A byte on stdin says so, or the end of stdin.

No exception can then hit the client in the middle of a step, as Ctrl-C would, and the same works
over pipes and over a board's serial line.
"""

import select
import sys
import time

if hasattr(time, "ticks_ms"):
    stdin = sys.stdin
else:  # CPython's own reads ahead, and poll() would see nothing
    stdin = open(0, "rb", buffering=0)


class Stop:
    """`asked` is True from the first byte on. `feed()` is called with every look."""

    def __init__(self, feed):
        poll = select.poll()
        poll.register(stdin, select.POLLIN)
        self.asked = False
        self._feed = feed
        # ipoll() makes no list
        self._ready = poll.ipoll if hasattr(poll, "ipoll") else poll.poll

    def look(self):
        """Look, without waiting; `asked`."""
        self._feed()
        if not self.asked:
            for _ in self._ready(0):
                self.asked = True
                stdin.read(1)
        return self.asked

"""Writes text, integers and tenths into a buffer, in place. Nothing here allocates.

A template is bytes in which INT and TENTHS stand where a number goes. Room is the caller's duty:
buffers are sized at set-up for the largest numbers (2^30-1 in size), and a byte that would fall
outside is dropped and counted in `overflow`, which must stay 0.
"""

from mqtt._shim import const

_INT = const(1)  # in a template: the next value as an integer, or null for None
_TENTHS = const(2)  # the next value, an integer in tenths, with one decimal: 214 writes 21.4


class Writer:
    """A position in a buffer. `open` first; `at` is the place after the last byte written.
    `size` bytes are its own, for what is published from there."""

    def __init__(self, size=0):
        self.at = 0
        self.overflow = 0
        self._own = self.buf = bytearray(size)
        self._values = []
        self._index = 0

    def open(self, buf=None, at=0):
        """Write into `buf` from `at` on; without one into the writer's own, from its start."""
        self.buf = buf or self._own
        self.at = at

    def fill(self, template, values):
        """The template with the list `values` put in, in order."""
        self._values = values
        self._index = 0
        self.text(template)

    def text(self, data):
        """All bytes of `data`."""
        for byte in data:
            if byte > _TENTHS:
                self._byte(byte)
            else:
                self._number(self._values[self._index], byte)
                self._index += 1

    def _byte(self, byte):
        if self.at < len(self.buf):
            self.buf[self.at] = byte
            self.at += 1
        else:
            self.overflow += 1

    def _number(self, value, mark):
        if value is None:
            self.text(b"null")
            return
        if value < 0:
            self._byte(45)
            value = -value
        unit = 10 if mark == _TENTHS else 1
        while value // unit > 9:
            unit *= 10
        while unit:
            self._byte(48 + value // unit % 10)
            if unit == 10 and mark == _TENTHS:
                self._byte(46)
            unit //= 10

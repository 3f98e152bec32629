"""Writes text, integers and tenths into somebody's buffer, in place. Nothing here allocates.

A template is bytes in which INT and TENTHS stand where a number goes. Room is the caller's duty:
buffers are sized at set-up for the largest numbers (2^30-1 in size), and a byte that would fall
outside is dropped and counted in `overflow`, which must stay 0.
"""

INT = 1  # in a template: the next value as an integer, or null for None
TENTHS = 2  # the next value, an integer in tenths, with one decimal


class Writer:
    """A position in a buffer. `open` first; `at` is the place after the last byte written."""

    def __init__(self):
        self.buf = bytearray(0)
        self.at = 0
        self.overflow = 0
        self._values = []
        self._index = 0

    def open(self, buf, at):
        """Write into `buf` from `at` on."""
        self.buf = buf
        self.at = at

    def byte(self, value):
        """One byte."""
        if self.at < len(self.buf):
            self.buf[self.at] = value
            self.at += 1
        else:
            self.overflow += 1

    def text(self, data):
        """All bytes of `data`."""
        for value in data:
            self.byte(value)

    def int(self, value):
        """Decimal digits of -2^30 < value < 2^30; None writes null."""
        if value is None:
            self.text(b"null")
            return
        if value < 0:
            self.byte(45)
            value = -value
        unit = 1
        while value // unit > 9:
            unit *= 10
        while unit:
            self.byte(48 + value // unit % 10)
            unit //= 10

    def tenths(self, value):
        """214 writes 21.4; -5 writes -0.5."""
        if value < 0:
            self.byte(45)
            value = -value
        self.int(value // 10)
        self.byte(46)
        self.byte(48 + value % 10)

    def fill(self, template, values):
        """The template with the list `values` put in, in order."""
        self._values = values
        self._index = 0
        for mark in template:
            if mark > TENTHS:
                self.byte(mark)
            else:
                self._value(mark)

    def _value(self, mark):
        value = self._values[self._index]
        self._index += 1
        if mark == TENTHS:
            self.tenths(value)
        else:
            self.int(value)

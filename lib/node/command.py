"""Reads a relay command where it lies in the receive buffer. Never raises, never allocates.

Accepted, with spaces, tabs and line ends around any part:
    ON   OFF   TOGGLE   {"state":"ON"}   {"state":"ON","for":30}   (members in either order)
Everything else is one of the errors below. An unknown member is an error, not ignored: with
"fro" for "for" a pump would stay on for ever. "for" goes with ON only, so a timer can switch a
relay off but never on.
"""

from mqtt._shim import const

OFF = const(0)
ON = const(1)
TOGGLE = const(2)

_EMPTY = const(-1)
_TOO_LONG = const(-2)
_NOT_TEXT = const(-3)
_UNKNOWN = const(-4)
_NOT_JSON = const(-5)
_BAD_FOR = const(-6)

_LONGEST = const(96)  # bytes; a valid command with generous spacing has fewer
_FOR_MAX = const(2592000)  # seconds: 30 days

_WORDS = (b"OFF", b"ON", b"TOGGLE")  # by state; none is the beginning of another
_WHY = (
    "empty",
    "over 96 bytes",
    "not ASCII text",
    "not ON, OFF or TOGGLE",
    'not like {"state":"ON","for":30}',
    "for must be 1..2592000 whole seconds, with state ON",
)


class Command:
    """The last command parsed: `state` is OFF, ON or TOGGLE, `seconds` its time or 0."""

    def __init__(self):
        self.state = -1
        self.seconds = 0
        self._buf = b""
        self._at = 0
        self._end = 0

    def parse(self, buf, start, end):
        """Read buf[start:end]. 0, or a negative error, and then state and seconds mean nothing."""
        self._buf = buf
        self._at = start
        self._end = end
        self.state = -1
        self.seconds = 0
        if end - start > _LONGEST:
            return _TOO_LONG
        while start < end:
            # Of the control characters only tab and line ends, which count as space.
            if not 32 <= buf[start] < 127 and not 9 <= buf[start] <= 13:
                return _NOT_TEXT
            start += 1
        if self._over():
            return _EMPTY
        if self._take(b"{"):
            return self._members()
        return 0 if self._word() and self._over() else _UNKNOWN

    def why(self, code):
        """What a negative answer of parse() means, for the log."""
        return _WHY[-1 - code]

    def _members(self):
        error = self._member()
        while not error and self._take(b","):
            error = self._member()
        if error:
            return error
        if not self._take(b"}") or not self._over() or self.state < 0:
            return _NOT_JSON
        return _BAD_FOR if self.seconds and self.state != ON else 0

    def _member(self):
        if self.state < 0 and self._take(b'"state"'):
            good = self._take(b":") and self._take(b'"') and self._word() and self._here(b'"')
            return 0 if good else _NOT_JSON
        if not self.seconds and self._take(b'"for"') and self._take(b":"):
            return self._number()
        return _NOT_JSON

    def _number(self):
        self._over()  # passes the space
        at = self._at
        value = 0
        while at < self._end and 48 <= self._buf[at] <= 57 and value <= _FOR_MAX:
            value = value * 10 + self._buf[at] - 48
            at += 1
        # 030 is no JSON and "30" no number; the rest of 1.5 or 1e3 is refused behind it.
        if not 0 < value <= _FOR_MAX or self._buf[self._at] == 48:
            return _BAD_FOR
        self.seconds = value
        self._at = at
        return 0

    def _word(self):
        for word in _WORDS:
            self.state += 1
            if self._here(word):
                return True
        return False

    def _over(self):
        while self._at < self._end and self._buf[self._at] <= 32:
            self._at += 1
        return self._at == self._end

    def _take(self, text):
        self._over()
        return self._here(text)

    def _here(self, text):
        at = self._at + len(text)
        if at > self._end or not self._buf.startswith(text, self._at):
            return False
        self._at = at
        return True

"""Reads a relay command where it lies in the receive buffer. Never raises, never allocates.

Accepted, with spaces, tabs and line ends around any part:
    ON   OFF   TOGGLE   {"state":"ON"}   {"state":"ON","for":30}   (members in either order)
Everything else is one of the errors below. An unknown member is an error, not ignored: with
"fro" for "for" a pump would stay on for ever. "for" goes with ON only, so a timer can switch a
relay off but never on.
"""

from mqtt._shim import const

OFF = 0
ON = 1
TOGGLE = 2

EMPTY = -1
TOO_LONG = -2
NOT_TEXT = -3
UNKNOWN = -4
NOT_JSON = -5
BAD_FOR = -6

_LONGEST = const(96)  # bytes; a valid command with generous spacing has fewer
_FOR_MAX = const(2592000)  # seconds: 30 days

_WORDS = (b"OFF", b"ON", b"TOGGLE")
_WHY = (
    "empty",
    "over 96 bytes",
    "not ASCII text",
    "not ON, OFF or TOGGLE",
    'not like {"state":"ON","for":30}',
    "for must be 1..2592000 whole seconds, with state ON",
)


def why(code):
    """The text of an error code, for the log."""
    return _WHY[-1 - code]


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
            return TOO_LONG
        if not self._is_text():
            return NOT_TEXT
        if self._over():
            return EMPTY
        if self._take(b"{"):
            return self._members()
        return 0 if self._word() and self._over() else UNKNOWN

    def _members(self):
        error = self._member()
        while not error and self._take(b","):
            error = self._member()
        if error:
            return error
        if not self._take(b"}") or not self._over() or self.state < 0:
            return NOT_JSON
        return BAD_FOR if self.seconds and self.state != ON else 0

    def _member(self):
        if self.state < 0 and self._take(b'"state"'):
            good = self._take(b":") and self._take(b'"') and self._word() and self._here(b'"')
            return 0 if good else NOT_JSON
        if not self.seconds and self._take(b'"for"') and self._take(b":"):
            return self._number()
        return NOT_JSON

    def _number(self):
        self._space()
        at = self._at
        value = 0
        while at < self._end and 48 <= self._buf[at] <= 57 and value <= _FOR_MAX:
            value = value * 10 + self._buf[at] - 48
            at += 1
        self.seconds = value
        # 030 is no JSON and "30" no number; the rest of 1.5 or 1e3 is refused behind it.
        if not 0 < value <= _FOR_MAX or self._buf[self._at] == 48:
            return BAD_FOR
        self._at = at
        return 0

    def _word(self):
        """Read a state; none is the beginning of another."""
        for word in _WORDS:
            self.state += 1
            if self._here(word):
                return True
        return False

    def _here(self, text):
        at = self._at + len(text)
        if at > self._end or not self._buf.startswith(text, self._at):
            return False
        self._at = at
        return True

    def _take(self, text):
        self._space()
        return self._here(text)

    def _over(self):
        self._space()
        return self._at == self._end

    def _space(self):
        while self._at < self._end and self._buf[self._at] <= 32:
            self._at += 1

    def _is_text(self):
        # Of the control characters only tab and line ends, which count as space.
        at = self._at
        while at < self._end:
            if not 32 <= self._buf[at] < 127 and not 9 <= self._buf[at] <= 13:
                return False
            at += 1
        return True

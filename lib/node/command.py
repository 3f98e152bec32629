"""Reads a relay command where it lies in the receive buffer. Never raises, never allocates.

Accepted is what matches one of the patterns. An unknown member is an error, not ignored: with
"fro" for "for" a pump would stay on for ever. "for" goes with ON only, so a timer can switch a
relay off but never on.
"""

from mqtt._shim import const

OFF = const(0)
ON = const(1)
TOGGLE = const(2)

WORDS = (b"OFF", b"ON", b"TOGGLE")  # by state; none is the beginning of another

# A blank stands for any number of spaces, tabs and line ends, also none.
_STATE = const(1)  # one of WORDS
_SECONDS = const(2)  # a whole number
_PATTERNS = (
    b" \x01 ",
    b' { "state" : "\x01" } ',
    b' { "state" : "\x01" , "for" : \x02 } ',
    b' { "for" : \x02 , "state" : "\x01" } ',
)

_EMPTY = const(-1)
_TOO_LONG = const(-2)
_NOT_TEXT = const(-3)
_UNKNOWN = const(-4)
_NOT_JSON = const(-5)
_BAD_FOR = const(-6)
_WHY = (
    "empty",
    "over 96 bytes",
    "not ASCII text",
    "not ON, OFF or TOGGLE",
    'not like {"state":"ON","for":30}',
    "for must be 1..2592000 whole seconds, with state ON",
)

_LONGEST = const(96)  # bytes; a valid command with generous spacing has fewer
_FOR_MAX = const(2592000)  # seconds: 30 days


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
        if end - start > _LONGEST:
            return _TOO_LONG
        while start < end:
            # Of the control characters only tab and line ends, which count as space.
            if not 32 <= buf[start] < 127 and not 9 <= buf[start] <= 13:
                return _NOT_TEXT
            start += 1
        if self._matches(b" "):
            return _EMPTY
        return self._parse(self._at)

    def why(self, code):
        """What a negative answer of parse() means, for the log."""
        return _WHY[-1 - code]

    def _parse(self, start):
        for pattern in _PATTERNS:
            self._at = start
            self.seconds = 0
            if self._matches(pattern):
                return 0 if not self.seconds or self.state == ON else _BAD_FOR
            if self.seconds < 0:
                return _BAD_FOR
        return _NOT_JSON if self._buf[start] == 123 else _UNKNOWN

    def _matches(self, pattern):
        for mark in pattern:
            if mark == 32:
                while self._at < self._end and self._buf[self._at] <= 32:
                    self._at += 1
            elif not self._take(mark):
                return False
        return self._at == self._end

    def _take(self, mark):
        if mark == _STATE:
            return self._word()
        if mark == _SECONDS:
            return self._number()
        if self._at == self._end or self._buf[self._at] != mark:
            return False
        self._at += 1
        return True

    def _word(self):
        self.state = 0
        while self.state <= TOGGLE:
            word = WORDS[self.state]
            if self._buf.startswith(word, self._at):
                self._at += len(word)
                return self._at <= self._end
            self.state += 1
        return False

    def _number(self):
        at = self._at
        value = 0
        while at < self._end and 48 <= self._buf[at] <= 57 and value <= _FOR_MAX:
            value = value * 10 + self._buf[at] - 48
            at += 1
        # 030 is no JSON and "30" no number; the rest of 1.5 or 1e3 is refused behind it.
        if not 0 < value <= _FOR_MAX or self._buf[self._at] == 48:
            self.seconds = -1
            return False
        self.seconds = value
        self._at = at
        return True

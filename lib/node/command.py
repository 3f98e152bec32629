"""Reads a relay command where it lies in the receive buffer. Never raises, never allocates.

Accepted, with spaces, tabs and line ends around any part:
    ON   OFF   TOGGLE   {"state":"ON"}   {"state":"ON","for":30}   (members in either order)
Everything else is one of the errors below. An unknown member is an error, not ignored: with
"fro" for "for" a pump would stay on for ever. "for" goes with ON only, so a timer can switch a
relay off but never on.
"""

OFF = 0
ON = 1
TOGGLE = 2

EMPTY = -1
TOO_LONG = -2
NOT_TEXT = -3
UNKNOWN = -4
NOT_JSON = -5
NO_STATE = -6
BAD_FOR = -7

LONGEST = 96  # bytes; a valid command with generous spacing has fewer
FOR_MAX = 2592000  # seconds: 30 days

_KEYS = (b'"state"', b'"for"')
_STATES = (b"OFF", b"ON", b"TOGGLE")
_WHY = (
    "empty",
    "over 96 bytes",
    "has bytes that are not ASCII",
    'not ON, OFF, TOGGLE or {"state":"ON","for":30}',
    "not JSON with only state and for",
    "state missing, or not ON, OFF or TOGGLE",
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
        if end - start > LONGEST:
            return TOO_LONG
        if not self._is_text():
            return NOT_TEXT
        self._space()
        if self._at == self._end:
            return EMPTY
        if self._take(123):  # {
            return self._object()
        self.state = self._word(_STATES)
        if self.state < 0 or not self._finished():
            return UNKNOWN
        return 0

    def _object(self):
        while True:
            key = self._word(_KEYS)
            if key < 0 or not self._take(58):  # :
                return NOT_JSON
            error = self._number() if key else self._state()
            if error:
                return error
            if not self._take(44):  # ,
                break
        if not self._take(125) or not self._finished():  # }
            return NOT_JSON
        if self.state < 0:
            return NO_STATE
        return BAD_FOR if self.seconds and self.state != ON else 0

    def _state(self):
        if self.state >= 0:
            return NOT_JSON  # given twice
        self._space()
        if not self._byte(34):
            return NO_STATE
        self.state = self._match(_STATES)  # no space is skipped inside the quotes
        return 0 if self.state >= 0 and self._byte(34) else NO_STATE

    def _number(self):
        if self.seconds:
            return NOT_JSON
        self._space()
        value = 0
        while self._at < self._end and 48 <= self._buf[self._at] <= 57:
            value = value * 10 + self._buf[self._at] - 48
            if value == 0 or value > FOR_MAX:
                return BAD_FOR
            self._at += 1
        if value == 0:
            return BAD_FOR
        self.seconds = value
        # 1.5, 1e3 and 30s are numbers or not, but never whole seconds.
        if self._at < self._end and self._buf[self._at] > 44 and self._buf[self._at] != 125:
            return BAD_FOR
        return 0

    def _word(self, words):
        self._space()
        return self._match(words)

    def _match(self, words):
        """Index of the word that comes next, or -1. No word may be another's beginning."""
        index = 0
        for word in words:
            if self._here(word):
                return index
            index += 1
        return -1

    def _here(self, word):
        at = self._at + len(word)
        if at > self._end or not self._buf.startswith(word, self._at):
            return False
        self._at = at
        return True

    def _take(self, value):
        self._space()
        return self._byte(value)

    def _byte(self, value):
        if self._at < self._end and self._buf[self._at] == value:
            self._at += 1
            return True
        return False

    def _finished(self):
        self._space()
        return self._at == self._end

    def _space(self):
        buf = self._buf
        while self._at < self._end and (buf[self._at] == 32 or 9 <= buf[self._at] <= 13):
            self._at += 1

    def _is_text(self):
        at = self._at
        while at < self._end:
            value = self._buf[at]
            if value > 126 or (value < 32 and not 9 <= value <= 13):
                return False
            at += 1
        return True

"""One line per event: `<uptime s> <E|W|I> <subsystem>: <text>`. Nothing here allocates.

Pieces are printed one by one, so no line is ever put together in memory. A burst is cut: after
BURST lines at once only one a second comes through, and the next line to come through is
preceded by the number of those left out. Callers that repeat themselves (a broken sensor)
thin their own lines out before.
"""

from mqtt._shim import const

_BURST = const(20)


def put_piece(piece):
    """The default way out: stdout, which a board shows on its serial port."""
    print(piece, end="")


class Log:
    """`clock` gives `seconds`; `put(piece)` takes each str or int."""

    def __init__(self, clock, put=None):
        self.put = put or put_piece
        self.left_out = 0  # lines cut and not yet told
        self._clock = clock
        self._credit = _BURST
        self._second = 0

    def say(self, level, source, a: object, b: object = "", c: object = "", d: object = ""):
        """One line with the text a b c d, each a str or an int."""
        if self._allowed():
            self._begin(level, source)
            self.put(a)
            self.put(b)
            self.put(c)
            self.put(d)
            self.put("\n")

    def _allowed(self):
        second = self._clock.seconds
        self._credit = min(_BURST, self._credit + second - self._second)
        self._second = second
        if self._credit == 0:
            self.left_out += 1
            return False
        self._credit -= 1
        if self.left_out:
            self._begin("W", "log")
            self.put(self.left_out)
            self.put(" lines left out\n")
            self.left_out = 0
        return True

    def _begin(self, level, source):
        put = self.put
        put(self._clock.seconds)
        put(" ")
        put(level)
        put(" ")
        put(source)
        put(": ")

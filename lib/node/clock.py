"""Time as the node counts it: wrapping milliseconds for deadlines, seconds for the long run.

`now` is always 0..2^30-1 and wraps after 12.4 days (the board masks it), so two times may be
compared only when less than 6.2 days apart. Anything longer is counted in whole seconds.
Nothing here allocates or reads a clock.
"""


def since(now, then):
    """Milliseconds from `then` to `now`, signed; right across the wrap, up to 6.2 days."""
    d = (now - then) & 0x3FFFFFFF
    return (d ^ 0x20000000) - 0x20000000


def later(now, ms):
    """The time `ms` after `now`, for ms up to 6.2 days."""
    # A plain sum would pass 2^30 near the wrap and be a big integer on a 32-bit board.
    return (now - 0x3FFFFFFF + ms - 1) & 0x3FFFFFFF


class Clock:
    """`now` of the step under way, and whole `seconds` since the start, made without drift."""

    def __init__(self, now):
        self.now = now
        self.seconds = 0
        self._mark = now

    def advance(self, now):
        """Must be called at least every 6 days; in practice every step."""
        self.now = now
        while since(now, self._mark) >= 1000:
            self._mark = later(self._mark, 1000)
            self.seconds += 1

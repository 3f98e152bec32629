"""A relay on one GPIO pin, switched by commands, with an optional time to switch off.

The pin is driven at its safe level from boot.py on, and again when the node ends. `for` is counted
in whole seconds without drift, so it may be longer than the clock's wrap; any further command
ends it. ON and OFF may be repeated safely; TOGGLE may not: QoS 1 can deliver it twice.
Nothing here allocates or raises after set-up.
"""

from mqtt._shim import const
from node.clock import later, since
from node.command import ON, TOGGLE, WORDS, Command

_SECOND = const(1000)


class Device(Command):
    """One relay. `on` is True or False; `left` the seconds until it switches off, 0 = stays."""

    # Lists, not tuples: constants would stay in memory when the node forgets what it was made of.
    KEYS = {
        "pin": ["pin", ..., True],
        "active_low": ["bool", False],
        "safe": ["choice", "OFF", ["OFF", "ON"]],
    }
    COUNTS = counts = ()
    SIZE = 3

    every = 0  # nothing to sample
    qos = 1
    retain = True
    replace = False  # every change is told

    def __init__(self, entry, board):
        super().__init__()
        self.on = entry["safe"] == "ON"
        self.left = 0
        self.dirty = True
        self._safe = self.on
        self._low = entry["active_low"]
        self._mark = 0
        self._pin = board.output(entry["pin"], self.on != self._low)

    def command(self, buf, start, end, now):
        """Obey buf[start:end]. 0, or a negative number that `why` explains."""
        error = self.parse(buf, start, end)
        if not error:
            self._mark = now
            self.left = self.seconds
            self._switch(not self.on if self.state == TOGGLE else self.state == ON)
        return error

    def tick(self, now):
        """Every step: let `for` run down. True when that switched the relay."""
        while self.left and since(now, self._mark) >= _SECOND:
            self._mark = later(self._mark, _SECOND)
            self.left -= 1
            if not self.left:
                self._switch(False)
                return True
        return False

    def safe(self):
        """The level that harms least; ends `for`."""
        self.left = 0
        self._switch(self._safe)

    def note(self):
        """What it is now, for the log."""
        return "ON" if self.on else "OFF"

    def encode(self, out):
        """Write the state payload."""
        out.text(WORDS[self.on])

    def describe(self):
        """What Home Assistant should know: (key in the payload, device class, unit) each."""
        return [["", "switch", ""]]

    def _switch(self, on):
        self.on = on
        self.dirty = True
        self._pin.value(on != self._low)

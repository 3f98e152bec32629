"""Connects again, with backoff, for as long as it is wanted. Sits above the session.

An attempt that fails goes on to the next transport; when the whole list has failed, the pause
doubles, up to ``max_ms``. A connection that lasted longer than the pause sets it back to
``first_ms``, and so does one that we ended to have sent again what was withheld; one that the
broker accepts and drops at once does not. Each pause is drawn from its upper half, so that the
nodes of one site do not come back in step.
"""

import random

from mqtt._shim import const
from mqtt.timing import later

_MASK = const(0x3FFFFFFF)
_DOWN = const(0)
_UP = const(3)
_FULL = const(-10)


class Reconnect:
    """Keeps ``client`` connected over ``transports`` (a list, in order of preference).

    ``first_ms``, ``max_ms``: shortest and longest pause between attempts. ``getrandbits(n)``, n
    up to 30, gives the jitter (random.getrandbits by default). Set ``hold`` while no connection
    can succeed (the radio is down): none is begun, one that stands is left alone. The first
    attempt follows start() at once. step() and deadline() stand for the client's.
    """

    def __init__(self, client, transports, first_ms=1000, max_ms=60000, getrandbits=None):
        if not transports:
            raise ValueError("transports: []; must have at least one")
        whole = isinstance(first_ms, int) and isinstance(max_ms, int)
        if not whole or not 0 < first_ms <= max_ms < 0x20000000:
            raise ValueError(
                "first_ms, max_ms: %r, %r; must be whole, 0 < first_ms <= max_ms < 2^29"
                % (first_ms, max_ms)
            )
        self.client = client
        self.transports = transports
        self.first_ms = first_ms
        self.max_ms = max_ms
        self.hold = False
        self.running = False
        self.attempts = 0  # connections begun, below 2^30
        self.index = 0  # the transport of the current or next attempt
        self.wait_ms = 0  # the pause being waited for
        self._pause = first_ms
        self._trying = False  # a connection of ours is under way or up
        self._up = False
        self._connects = 0  # the client's, before this attempt
        self._at = 0  # ticks when it came up, or when the pause began
        self._bits = getrandbits or random.getrandbits

    def start(self):
        """Want a connection, from the next step on. Allocates nothing."""
        self.running = True
        self.wait_ms = 0

    def stop(self):
        """Want none: an orderly DISCONNECT follows, then nothing. Allocates nothing."""
        self.running = False
        self.client.disconnect()

    def step(self, now):
        """One step of the client, and a new connection when its time has come. Returns the
        client's state, or BUSY inside a handler."""
        state = self.client.step(now)
        if state > _DOWN:
            if state == _UP and not self._up:
                self._up = True
                self._at = now
        elif state == _DOWN:
            self._down(now)
            state = self.client.state
        return state

    def _down(self, now):
        if self._trying:
            self._ended(now)
        if (now - self._at) & _MASK < self.wait_ms:
            return
        self.wait_ms = 0  # over for good, also once the ticks have come round
        if self.running and not self.hold:
            self.client.transport = self.transports[self.index]
            self._connects = self.client.connects
            self._trying = self.client.connect() == 0
            self.attempts = self.attempts + 1 & 0x3FFFFFFF

    def _ended(self, now):
        if self.client.connects != self._connects:
            if not self._up:  # it came up and ended within one step
                self._at = now
            lasted = (now - self._at) & _MASK
            if lasted >= self._pause or self.client.reason == _FULL:
                self._pause = self.first_ms
            else:
                self._longer()
        else:
            self.index += 1
            if self.index == len(self.transports):
                self.index = 0
                self._longer()
        self._trying = self._up = False
        self._at = now
        self.wait_ms = self._drawn(self._pause)

    def _longer(self):
        self._pause = self._pause * 2 if self._pause * 2 < self.max_ms else self.max_ms

    def _drawn(self, pause):
        half = pause // 2
        return pause - half + self._bits(30) % (half + 1)

    def deadline(self):
        """Ticks by which step() must run again even if the transport stays silent; -1: none."""
        if self.client.state:
            return self.client.deadline()
        if not self.running or self.hold:
            return -1
        return later(self._at, self.wait_ms) if self.wait_ms else self.client.now

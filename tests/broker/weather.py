"""A seeded bad network: what happens to the links of a tools.proxy.Proxy, one trouble at a time.

calm      bytes pass as they come
slow      each chunk is held up to 80 ms
crumbs    1 to 24 bytes at a time, with small pauses
stall     nothing passes for up to a second, then all goes on
deaf      half-open: the present link passes nothing, or nothing in one direction, until the client
          has made another; what was held may come out late, or never
severed   so many bytes pass in one direction, to the byte; then the link is reset
reset     the link is reset; the next one is served
cut       the same, and for a while nothing listens
"""

import random
import threading
import time
from collections import Counter

from tools.proxy import DOWN, UP

KINDS = ("calm", "slow", "crumbs", "stall", "deaf", "severed", "reset", "cut")
PATIENCE_S = 5  # the node's own time-outs are shorter


class Weather:
    """`proxy_for(pace)` makes the started proxy. The seed decides what comes, when, how long."""

    def __init__(self, seed, proxy_for):
        self.happened = Counter()
        self._dice = random.Random(seed)
        self._pace_dice = random.Random(seed + 1)  # the proxy's thread has its own
        self._kind = "calm"
        self._deaf_to = 0  # links up to this number ...
        self._deaf_ways = ()  # ... pass nothing in these directions
        self._left = None  # bytes that may still pass, in the direction ...
        self._left_way = UP
        self._spent = threading.Event()
        self._newest = 0  # number of the youngest link seen
        self.proxy = proxy_for(self._pace)

    def rage(self, seconds):
        """Every kind once in some order, then as the dice fall, until the time is over."""
        end = time.monotonic() + seconds
        coming = list(KINDS)
        self._dice.shuffle(coming)
        while time.monotonic() < end:
            kind = coming.pop() if coming else self._dice.choice(KINDS)
            getattr(self, "_" + kind)(min(end, time.monotonic() + self._dice.uniform(0.2, 1.5)))
            self.happened[kind] += 1
        self.clear()

    def clear(self):
        """All is well from now on."""
        self._kind = "calm"
        self._deaf_to = 0
        self._left = None
        self.proxy.restore()

    # --- troubles -----------------------------------------------------------------------------

    def _calm(self, end, kind="calm"):
        self._kind = kind
        _sleep_until(end)

    def _slow(self, end):
        self._calm(end, "slow")

    def _crumbs(self, end):
        self._calm(end, "crumbs")

    def _stall(self, end):
        self.proxy.stall()
        _sleep_until(min(end, time.monotonic() + self._dice.uniform(0.05, 1)))
        self.proxy.restore()

    def _deaf(self, _end):
        self._deaf_ways = self._dice.choice([(UP,), (DOWN,), (UP, DOWN)])
        self._deaf_to = self._newest
        _wait(lambda: self._newest > self._deaf_to)
        time.sleep(self._dice.uniform(0, 0.3))
        if self._dice.random() < 0.5:
            self.proxy.reset()
        self._deaf_to = 0

    def _severed(self, _end):
        self._spent.clear()
        self._left_way = self._dice.choice([UP, DOWN])
        self._left = self._dice.randint(1, 60)
        self._spent.wait(PATIENCE_S)
        self.proxy.reset()
        self._left = None

    def _reset(self, _end):
        self.proxy.reset()

    def _cut(self, end):
        self.proxy.cut()
        _sleep_until(min(end, time.monotonic() + self._dice.uniform(0.05, 0.6)))
        self.proxy.restore()

    # --- in the proxy's thread ----------------------------------------------------------------

    def _pace(self, link, direction):
        self._newest = max(self._newest, link)
        if link <= self._deaf_to and direction in self._deaf_ways:
            return 0.01, 0
        wait, count = 0, 65536
        if self._kind == "slow":
            wait = self._pace_dice.uniform(0, 0.08)
        elif self._kind == "crumbs":
            wait, count = self._pace_dice.uniform(0, 0.003), self._pace_dice.randint(1, 24)
        left = self._left
        if left is not None and direction == self._left_way:
            count = min(count, left)
            self._left = left - count
            if not count:
                self._spent.set()
                return 0.01, 0
        return wait, count


def _sleep_until(end):
    time.sleep(max(0, end - time.monotonic()))


def _wait(test):
    end = time.monotonic() + PATIENCE_S
    while not test() and time.monotonic() < end:
        time.sleep(0.01)

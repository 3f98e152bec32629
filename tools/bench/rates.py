"""How often in a second, against Mosquitto on the loopback: beside a bare socket, and over a link.

Rounds are interleaved, every contender once in each, so that what the machine does meanwhile
strikes all alike. A share is of the bare socket's rate of the same round; told are the median of
the rounds, and their lowest and highest.
"""

import statistics
from dataclasses import dataclass

from tools.bench import probing
from tools.bench.catalogue import FLOOR
from tools.bench.delay import DelayLine

OPERATIONS = ("publish 0", "publish 1", "receive 0", "receive 1")
ROUND_TRIPS_MS = (0, 20, 100)
WINDOWS = (1, 16)
HEAP = "256k"  # 64-bit objects take twice the room of a board's: collections come as often as there


@dataclass
class Rate:
    """A second; shares of the floor. All medians, lowest and highest of the rounds."""

    per_second: float
    share: float
    lowest: float
    highest: float


def throughput(stage, port, contenders, rounds, ms, tell=lambda text: None):
    """{contender name: {operation: Rate}}. Raises probing.Trouble."""
    taken = {}
    for number in range(rounds):
        for operation in OPERATIONS:
            for c in contenders:
                tell(f"round {number + 1} of {rounds}: {operation}, {c.name}")
                rate = one(stage, c, operation, ms, port)
                taken.setdefault((c.name, operation), []).append(rate)
    return shares(taken)


def shares(taken):
    """`taken`: {(name, operation): a rate for each round}, the floor's among them."""
    figures = {}
    for (name, operation), rates in taken.items():
        floors = taken[FLOOR.name, operation]
        of_rounds = [rate / floor for rate, floor in zip(rates, floors, strict=True)]
        figures.setdefault(name, {})[operation] = Rate(
            statistics.median(rates), statistics.median(of_rounds), min(of_rounds), max(of_rounds)
        )
    return figures


def over_link(stage, port, contenders, ms, tell=lambda text: None):
    """{contender name: {(round trip in ms, in flight): QoS-1 publishes acknowledged a second}}."""
    figures = {}
    for round_trip in ROUND_TRIPS_MS:
        with DelayLine(port, round_trip / 2000) as line:
            for c in contenders:
                for window in WINDOWS:
                    if window in c.windows:
                        tell(f"{round_trip} ms, {window} in flight: {c.name}")
                        # Long enough for a hundred round trips, or so.
                        rate = one(stage, c, "publish 1", ms + 10 * round_trip, line.port, window)
                        figures.setdefault(c.name, {})[round_trip, window] = rate
    return figures


def one(stage, contender, operation, ms, port, window=0):
    """Operations a second."""
    words = ["rate", contender.adapter, operation, str(ms), str(port), str(window)]
    report = probing.report_in(probing.execute(stage.path(contender), words, heap=HEAP))
    return report["count"] * 1e6 / report["us"]

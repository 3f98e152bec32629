"""What the judge's messages say about the node: a model built from arrivals alone.

Nothing here knows the node's inside; ``feed`` takes what the broker carried, oldest first.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field

from .judge import Arrival

TREND = 60


@dataclass
class Reading:
    """One published reading, in tenths."""

    time: float
    temperature: int
    humidity: int


@dataclass
class Command:
    """A relay command and the state message that answered it."""

    relay: str
    wanted: str  # ON or OFF
    sent: float
    during_outage: bool = False
    answered: float | None = None

    @property
    def latency_ms(self) -> float:
        return (self.answered - self.sent) * 1000


@dataclass
class State:
    """The node as the broker shows it. base: "<prefix>/<node>/"."""

    base: str
    status: str = "not seen yet"
    health: dict = field(default_factory=dict)
    reports: int = 0  # health messages
    grown: int = 0  # most bytes any of them reported since its connect, but in the end
    ending: bool = False  # it was told to end, which takes memory (lib/node/ending.py)
    worst_ms: int = 0
    readings: dict[str, list[Reading]] = field(default_factory=dict)
    trend: dict[str, deque] = field(default_factory=dict)
    relays: dict[str, str] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)
    live: int = 0  # messages of the node that were not retained
    offline_seen: float | None = None
    strange: list[str] = field(default_factory=list)

    def feed(self, arrival: Arrival) -> str | None:
        """Take one message in; a line of text if it is worth telling."""
        if not arrival.topic.startswith(self.base):
            return None
        path = arrival.topic[len(self.base) :].split("/")
        if path[-1] in ("set", "cmd"):
            return None
        if not arrival.retained:
            self.live += 1
        try:
            return self._take(path, arrival)
        except (ValueError, KeyError, TypeError) as error:
            self.strange.append(f"{arrival.topic}: {arrival.payload!r} ({error})")
            return f"strange: {self.strange[-1]}"

    def _take(self, path: list[str], arrival: Arrival) -> str | None:
        if path == ["status"]:
            self.status = arrival.payload.decode()
            if self.status == "offline" and not arrival.retained:
                self.offline_seen = arrival.time
            return f"status   {self.status}"
        if path == ["health"]:
            return self._health(json.loads(arrival.payload))
        if path[-1] == "state" and arrival.payload in (b"ON", b"OFF"):
            return self._relay(path[0], arrival)
        if path[-1] == "state":
            return self._reading(path[0], json.loads(arrival.payload, parse_float=str), arrival)
        return f"{'/'.join(path):8} {arrival.payload.decode()}"

    def _health(self, health: dict) -> str | None:
        before = self.health.get("grown", 0)
        self.health = health
        self.reports += 1
        self.worst_ms = max(self.worst_ms, health["loop"])
        if self.ending or health["grown"] == before:
            return None
        self.grown = max(self.grown, health["grown"])
        return f"health   heap grown by {health['grown']} bytes since the connect"

    def _relay(self, name: str, arrival: Arrival) -> str:
        state = arrival.payload.decode()
        self.relays[name] = state
        for command in self.commands:
            fits = (command.relay, command.wanted) == (name, state)
            if fits and command.answered is None and arrival.time >= command.sent:
                command.answered = arrival.time
        return f"relay    {name} {state}"

    def _reading(self, name: str, values: dict, arrival: Arrival) -> str:
        reading = Reading(arrival.time, tenths(values["temperature"]), tenths(values["humidity"]))
        self.readings.setdefault(name, []).append(reading)
        self.trend.setdefault(name, deque(maxlen=TREND)).append(reading)
        return f"reading  {name} {values['temperature']} °C {values['humidity']} %"


def tenths(text: str | int) -> int:
    """A decimal number of JSON in tenths, exactly; ValueError for more than one decimal."""
    whole, _, part = str(text).partition(".")
    if len(part or "0") != 1:
        raise ValueError(f"{text} is not given in tenths")
    size = abs(int(whole)) * 10 + int(part or "0")
    return -size if str(text).startswith("-") else size

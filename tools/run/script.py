"""The demonstration: what is done to the node, in which order, and what must follow.

A script is a generator of ``Wait``s. The main loop keeps the scene and the view going while a
Wait is pending and sends back whether it came true; a Wait that does not is a failure with a name,
and the script goes on. The first 15 seconds hold one of everything that must happen; a longer
run goes on with rounds of further outages.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from .scene import Scene

SHORTEST = 15  # seconds: what one of everything needs
PATIENCE = 12.0  # seconds for anything that must happen
ROUND = 9.0  # seconds a further outage may take, with its recovery
SILENCE = 4.5  # seconds of half-open: a reading (every 2 s) and its ack_timeout (2 s) fit in
END = 2.5  # seconds kept for the end


@dataclass
class Wait:
    """Until condition() is true; failing after `seconds` unless `what` is empty."""

    condition: Callable[[], bool]
    what: str = ""
    seconds: float = PATIENCE


Script = Generator[Wait, bool, None]


def demonstration(scene: Scene, seconds: float) -> Script:
    """The whole script for a run of that many seconds."""
    yield from arrive(scene)
    yield from readings(scene, 1)
    for relay in (*scene.relays, *scene.relays):
        yield from switch(scene, relay)
    yield from outage(scene, "cut", 1.0, with_command=True)
    scene.sensor_fault("timeout", reads=1)
    yield from outage(scene, "wifi", 0.6)
    yield from outage(scene, "broker", 0.5)
    scene.sensor_fault("checksum", reads=1)
    yield from further(scene, seconds)
    for relay in scene.relays:
        yield from switch(scene, relay)
    yield Wait(lambda: scene.seconds >= seconds - END, seconds=seconds)
    yield from settle(scene)


def further(scene: Scene, seconds: float) -> Script:
    """Outages in turn, for as long as another one fits."""
    number = 0
    while scene.seconds + ROUND + END < seconds:
        kind = ("half-open", "cut", "broker", "wifi")[number % 4]
        yield from outage(scene, kind, SILENCE if kind == "half-open" else 1.0)
        yield from switch(scene, scene.relays[number % len(scene.relays)])
        if number % 2:
            scene.sensor_fault(("timeout", "checksum")[number // 2 % 2], reads=1)
            yield from readings(scene, 1)
        number += 1


def arrive(scene: Scene) -> Script:
    """The node comes up by itself."""
    yield Wait(lambda: scene.state.status == "online", "the node did not come online")
    yield Wait(
        lambda: all(name in scene.state.relays for name in scene.relays),
        "a relay did not show its state",
    )


def readings(scene: Scene, count: int) -> Script:
    """So many more readings of every sensor."""
    before = {name: len(scene.state.readings.get(name, ())) for name in scene.sensors}
    yield Wait(
        lambda: all(len(scene.state.readings.get(n, ())) >= before[n] + count for n in before),
        "no reading came",
    )


def switch(scene: Scene, relay: str) -> Script:
    """A command, its answer, and the level on the pin."""
    command = scene.command(relay)
    yield Wait(lambda: command.answered is not None, f"{relay} {command.wanted} was not answered")
    yield Wait(lambda: scene.driven(relay) == command.wanted, f"the pin of {relay} did not follow")


def outage(scene: Scene, kind: str, hold: float, with_command: bool = False) -> Script:
    """Take something away for `hold` seconds; the node must come back by itself."""
    taken = scene.begin(kind)
    command = scene.command(scene.relays[0]) if with_command else None
    end = scene.seconds + hold
    yield Wait(lambda: scene.seconds >= end)
    scene.mend(taken)
    yield Wait(lambda: taken.back is not None, f"the node did not come back ({kind})")
    if command:
        yield Wait(
            lambda: command.answered is not None, "a command sent in the outage was not obeyed"
        )


def settle(scene: Scene) -> Script:
    """A quiet moment: everything acknowledged, and health has told the last sensor fault."""
    yield from readings(scene, 1)
    yield Wait(lambda: not scene.wire.unacknowledged(), "messages stayed unacknowledged", 6)
    yield Wait(
        lambda: scene.failures_told() == scene.faults_played(),
        "health did not tell every sensor fault",
        4,
    )

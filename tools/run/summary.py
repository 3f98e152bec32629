"""The verdict: what was measured, line by line, and whether all of it happened.

Every number comes from the judge, the wire's ledger, the board file or the node's own health; a
line whose number could not be measured fails.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from .account import Account, settle
from .scene import OUTAGES, Scene


@dataclass
class Needed:
    """What a run must have reached at least; a live run need not reach anything."""

    readings: int = 0
    commands: int = 0
    outage_kinds: int = 0
    sensor_faults: int = 0


DEMONSTRATION = Needed(readings=3, commands=1, outage_kinds=3, sensor_faults=2)


@dataclass
class Line:
    """One line of the summary."""

    name: str
    text: str
    good: bool = True


def settled(scene: Scene) -> Account:
    """The account of QoS-1 messages of this run."""
    return settle(
        scene.wire.snapshot(),
        scene.judge.arrivals(),
        scene.judge.intervals(),
        scene.broker.kills,
    )


def summary(scene: Scene, offline: bool, failures: list[str], needed: Needed) -> list[Line]:
    """Every line; the run was good if every line is."""
    account = settled(scene)
    lines = [
        _readings(scene, needed.readings),
        _commands(scene, needed.commands),
        *_outages(scene, needed.outage_kinds),
        _sensor(scene, needed.sensor_faults),
        *_messages(scene, account),
        _heap(scene),
        _errors(scene),
        Line("farewell", "`offline` seen by the judge" if offline else "no `offline`", offline),
    ]
    return lines + [Line("failure", text, False) for text in failures]


def _readings(scene: Scene, needed: int) -> Line:
    readings = [reading for one in scene.state.readings.values() for reading in one]
    count, cold = len(readings), sum(reading.temperature < 0 for reading in readings)
    matching = all(
        in_order([(r.temperature, r.humidity) for r in one], scene.rows_taken(name))
        for name, one in scene.state.readings.items()
    )
    text = f"{count} received, {cold} below zero, "
    text += "each a row of the recorded series, in order" if matching else "not as recorded"
    return Line("readings", text, count >= needed and matching)


def in_order(readings: list[tuple[int, int]], rows: list[tuple[int, int]]) -> bool:
    """True if the readings are among the rows the sensor took, in their order.

    Rows may be left out (a failed read takes one) and a reading may come twice (QoS 1).
    """
    at, previous = 0, None
    for reading in readings:
        again = reading == previous and rows[at : at + 1] != [reading]
        if not again:
            if reading not in rows[at:]:
                return False
            at = rows.index(reading, at) + 1
        previous = reading
    return True


def _commands(scene: Scene, needed: int) -> Line:
    sent = scene.state.commands
    answered = [command for command in sent if command.answered is not None]
    direct = [command.latency_ms for command in answered if not command.during_outage]
    later = sum(command.during_outage for command in answered)
    text = f"{len(answered)} of {len(sent)} answered"
    if direct:
        text += f"; latency p50 {statistics.median(direct):.0f} ms, max {max(direct):.0f} ms"
    if later:
        text += f"; {later} sent in an outage and obeyed after it"
    return Line("commands", text, len(direct) >= needed and len(answered) == len(sent))


def _outages(scene: Scene, needed: int) -> list[Line]:
    lines = []
    outages = [outage for outage in scene.outages if outage.judged]
    for kind, (name, _) in OUTAGES.items():
        ours = [outage for outage in outages if outage.kind == kind]
        back = [outage for outage in ours if outage.back is not None]
        if ours:
            text = f"{len(back)} of {len(ours)} survived"
            if back:
                slowest = max(outage.back - outage.mended for outage in back)
                text += f"; a reading at most {slowest:.1f} s after it ended"
            lines.append(Line(name, text, len(back) == len(ours)))
    total = f"{sum(outage.back is not None for outage in outages)} of {len(outages)}"
    head = Line("outages", f"{total} survived, {len(lines)} kinds", len(lines) >= needed)
    return [head, *lines]


def _sensor(scene: Scene, needed: int) -> Line:
    played, told = scene.faults_played(), scene.failures_told()
    text = f"{played} played, {told} counted by the node, read again after each"
    return Line("sensor faults", text, played == told and played >= needed)


def _messages(scene: Scene, account: Account) -> list[Line]:
    counts = scene.wire.counts
    text = (
        f"{account.lost} lost of {account.messages}: {account.acknowledged} acknowledged, "
        f"{account.seen} seen by the judge; {counts.resent} resent, {account.again} seen again"
    )
    lines = [Line("QoS-1 messages", text, account.lost == 0 and account.messages > 0)]
    for what, messages in (
        ("never acknowledged", account.unacknowledged),
        ("acknowledged, unseen", account.unseen),
    ):
        lines += [Line(what, f"{m.topic} {m.payload.decode()}", False) for m in messages]
    text = f"{len(account.broker)} acknowledged by the killed broker and forgotten with it"
    if account.unwatched:
        text += f"; {account.unwatched} acknowledged while the judge was not subscribed"
    lines.append(Line("broker's loss", text))
    return [*lines, _accepted(scene)]


def _accepted(scene: Scene) -> Line:
    """Good frames of the sensors against readings on the wire: nothing may vanish in the node."""
    topics = {f"{scene.state.base}{name}/state" for name in scene.sensors}
    sent = sum(message.topic in topics for message in scene.wire.snapshot())
    good = scene.good_frames()
    replaced, refused = (scene.state.health.get(key) for key in ("replaced", "refused"))
    text = f"{good} good frames from the sensor, {sent} readings sent"
    if replaced is None or refused is None:
        return Line("nothing dropped", text + ", the node's counters were never seen", False)
    text += f", {replaced} replaced by newer ones, {refused} refused by a full outbox"
    return Line("nothing dropped", text, good == sent + replaced + refused)


def _heap(scene: Scene) -> Line:
    if not scene.state.reports:
        return Line("allocated", "not measured: no health message came", False)
    grown = scene.state.grown
    text = (
        f"{grown} bytes between connects (most of {scene.state.reports} health messages); "
        f"heap {scene.state.health['heap']} bytes; longest step {scene.state.worst_ms} ms"
    )
    return Line("allocated", text, grown == 0)


def _errors(scene: Scene) -> Line:
    errors = scene.state.health.get("errors")
    counts = scene.wire.counts
    text = (
        f"{errors} in the node, {counts.broken} broken packets, {len(scene.state.strange)} "
        f"messages not understood; {counts.connects} connects, {scene.node.resets} restarts"
    )
    good = errors == 0 and not counts.broken and not scene.state.strange
    return Line("errors", text, good)

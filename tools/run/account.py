"""The account of QoS-1 messages: the wire's ledger against what the judge saw.

A message is lost if it was never acknowledged, or acknowledged while the judge listened (from its
last PUBLISH until SETTLE_S after its PUBACK) and never seen. If the judge's listening ended in
that window because the broker was killed, the message is the broker's loss: a memory-only broker
forgets what it acknowledged. A message acknowledged while the judge was not listening for another
reason is counted as unwatched.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from .judge import Arrival, Listening
from .wire import Message

SETTLE_S = 1.0


@dataclass
class Account:
    """How the QoS-1 messages ended."""

    messages: int = 0
    acknowledged: int = 0
    seen: int = 0
    unacknowledged: list[Message] = field(default_factory=list)
    unseen: list[Message] = field(default_factory=list)
    broker: list[Message] = field(default_factory=list)
    unwatched: int = 0
    again: int = 0  # further copies the judge got

    @property
    def lost(self) -> int:
        return len(self.unacknowledged) + len(self.unseen)


def settle(
    messages: list[Message],
    arrivals: list[Arrival],
    listening: list[Listening],
    kills: list[float],
) -> Account:
    """Match every message with an arrival. kills: when the broker was killed."""
    account = Account(messages=len(messages))
    waiting = defaultdict(list)
    for arrival in arrivals:
        if not arrival.retained:
            waiting[arrival.topic, arrival.payload].append(arrival)
    for message in messages:
        if message.acked is None:
            account.unacknowledged.append(message)
        else:
            account.acknowledged += 1
        if _take(waiting[message.topic, message.payload], message):
            account.seen += message.acked is not None
        elif message.acked is not None:
            _missing(account, message, listening, kills)
    account.again = _again(messages, waiting)
    return account


def _again(messages: list[Message], waiting: dict[tuple[str, bytes], list[Arrival]]) -> int:
    """Arrivals beyond one for each message (and not older: the will has the same content)."""
    first: dict[tuple[str, bytes], float] = {}
    for message in messages:
        first.setdefault((message.topic, message.payload), message.first)
    return sum(one.time >= first[content] for content in first for one in waiting[content])


def _take(candidates: list[Arrival], message: Message) -> bool:
    """Use up the first arrival that is not older than the message."""
    for at, arrival in enumerate(candidates):
        if arrival.time >= message.first:
            del candidates[at]
            return True
    return False


def _missing(
    account: Account, message: Message, listening: list[Listening], kills: list[float]
) -> None:
    start, end = message.last, message.acked + SETTLE_S
    if any(start <= kill <= end for kill in kills):
        account.broker.append(message)
    elif any(one.start <= start and (one.end is None or one.end >= end) for one in listening):
        account.unseen.append(message)
    else:
        account.unwatched += 1

"""A client, a Wire, and a Broker on virtual time: what most client tests are told with.

The clock starts shortly before its wrap at 2^30 ms, so every story that lasts longer crosses it.
"""

import peer
from broker import Broker
from check import eq
from mqtt import CONNECTED, UP, Client
from wire import Wire

MASK = (1 << 30) - 1
START = MASK - 2500


def ticks_diff(a, b):
    """Signed a - b of two tick values."""
    return ((a - b + (1 << 29)) & MASK) - (1 << 29)


class Story:
    """`options` go to Client. `events`: every (kind, a, b) so far."""

    def __init__(self, client_id=b"teller", **options):
        self.wire = Wire()
        self.broker = Broker(self.wire)
        self.client = Client(client_id, self.wire, **options)
        self.client.on_event = self._event
        self.driver = self.client  # or the Reconnect above it
        self.events = []
        self.now = START

    def _event(self, kind, a, b):
        self.events.append((kind, a, b))

    def step(self):
        """One step of the client, then the broker's turn."""
        self.driver.step(self.now)
        self.broker.serve()

    def settle(self):
        """Step without time passing until nothing moves any more."""
        still = 0
        for _ in range(2000):
            before = self._state()
            self.step()
            still = still + 1 if self._state() == before else 0
            if still == 3:
                return
        raise AssertionError("the client never comes to rest: %r" % (before,))

    def _state(self):
        wire = self.wire
        blocked = wire.block_reads, wire.block_writes
        return wire.opens, wire.writes, wire.unread(), wire.closes, blocked, len(self.events)

    def advance(self, ms):
        """Let `ms` pass, stepping whenever the client's deadline says so and at the end."""
        self.settle()  # only a step tells the client what time it is
        while ms:
            jump = ms
            deadline = self.driver.deadline()
            if deadline >= 0:
                jump = max(1, min(ms, ticks_diff(deadline, self.now)))
            self.now = (self.now + jump) & MASK
            ms -= jump
            self.settle()

    def connect(self):
        """Connect, to the end: UP, or the test fails."""
        self.client.connect()
        self.settle()
        eq(self.client.state, UP, "state after connect(), events %r" % self.events)
        return self

    def reconnect(self, present):
        """Break the connection and make the next one, with session present 0 or 1."""
        self.wire.reset()
        self.settle()
        self.broker.present = present
        return self.connect()

    def of(self, kind):
        """The (a, b) of each event of that kind."""
        return [(a, b) for k, a, b in self.events if k == kind]

    def last(self):
        """The latest event."""
        return self.events[-1]

    def sessions(self):
        """Session-present of each CONNECTED."""
        return [a for a, _ in self.of(CONNECTED)]

    def deliver(self, topic, payload=b"", qos=0, packet_id=0, retain=0, dup=0):
        """The broker sends a PUBLISH; returns when the client has dealt with it."""
        self.wire.send(peer.publish(topic, payload, qos, packet_id, retain, dup))
        self.settle()

    def forget(self):
        """Drop what was seen so far, on both sides."""
        self.events.clear()
        self.broker.seen.clear()


class Inbox:
    """A handler that keeps what came: (topic, payload, qos, retain, dup) each."""

    def __init__(self, also=None):
        self.got = []
        self._also = also
        self.handler = self._take

    def _take(self, msg):
        self.got.append((msg.topic(), msg.payload(), msg.qos, msg.retain, msg.dup))
        if self._also:
            self._also(msg)

    def payloads(self):
        return [payload for _, payload, _, _, _ in self.got]

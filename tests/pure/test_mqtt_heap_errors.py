"""Faults of the peer, of the link and of time allocate nothing either: neither the step that meets
one, nor what it tells. Only then comes an opening, which is not measured here."""

import peer
from check import eq, less, true
from mqtt import (
    ACK_TIMEOUT,
    CLOSED,
    DOWN,
    MALFORMED,
    PEER_CLOSED,
    PING_TIMEOUT,
    REFUSED,
    SEND_TIMEOUT,
    TRANSPORT,
    UP,
    VIOLATION,
)
from rig import TIMES, Rig

# Each the whole of what comes: reserved types and flags, lengths without end, QoS 3, a topic that
# is empty, overruns the packet or has a wildcard, no id, an ack of a wrong size, a second CONNACK.
BAD = (
    b"\x00\x00",
    b"\xf0\x00",
    b"\x41\x02\x00\x01",
    b"\x30\xff\xff\xff\xff\x01",
    b"\x36\x05\x00\x01ax",
    b"\x30\x02\x00\x00",
    b"\x30\x04\x00\x09ab",
    b"\x30\x03\x00\x01#",
    b"\x32\x05\x00\x01a\x00\x00",
    b"\x40\x03\x00\x01\x00",
    b"\x90\x03\x00\x01\x07",
    b"\x20\x02\x00\x00",
    b"\x82\x00",
)


class Faults:
    """A rig in which every second measured step meets the fault that `bring(k)` makes."""

    def __init__(self, bring, **options):
        self.rig = Rig(clean_session=False, **options)
        self.rig.counts = self.counts
        self.rig.client.on_event = self.event
        self.bring = bring
        self.turn = 0
        self.ends = 0
        self.reason = [0] * 256

    def counts(self):
        return self.rig.client.handler_errors

    def event(self, kind, a, b):
        if kind == CLOSED:
            self.reason[self.ends & 255] = a
            self.ends += 1

    def world(self):
        self.turn += 1
        rig = self.rig
        if self.turn & 1:
            if rig.client.state == DOWN:
                rig.story.broker.present = 1
                rig.story.broker.mute.clear()
                rig.story.wire.stuck = False
                rig.story.connect()
        else:
            eq(rig.client.state, UP, "before fault %d" % (self.turn // 2))
            self.bring(self.turn // 2)

    def measure(self):
        self.rig.measure(self.world, breaks=True)
        less(TIMES - 1, self.ends)
        return set(self.reason[: self.ends])


def test_malformed_packets_allocate_nothing():
    faults = Faults(lambda k: faults.rig.story.wire.send(BAD[k % len(BAD)]))
    eq(faults.measure(), {MALFORMED, VIOLATION})
    eq(faults.rig.client.malformed, faults.ends)


def test_a_link_that_ends_or_fails_allocates_nothing():
    def bring(k):
        wire = faults.rig.story.wire
        if k & 1:
            wire.reset()
        else:
            wire.end()

    faults = Faults(bring)
    eq(faults.measure(), {PEER_CLOSED, TRANSPORT})


def test_a_refused_connection_allocates_nothing():
    def bring(k):
        rig = faults.rig
        rig.story.wire.reset()
        rig.client.step(rig.story.now)
        rig.story.broker.refuse = k % 5 + 1
        rig.client.connect()
        rig.client.step(rig.story.now)
        rig.story.broker.serve()
        rig.story.broker.refuse = 0

    faults = Faults(bring)
    true(REFUSED in faults.measure())


def test_what_is_overdue_allocates_nothing():
    def silent(k):
        story = faults.rig.story
        story.broker.mute.add(peer.PUBLISH)
        faults.rig.one.send(4)
        faults.rig.client.step(story.now)
        story.now = story.now + 1500 & 0x3FFFFFFF

    faults = Faults(silent, ack_timeout_ms=1000)
    eq(faults.measure(), {ACK_TIMEOUT})


def test_a_ping_without_an_answer_allocates_nothing():
    def silent(k):
        story = faults.rig.story
        story.broker.mute.add(peer.PINGREQ)
        story.now = story.now + 4000 & 0x3FFFFFFF
        faults.rig.client.step(story.now)
        story.now = story.now + 1500 & 0x3FFFFFFF

    faults = Faults(silent, ack_timeout_ms=1000, keepalive=4)
    eq(faults.measure(), {PING_TIMEOUT})


def test_a_link_that_takes_nothing_more_allocates_nothing():
    def stuck(k):
        story = faults.rig.story
        story.wire.stuck = True
        faults.rig.one.send(4)
        faults.rig.client.step(story.now)
        story.now = story.now + 1500 & 0x3FFFFFFF

    faults = Faults(stuck, ack_timeout_ms=1000)
    eq(faults.measure(), {SEND_TIMEOUT})

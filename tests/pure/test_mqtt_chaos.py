"""Random troubles, told again by their seed: nothing accepted is lost, and order is kept (P3)."""

import peer
from check import eq, less, true
from dice import Dice
from mqtt import ACKED, DOWN, UP
from story import Inbox, Story


class Chaos(Story):
    """A story whose wire has a new trouble every few steps."""

    def __init__(self, seed, **options):
        super().__init__(tx_size=400, max_inflight=4, clean_session=False, **options)
        self.client.eager = seed % 2 == 0
        self.wire.raises = seed % 4 < 2
        self.dice = Dice(seed)
        self.accepted = {}  # handle -> payload
        self.present = 0
        self.inbox = Inbox()
        self.client.subscribe(b"cmd", 1, self.inbox.handler)
        self.broker_sent = 0

    def trouble(self):
        dice, wire = self.dice, self.wire
        wire.read_limit = dice.pick((1, 3, 10000))
        wire.write_limit = dice.pick((1, 5, 20, 10000))
        wire.block_reads, wire.block_writes = dice.below(3), dice.below(3)
        wire.half_open = wire.half_open or dice.chance(4)
        if dice.chance(8):
            wire.fail_write_in = dice.below(6)
        if dice.chance(5):
            wire.reset()
        if dice.chance(4):
            wire.end()
        self.broker.mute = {peer.PUBLISH} if dice.chance(15) else set()

    def publish(self):
        number = len(self.accepted)
        payload = b"%d." % number + b"x" * (number * 7 % 40)
        handle = self.client.publish(b"t", payload, None, 1)
        if handle > 0:
            self.accepted[handle] = payload

    def run(self, turns):
        for _ in range(turns):
            if self.client.state == DOWN:
                self.broker.present = self.present
                self.client.connect()
            self.trouble()
            for _ in range(self.dice.below(3)):
                self.publish()
            for _ in range(self.dice.below(12)):
                self.step()
            if self.client.state == UP:
                self.present = 1
            self.advance(self.dice.pick((0, 0, 5, 3000)))

    def calm(self):
        """No more troubles: whatever is still owed arrives now."""
        wire = self.wire
        wire.read_limit = wire.write_limit = 10000
        wire.block_reads = wire.block_writes = 0
        wire.fail_write_in = None
        self.broker.mute = set()
        if self.client.state != DOWN:
            wire.half_open = False  # else the reset would vanish, too
            wire.reset()
            self.settle()
        self.broker.present = 1
        self.connect()


def numbers_of(payloads):
    """The number of each message at its first coming; the payload must be whole."""
    seen = []
    for payload in payloads:
        number = int(payload[: payload.find(b".")])
        eq(payload, b"%d." % number + b"x" * (number * 7 % 40))
        if number not in seen:
            seen.append(number)
    return seen


def test_every_accepted_message_arrives_in_order_and_is_acked_once():
    for seed in range(12):
        story = Chaos(seed, keepalive=5, ack_timeout_ms=4000)
        story.run(150)
        story.calm()
        where = "seed %d" % seed
        less(50, len(story.accepted), where)
        less(5, story.client.connects, where)
        got = numbers_of(story.broker.payloads())
        wrong = [k for k in range(len(got)) if got[k] != k]
        eq(wrong, [], where)
        eq(len(got), len(story.accepted), where)
        acked = [handle for handle, _ in story.of(ACKED)]
        eq(sorted(acked), sorted(story.accepted), where)
        eq((story.client.queued, story.client.inflight, story.client.failed), (0, 0, 0), where)


def test_a_resend_carries_dup_and_a_first_sending_does_not_while_the_session_is_kept():
    for seed in range(6):
        story = Chaos(seed, keepalive=5, ack_timeout_ms=4000)
        story.run(100)
        story.calm()
        seen = set()
        for packet in story.broker.of(peer.PUBLISH):
            if packet.payload in seen:
                true(packet.dup, "seed %d: %r again without DUP" % (seed, packet))
            seen.add(packet.payload)


def test_commands_arrive_at_least_once_and_the_counters_add_up():
    for seed in range(6):
        story = Chaos(seed, keepalive=5, ack_timeout_ms=4000)
        for number in range(60):
            story.run(2)
            if story.client.state == UP and not story.wire.half_open:
                story.wire.send(peer.publish(b"cmd", b"%d" % number, 1, number + 1))
        story.calm()
        acked = len(story.broker.of(peer.PUBACK))
        client = story.client
        less(10, acked, "seed %d" % seed)
        true(len(story.inbox.got) >= acked, "each acked command was handled")
        eq((client.received, client.unmatched), (len(story.inbox.got), 0))
        eq((client.malformed, client.handler_errors), (0, 0))
        eq(client.closes, client.connects - 1 + failed_connects(story))


def failed_connects(story):
    """Connections that ended before CONNACK: CLOSED without a CONNECTED before it."""
    count = 0
    up = False
    for kind, _, _ in story.events:
        if kind == 1:
            up = True
        elif kind == 6:
            count += not up
            up = False
    return count

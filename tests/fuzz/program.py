"""A client, a broker and a link that do what the bytes of a Tape say; judged all the way."""

from tape import METER

import heap
import peer
from broker import Broker
from check import eq, true
from mqtt import CONNECTED, DOWN, FAILED, UP, Client
from wire import Wire

MASK = (1 << 30) - 1
STEPS = 400  # within which everything comes to rest


def sound(c):
    """What the client keeps agrees with itself: counts, packet ids, places, room."""
    box, subs = c.outbox, c.subscriptions
    ring = [(box.head + k) % box.slots for k in range(box.count)]
    eq([i for i in range(box.slots) if box.state[i] and i not in ring], [], "lost entries")
    eq(box.inflight, len([s for s in box.state if s in (3, 4, 6)]), "inflight")
    true(0 <= box.passed <= box.count and box.inflight <= c.max_inflight)
    taken = bytearray(len(box.buf))
    for i in ring:
        if box.state[i]:
            true(0 <= box.at[i] < box.at[i] + box.size[i] <= box.end[i] <= len(box.buf), "bounds")
            true(not any(taken[box.at[i] : box.end[i]]), "places overlap")
            taken[box.at[i] : box.end[i]] = b"\1" * (box.end[i] - box.at[i])
    ids = [n for n in box.ids + subs.ids if n]
    eq(len(ids), len(set(ids)), "an id is used twice")
    eq(subs.awaiting, len([s for s in subs.state if s in (2, 6)]), "requests awaited")
    eq(subs.todo, len([s for s in subs.state if s in (1, 5)]), "requests to be made")
    true(0 <= c.acks_from <= c.acks_to <= len(c.acks), "room for acks")
    held = [abs(n) for n in c.held.ids if n]
    eq(len(held), len(set(held)), "an id is held twice")
    if c.clear:  # a publish() may write at once
        eq((c.state, c.acks_to, c.left, subs.todo), (UP, 0, 0, 0), "something waits to be written")
        eq(box.passed, box.count, "a publish waits to be written")


def _may_be_topic(topic):
    peer.check_text(topic)
    return topic and b"+" not in topic and b"#" not in topic


TOPICS = (b"t", b"a/b", b"a/long/topic/with/levels", b"$x", b"\xc3\xa9", b"", b"a/#", b"a\x00")
FILTERS = (b"a/#", b"+/b", b"t", b"#", b"$x", b"+", b"bad#", b"")
TIMES = (0, 1, 40, 900, 3000, 60000)
HANDLES = 600
ANSWERS = (peer.puback, peer.pubrec, peer.pubrel, peer.pubcomp, peer.unsuback, peer.connack)


class Program:
    """A client told what to do by a Tape, a broker that is told to err, and a bad link.

    Whatever happens: no exception, no packet that the broker calls a violation, every step ends;
    and once the world behaves again, each accepted publish ends exactly once and nothing is left.
    """

    def __init__(self, tape):
        self.tape = tape
        flags = tape.byte()
        sizes = tape.byte()
        self.wire = Wire()
        self.broker = Broker(self.wire)
        self.client = Client(
            b"fuzz",
            self.wire,
            keepalive=(0, 1, 5, 60)[flags >> 1 & 3],
            clean_session=bool(flags & 1),
            rx_size=(16, 24, 64, 200)[sizes & 3],
            tx_size=(32, 64, 128, 400)[sizes >> 2 & 3],
            max_inflight=1 + (sizes >> 4 & 3),
            max_held=sizes >> 6,
            ack_timeout_ms=2000,
            drop_oldest=bool(flags & 8),
            max_subscriptions=4,
        )
        self.client.eager = not flags & 64
        self.reaction = flags >> 4 & 3  # of the handlers, or of on_event
        self.client.on_event = self.event
        self.handler = self.handle
        self.now = MASK - 5000
        self.payload = bytearray(b"0123456789abcdef" * 4)
        self.ended = bytearray(HANDLES)
        self.accepted = bytearray(HANDLES)
        self.second = bytearray(HANDLES)  # published by an event
        self.present = 0
        self.seen = 0
        self.made = []
        if self.client.outbox.slots:
            self.made = [
                self.client.prepare(b"p", 8, qos, False, replace)
                for qos, replace in ((0, True), (1, False), (2, True))
            ]

    # What the client calls: allocates nothing.

    def event(self, kind, a, b):
        if kind == CONNECTED:
            self.present = 1
        elif kind <= FAILED and a < HANDLES:
            self.ended[a] += 1
            if self.reaction == 3 and not self.second[a]:  # else it would never rest
                handle = self.made[b & 2].send(a & 7) if a & 1 else self.publish_within(a, b)
                self.keep(handle)
                if 0 < handle < HANDLES:
                    self.second[handle] = 1

    def publish_within(self, a, b):
        return self.client.publish(b"t", self.payload, a & 31, b & 3)

    def handle(self, msg):
        self.seen += 1
        if not heap.MEASURED and not msg.offset:
            true(_may_be_topic(msg.topic()), "a handler sees valid topics only")
        if self.reaction == 1:
            self.keep(self.client.publish(b"t", self.payload, 3, msg.qos))
        elif self.reaction == 2 and msg.payload_end & 7 == 7:
            self.client.disconnect()

    def keep(self, handle):
        if 0 < handle < HANDLES:
            self.accepted[handle] = 1

    # What is measured.

    def step(self):
        METER.on()
        self.client.step(self.now)
        self.client.deadline()
        METER.off()

    def publish(self, topic, length, qos, retain):
        METER.on()
        handle = self.client.publish(topic, self.payload, length, qos, retain)
        METER.off()
        self.keep(handle)

    def send(self, made, length):
        METER.on()
        handle = made.send(length)
        METER.off()
        self.keep(handle)

    # The world's side.

    def run(self):
        self.client.connect()
        self.client.subscribe(b"a/#", 2, self.handler, True)
        self.rest()
        while self.tape.more() and self.client.outbox.last < HANDLES // 2:
            OPERATIONS[self.tape.byte() % len(OPERATIONS)](self)
            if self.wire._out_to > 8000:
                self.broker.serve()
            if not heap.MEASURED:
                sound(self.client)
        self.calm()

    def do_step(self):
        self.step()

    def do_serve(self):
        self.step()
        self.broker.serve()
        self.step()

    def do_publish(self):
        how = self.tape.byte()
        topic = TOPICS[how >> 3 & 7] if how & 0xC0 == 0xC0 else TOPICS[how >> 3 & 3]
        self.publish(topic, self.tape.byte() % 70, how & 3, how & 4)

    def do_send(self):
        self.send(self.tape.pick(self.made), self.tape.byte() % 10)

    def do_subscribe(self):
        how = self.tape.byte()
        self.client.subscribe(FILTERS[how & 7], how >> 3 & 3, self.handler, bool(how & 32))

    def do_unsubscribe(self):
        self.client.unsubscribe(self.tape.pick(FILTERS))

    def do_wait(self):
        self.now = (self.now + self.tape.pick(TIMES)) & MASK
        self.step()

    def do_connect(self):
        self.broker.present = self.present
        self.client.connect()

    def do_disconnect(self):
        self.client.disconnect()

    def arrive(self, data):
        if self.wire.unread() + len(data) < 8000:
            self.wire.send(data)

    def do_message(self):
        how = self.tape.byte()
        size = self.tape.byte()
        packet_id = self.tape.byte() & 7
        topic = TOPICS[(how >> 4 & 3) + (4 if size == 255 else 0)]
        payload = b"x" * (size if how & 128 else size % 20)
        self.arrive(peer.publish(topic, payload, how & 3, packet_id, how >> 2 & 1, how >> 3 & 1))

    def do_flood(self):
        how = self.tape.byte()
        for k in range(how & 31):
            self.arrive(peer.publish(b"t", b"", 1 + (how >> 5 & 1), 10 + k))

    def do_answer(self):
        how = self.tape.byte()
        ids = self.broker.ids()
        packet_id = ids[-1 - how // 8 % len(ids)] if ids else 1
        if how & 7 < len(ANSWERS) - 1:
            self.arrive(ANSWERS[how & 7](packet_id))
        else:
            self.arrive(peer.pingresp() if how & 1 else peer.pubrel(1 + (how >> 3 & 3)))

    def do_greet(self):
        how = self.tape.byte()
        self.arrive(peer.connack(how & 1, how >> 1 & 7))

    def do_bytes(self):
        self.arrive(self.tape.take(self.tape.byte() % 40))

    def do_limits(self):
        how = self.tape.byte()
        self.wire.read_limit = (1, 2, 7, 10000)[how & 3]
        self.wire.write_limit = (1, 3, 17, 10000)[how >> 2 & 3]
        self.wire.block_reads = how >> 4 & 3
        self.wire.block_writes = how >> 6

    def do_break(self):
        how = self.tape.byte() & 7
        if how == 0:
            self.wire.reset()
        elif how == 1:
            self.wire.end()
        elif how == 2:
            self.wire.half_open = True
        elif how == 3:
            self.wire.stuck = not self.wire.stuck
        elif how == 4:
            self.wire.opening = [None, -111]
        else:
            self.wire.fail_write_in = how - 5

    def do_policy(self):
        how = self.tape.byte()
        self.broker.present = how & 1
        self.broker.refuse = 5 if how & 2 and how & 4 else 0
        self.broker.mute = {kind for kind in (3, 5, 6, 8, 10, 12) if how >> 3 & kind}

    def calm(self):
        """From here on the world behaves."""
        wire, broker = self.wire, self.broker
        wire.read_limit = wire.write_limit = 10000
        wire.block_reads = wire.block_writes = 0
        wire.fail_write_in = None
        wire.opening = []
        wire.stuck = False
        broker.mute = set()
        broker.refuse = 0
        self.reaction = 0
        if self.client.state != DOWN:
            wire.half_open = False
            wire.reset()
            self.rest()
        self.tidy(broker)

    def tidy(self, broker):
        broker.present = self.present
        for _ in range(3):  # a request that was under way may end the first connection
            if self.client.state == DOWN:
                self.client.connect()
            self.rest()
        client = self.client
        eq(client.state, UP, "connects once the world behaves")
        eq((client.inflight, client.queued, client.acks_to, client.left), (0, 0, 0, 0), "at rest")
        eq((client.subscriptions.todo, client.subscriptions.awaiting), (0, 0), "requests")
        eq(client.outbox.count, 0, "entries")
        eq(client.handler_errors, 0, "exceptions swallowed")
        eq(self.ended, self.accepted, "each accepted publish ends once")
        eq(self.wire.over_ask, False, "asks for what it can take")

    def rest(self):
        still = 0
        for _ in range(STEPS):
            before = self.wire.writes, self.wire.unread(), self.wire.opens, self.wire.closes
            self.step()
            self.broker.serve()
            moved = before != (
                self.wire.writes,
                self.wire.unread(),
                self.wire.opens,
                self.wire.closes,
            )
            still = 0 if moved or self.client.news else still + 1
            if still == 3:
                return
        raise AssertionError("never comes to rest")


# By how often each should come: faults are rarer than what they befall.
OPERATIONS = (
    (Program.do_serve,) * 8
    + (Program.do_publish, Program.do_message, Program.do_answer) * 4
    + (Program.do_step, Program.do_send, Program.do_wait, Program.do_connect) * 2
    + (Program.do_subscribe, Program.do_unsubscribe, Program.do_limits, Program.do_break)
    + (Program.do_policy, Program.do_disconnect, Program.do_greet, Program.do_bytes)
    + (Program.do_flood,)
)

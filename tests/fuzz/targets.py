"""What is fuzzed: each target takes any bytes, and raises only if the code under test is wrong.

Runs on every runtime; on MicroPython `METER.grown` afterwards says by how many bytes the heap grew
inside the calls under test, which must be none. The judges are the tests' own peer and broker, and
on CPython the standard library.
"""

import heap
import peer
from broker import Broker
from check import eq, true
from feed import joined, pour
from mqtt import CONNECTED, DOWN, FAILED, MALFORMED, UP, Client, codec, topics
from mqtt.message import Message
from mqtt.parser import Parser
from node.command import OFF, ON, TOGGLE, Command
from wire import Wire

try:
    import json

    JUDGE = not heap.MEASURED and hasattr(json, "JSONDecodeError")
except ImportError:
    JUDGE = False

MASK = (1 << 30) - 1
FROM_SERVER = (0x20, 0x40, 0x50, 0x62, 0x70, 0x90, 0xB0, 0xD0) + tuple(
    first for first in range(0x30, 0x40) if first & 6 != 6
)
LONGEST = 4096  # bytes of input that are looked at
STEPS = 400  # within which everything comes to rest


class Meter:
    """Adds up what the heap grows by between on() and off(), and, where the build counts it, all
    that was asked for, freed again or not. Allocates nothing itself."""

    def __init__(self):
        self.grown = self.traffic = 0
        self._was = self._total = 0

    def on(self):
        self._was = heap.mem_alloc()
        self._total = heap.mem_total()

    def off(self):
        self.traffic += heap.mem_total() - self._total
        self.grown += heap.mem_alloc() - self._was


METER = Meter()


class Tape:
    """The input as a source of choices; at its end all of them are 0."""

    def __init__(self, data):
        self.data = bytes(data[:LONGEST])
        self.at = 0

    def more(self):
        return self.at < len(self.data)

    def byte(self):
        self.at += 1
        return self.data[self.at - 1] if self.at <= len(self.data) else 0

    def pick(self, choices):
        return choices[self.byte() % len(choices)]

    def take(self, n):
        self.at += n
        return self.data[self.at - n : self.at]

    def rest(self):
        return self.take(len(self.data))


def parser(data):
    """A stream is the packets the judge finds in it, whole, split, and behind a reset."""
    tape = Tape(data)
    size = 16 + tape.byte() % 64
    piece = 1 + tape.byte() % 80
    stream = tape.rest()
    whole = joined(pour(Parser(size), stream, 1 << 20))
    eq(whole, packets(stream, size), "as the judge says")
    eq(joined(pour(Parser(size), stream, piece)), whole, "in pieces of %d" % piece)
    eq(joined(pour(Parser(size), stream, 1)), whole, "byte by byte")
    used = Parser(size)
    pour(used, stream, piece)
    used.reset()
    eq(joined(pour(used, stream, piece)), whole, "behind a reset")
    for first, body in whole:
        if first >> 4 == 3 and body is not None:
            _load(first, body)


def packets(stream, size):
    """The judge of the parser, told simply: (first byte, body) of each whole packet; the body is
    None if not even its head fits `size`; (MALFORMED, b"") ends it."""
    found = []
    while len(stream) > 1:
        first = stream[0]
        if first not in FROM_SERVER:
            return found + [(MALFORMED, b"")]
        n = 1
        while n < 5 and n < len(stream) and stream[n] > 127:
            n += 1
        if n == 5:
            return found + [(MALFORMED, b"")]
        if n == len(stream):
            return found
        length = 0
        for k in range(n):
            length |= (stream[1 + k] & 127) << 7 * k
        body = stream[n + 1 : n + 1 + length]
        if length > size:
            if first >> 4 != 3:
                return found + [(MALFORMED, b"")]
            if len(body) < size:
                return found
            head = 2 + (body[0] << 8 | body[1]) + (2 if first & 6 else 0)
            if head > length:
                return found + [(MALFORMED, b"")]
        if len(body) < length:
            return found
        found.append((first, None if length > size and head > size else body))
        stream = stream[n + 1 + length :]
    return found


def _load(first, body):
    m = Message(body)
    if m.load(first, len(body)) == 0:
        true(2 == m.topic_start < m.topic_end <= m.payload_start <= m.payload_end == len(body))
        eq((m.qos > 0, m.total), (m.packet_id > 0, m.payload_end - m.payload_start))
        eq(len(m.topic()) + len(m.payload()) + (2 if m.qos else 0) + 2, len(body))


def text(data):
    """What is a text, a topic, a filter, and what matches, as the judge says it; encoders."""
    tape = Tape(data)
    flt = tape.take(tape.byte() % 40)
    topic = tape.rest()
    METER.on()
    good = topics.filter_ok(flt, 0, len(flt))
    fine = topics.topic_ok(topic, 0, len(topic))
    METER.off()
    eq(topics.text_ok(b"\xff" + topic + b"\xff", 1, 1 + len(topic)), _judged(topic))
    eq(good, _judged(flt) and _filter_judged(flt))
    eq(fine, bool(topic) and _judged(topic) and b"+" not in topic and b"#" not in topic)
    if good:
        for packet in (codec.make_subscribe(flt, 1), codec.make_unsubscribe(flt)):
            codec.put_id(packet, codec.request_id_at(packet), 258)
            found, used = peer.decode(packet)
            eq((found.id, used), (258, len(packet)))
        if fine:
            framed = b"/" + topic + b"/"
            METER.on()
            taken = topics.matches(flt, framed, 1, 1 + len(topic))
            METER.off()
            eq(bool(taken), _takes(flt.split(b"/"), topic.split(b"/")), "%r %r" % (flt, topic))


def _judged(data):
    try:
        peer.check_text(data)
        return True
    except peer.Violation:
        return False


def _filter_judged(data):
    try:
        peer.check_filter(data)
        return True
    except peer.Violation:
        return False


def _takes(flt, topic):
    if topic[0][:1] == b"$" and flt[0] in (b"+", b"#"):
        return False
    for k, level in enumerate(flt):
        if level == b"#":
            return True
        if k == len(topic) or level not in (b"+", topic[k]):
            return False
    return len(flt) == len(topic)


COMMAND = Command()
STATES = {ON: "ON", OFF: "OFF", TOGGLE: "TOGGLE"}


def command(data):
    """A command is refused, or is what the judge reads; what lies around it does not matter."""
    data = bytes(data[:120])
    buf = bytearray(b'{"state":' + data + b'"ON"}')
    METER.on()
    code = COMMAND.parse(buf, 9, 9 + len(data))
    METER.off()
    true(code == 0 or -10 < code < 0)
    if code == 0:
        true(COMMAND.state in STATES and 0 <= COMMAND.seconds <= 2592000)
    if JUDGE:
        mine = (STATES[COMMAND.state], COMMAND.seconds) if code == 0 else None
        judged = _command_judged(data)
        # An escape in the JSON is the one thing that may be refused and is right.
        true(mine == judged or (mine is None and b"\\" in data), "%r: %r" % (data, (mine, judged)))


def _command_judged(data):
    try:
        said = data.decode("ascii").strip(" \t\n\x0b\x0c\r")
    except UnicodeDecodeError:
        return None
    if len(data) > 96 or any(c < 32 and not 9 <= c <= 13 or c == 127 for c in data):
        return None
    if said in STATES.values():
        return said, 0
    try:
        pairs = json.loads(
            said.replace("\x0b", " ").replace("\x0c", " "), object_pairs_hook=lambda pairs: pairs
        )
        members = dict(pairs)
    except (ValueError, TypeError):
        return None
    if not said.startswith("{") or len(pairs) != len(members) or members.get("state") is None:
        return None
    time = members.get("for", 1)
    good = members["state"] in STATES.values() and set(members) <= {"state", "for"}
    if not good or type(time) is not int or not 0 < time <= 2592000:
        return None
    if "for" in members and members["state"] != "ON":
        return None
    return members["state"], members.get("for", 0)


def sound(c):
    """What the client keeps agrees with itself: counts, packet ids, places, room."""
    box, subs = c.outbox, c.subscriptions
    ring = [(box.head + k) % box.slots for k in range(box.count)]
    eq([i for i in range(box.slots) if box.state[i] and i not in ring], [], "lost entries")
    eq(box.inflight, len([s for s in box.state if s in (3, 4, 6)]), "inflight")
    true(0 <= box.passed <= box.count)
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
    held = [n for n in c.held.ids if n]
    eq(len(held), len(set(held)), "an id is held twice")


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
        self.reaction = flags >> 4 & 3  # of the handlers
        self.client.on_event = self.event
        self.handler = self.handle
        self.now = MASK - 5000
        self.payload = bytearray(b"0123456789abcdef" * 4)
        self.ended = bytearray(HANDLES)
        self.accepted = bytearray(HANDLES)
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

    def handle(self, msg):
        self.seen += 1
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
        while self.tape.more() and self.client.outbox._handle < HANDLES - 100:
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
        topic = TOPICS[how >> 4 & 3]
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
            still = 0 if moved or self.client.dropped_first else still + 1
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


def client(data):
    """Any operations, any bytes from the broker, any link: see Program."""
    Program(Tape(data)).run()


TARGETS = {"parser": parser, "text": text, "client": client, "command": command}

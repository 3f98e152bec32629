"""What is fuzzed: each target takes any bytes, and raises only if the code under test is wrong.

Runs on every runtime; on MicroPython `METER.grown` afterwards says by how many bytes the heap grew
inside the calls under test, which must be none. The judges are the tests' own peer and broker, and
on CPython the standard library.
"""

from program import Program
from tape import METER, Tape

import heap
import peer
from check import eq, true
from feed import joined, pour
from mqtt import MALFORMED, codec, topics
from mqtt.message import Message
from mqtt.parser import Parser
from node.command import OFF, ON, TOGGLE, Command

try:
    import json

    JUDGE = not heap.MEASURED and hasattr(json, "JSONDecodeError")
except ImportError:
    JUDGE = False

FROM_SERVER = (0x20, 0x40, 0x50, 0x62, 0x70, 0x90, 0xB0, 0xD0) + tuple(
    first for first in range(0x30, 0x40) if first & 6 != 6
)


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


def client(data):
    """Any operations, any bytes from the broker, any link: see Program."""
    Program(Tape(data)).run()


TARGETS = {"parser": parser, "text": text, "client": client, "command": command}

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
from feed import joined, may_come, pour
from mqtt import MALFORMED, codec, options, topics
from mqtt.message import Message, load
from mqtt.parser import Parser
from node.command import OFF, ON, TOGGLE, Command

try:
    import json

    JUDGE = not heap.MEASURED and hasattr(json, "JSONDecodeError")
except ImportError:
    JUDGE = False


def parser(data):
    """A stream is the packets the judge finds in it, whole, split, and behind a reset."""
    tape = Tape(data)
    size = 16 + tape.byte() % 64
    piece = 1 + tape.byte() % 80
    stream = tape.rest()
    found = pour(Parser(size), stream, 1 << 20)
    whole = joined(found)
    for copy in found:
        eq(copy.oversize, copy.length > size and copy.first > 0, "what has room is not oversize")
    eq(whole, packets(stream, size), "as the judge says")
    eq(joined(pour(Parser(size), stream, piece)), whole, "in pieces of %d" % piece)
    eq(joined(pour(Parser(size), stream, 1)), whole, "byte by byte")
    used = Parser(size)
    pour(used, stream, piece)
    used.reset()
    eq(joined(pour(used, stream, piece)), whole, "behind a reset")
    for first, body in whole:
        if first >> 4 == 3:
            _load(first, body)


def packets(stream, size):
    """The judge of the parser, told simply: (first byte, body) of each whole packet;
    (MALFORMED, b"") ends it."""
    found = []
    while stream:
        first = stream[0]
        if not may_come(first):
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
        if length > size and first >> 4 != 3:
            return found + [(MALFORMED, b"")]
        body = stream[n + 1 : n + 1 + length]
        if len(body) < length:
            return found
        found.append((first, body))
        stream = stream[n + 1 + length :]
    return found


def _load(first, body):
    """A PUBLISH is decoded in place, wherever it stands, or is found malformed."""
    for before, behind in ((0, 4), (2, 0), (40, 9)):
        p = Parser(len(body))
        p.buf = b"\xff" * before + bytes(body) + b"\xff" * behind
        p.start, p.end = before, before + len(body)
        m = Message(p.buf)
        if load(m, p, first, len(body)):
            true(not _sane(first, body), "refused: %#x %r" % (first, body))
            continue
        true(_sane(first, body), "taken: %#x %r" % (first, body))
        true(p.start + 2 == m.topic_start < m.topic_end <= m.payload_start)
        true(m.payload_start <= m.payload_end == p.end)
        eq((m.qos, m.retain, m.dup), (first >> 1 & 3, first & 1, first >> 3 & 1))
        eq((m.qos > 0, m.total), (m.packet_id > 0, m.payload_end - m.payload_start))
        eq(len(m.topic()) + len(m.payload()) + (2 if m.qos else 0) + 2, len(body))


def _sane(first, body):
    # section 3.3, told simply
    if len(body) < 3:
        return False
    n = body[0] << 8 | body[1]
    rest = body[2 + n :]
    if not n or len(body) < 2 + n:
        return False
    return not first & 6 or (len(rest) > 1 and rest[0] + rest[1] > 0)


REQUEST = bytearray(64)


def text(data):
    """What is a text, a topic, a filter, and what matches, as the judge says it; encoders."""
    tape = Tape(data)
    flt = tape.take(tape.byte() % 40)
    topic = tape.rest()
    METER.on()
    good = options.filter_ok(flt, 0, len(flt))
    fine = topics.topic_ok(topic, 0, len(topic))
    METER.off()
    eq(topics.text_ok(b"\xff" + topic + b"\xff", 1, 1 + len(topic)), _judged(topic))
    eq(good, _judged(flt) and _filter_judged(flt))
    eq(fine, bool(topic) and _judged(topic) and b"+" not in topic and b"#" not in topic)
    if good:
        for qos in (0, 1, 2, -1):
            METER.on()
            end = codec.put_request(REQUEST, 3, 258, flt, qos)
            METER.off()
            found, used = peer.decode(bytes(REQUEST[3:end]))
            eq((found.id, used), (258, end - 3))
            eq(found.filters, [(flt, qos)] if qos >= 0 else [flt])
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

"""The server's half of the MQTT 3.1.1 codec, for tests that play the broker.

Written from the standard on its own and strict about everything that binds a client, so that it
judges lib/mqtt instead of agreeing with it. Allocates freely. Reads `decode`, writes one function
per packet; every function gives or takes whole packets as bytes.
"""

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = 8, 9, 10, 11, 12, 13, 14
NAMES = (
    "- CONNECT CONNACK PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK "
    "PINGREQ PINGRESP DISCONNECT"
).split()

# Table 2.2: flag bits that a client's packet must carry; PUBLISH has its own.
_FLAGS = {
    CONNECT: 0,
    PUBACK: 0,
    PUBREC: 0,
    PUBREL: 2,
    PUBCOMP: 0,
    SUBSCRIBE: 2,
    UNSUBSCRIBE: 2,
    PINGREQ: 0,
    DISCONNECT: 0,
}


class Violation(Exception):
    """A client broke the standard; the text names how."""


class Packet:
    """A decoded packet: `kind`, and the fields that kind has as attributes."""

    def __init__(self, kind, **fields):
        self.kind = kind
        self.fields = fields

    def __getattr__(self, name):
        try:
            return self.fields[name]
        except KeyError:
            raise AttributeError(name)

    def __repr__(self):
        parts = ["%s=%r" % (name, self.fields[name]) for name in sorted(self.fields)]
        return "<%s %s>" % (NAMES[self.kind], " ".join(parts))


class _Body:
    """A cursor over one packet's body; reading past the end is a violation."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, n):
        if self.at + n > len(self.data):
            raise Violation("packet ends inside a field")
        self.at += n
        return self.data[self.at - n : self.at]

    def byte(self):
        return self.take(1)[0]

    def u16(self):
        high, low = self.take(2)
        return high << 8 | low

    def binary(self):
        return self.take(self.u16())

    def text(self):
        data = self.binary()
        check_text(data)
        return data

    def packet_id(self):
        value = self.u16()
        if not value:
            raise Violation("packet id 0 [MQTT-2.3.1-1]")
        return value

    def rest(self):
        return self.take(len(self.data) - self.at)

    def more(self):
        return self.at < len(self.data)


def check_text(data):
    """Well-formed UTF-8 without U+0000 (section 1.5.3), or Violation."""
    # Not every runtime's decoder refuses surrogates and overlong forms: look at the bytes.
    at = 0
    while at < len(data):
        first = data[at]
        if first == 0:
            raise Violation("U+0000 in a string [MQTT-1.5.3-2]")
        size = 1 if first < 0x80 else 2 if first >> 5 == 6 else 3 if first >> 4 == 14 else 4
        tail = data[at + 1 : at + size]
        if size > 1 and (not 0xC2 <= first <= 0xF4 or len(tail) != size - 1):
            raise Violation("ill-formed UTF-8 [MQTT-1.5.3-1]")
        point = first & (0x7F if size == 1 else 0xFF >> (size + 1))
        for byte in tail:
            if byte >> 6 != 2:
                raise Violation("ill-formed UTF-8 [MQTT-1.5.3-1]")
            point = point << 6 | byte & 0x3F
        if point < (0, 0, 0x80, 0x800, 0x10000)[size] or point > 0x10FFFF:
            raise Violation("ill-formed UTF-8 [MQTT-1.5.3-1]")
        if 0xD800 <= point <= 0xDFFF:
            raise Violation("surrogate in a string [MQTT-1.5.3-1]")
        at += size


def decode(data):
    """The first packet in `data`: (Packet, bytes used), or None when it is not whole yet."""
    head = _head(data)
    if head is None:
        return None
    start, length = head
    if len(data) < start + length:
        return None
    kind, flags = data[0] >> 4, data[0] & 15
    body = _Body(bytes(data[start : start + length]))
    if kind == PUBLISH:
        packet = _publish(flags, body)
    elif kind not in _FLAGS:
        raise Violation("a client may not send packet type %d" % kind)
    elif flags != _FLAGS[kind]:
        raise Violation("flags %d in %s [MQTT-2.2.2-1]" % (flags, NAMES[kind]))
    else:
        packet = _READERS[kind](kind, body)
    if body.more():
        raise Violation("bytes behind the end of %s" % NAMES[kind])
    return packet, start + length


def _head(data):
    # (start of the body, its length), or None while the fixed header is not whole.
    length = 0
    for k in range(1, 5):
        if len(data) <= k:
            return None
        length |= (data[k] & 127) << 7 * (k - 1)
        if data[k] < 128:
            return k + 1, length
    raise Violation("remaining length of more than four bytes")


def _publish(flags, body):
    qos = flags >> 1 & 3
    if qos == 3:
        raise Violation("QoS 3 [MQTT-3.3.1-4]")
    if not qos and flags & 8:
        raise Violation("DUP on QoS 0 [MQTT-3.3.1-2]")
    topic = body.text()
    if not topic:
        raise Violation("empty topic [MQTT-4.7.3-1]")
    if b"+" in topic or b"#" in topic:
        raise Violation("wildcard in a topic [MQTT-3.3.2-2]")
    packet_id = body.packet_id() if qos else 0
    return Packet(
        PUBLISH,
        topic=topic,
        payload=body.rest(),
        qos=qos,
        id=packet_id,
        dup=flags >> 3,
        retain=flags & 1,
    )


def _connect(kind, body):
    if body.binary() != b"MQTT" or body.byte() != 4:
        raise Violation("protocol is not MQTT 3.1.1")
    flags = body.byte()
    keepalive = body.u16()
    if flags & 1:
        raise Violation("reserved CONNECT flag set")
    client_id = body.text()
    if not client_id and not flags & 2:
        raise Violation("empty client id without clean session [MQTT-3.1.3-7]")
    will = _will(flags, body)
    if flags & 0x40 and not flags & 0x80:
        raise Violation("password without user name [MQTT-3.1.2-22]")
    username = body.text() if flags & 0x80 else None
    password = body.binary() if flags & 0x40 else None
    return Packet(
        kind,
        client_id=client_id,
        keepalive=keepalive,
        clean=flags >> 1 & 1,
        will=will,
        username=username,
        password=password,
    )


def _will(flags, body):
    # (topic, payload, qos, retain) or None
    if not flags & 4:
        if flags & 0x38:
            raise Violation("will flags without a will [MQTT-3.1.2-11, -13, -15]")
        return None
    if flags >> 3 & 3 == 3:
        raise Violation("will QoS 3 [MQTT-3.1.2-14]")
    return body.text(), body.binary(), flags >> 3 & 3, flags >> 5 & 1


def _ack(kind, body):
    return Packet(kind, id=body.packet_id())


def _subscribe(kind, body):
    packet_id = body.packet_id()
    wanted = []
    while body.more() or not wanted:  # at least one pair [MQTT-3.8.3-3]
        topic_filter = body.text()
        qos = body.byte()
        if qos > 2:
            raise Violation("requested QoS byte %d [MQTT-3.8.3-4]" % qos)
        check_filter(topic_filter)
        wanted.append((topic_filter, qos))
    return Packet(kind, id=packet_id, filters=wanted)


def _unsubscribe(kind, body):
    packet_id = body.packet_id()
    filters = []
    while body.more() or not filters:  # [MQTT-3.10.3-2]
        filters.append(body.text())
        check_filter(filters[-1])
    return Packet(kind, id=packet_id, filters=filters)


def check_filter(topic_filter):
    """A valid topic filter (section 4.7), or Violation."""
    levels = topic_filter.split(b"/")
    if not topic_filter:
        raise Violation("empty filter [MQTT-4.7.3-1]")
    for k, level in enumerate(levels):
        if b"#" in level and (level != b"#" or k != len(levels) - 1):
            raise Violation("misplaced # [MQTT-4.7.1-2]")
        if b"+" in level and level != b"+":
            raise Violation("misplaced + [MQTT-4.7.1-3]")


def _bare(kind, body):
    return Packet(kind)


_READERS = {
    CONNECT: _connect,
    PUBACK: _ack,
    PUBREC: _ack,
    PUBREL: _ack,
    PUBCOMP: _ack,
    SUBSCRIBE: _subscribe,
    UNSUBSCRIBE: _unsubscribe,
    PINGREQ: _bare,
    DISCONNECT: _bare,
}


def packet(first, body):
    """A whole packet from its first byte and its body."""
    return head(first, len(body)) + bytes(body)


def head(first, length):
    """A fixed header that announces `length` bytes."""
    found = bytearray([first])
    while length > 127:
        found.append(length & 127 | 128)
        length >>= 7
    found.append(length)
    return bytes(found)


def u16(value):
    """Two bytes, big-endian."""
    return bytes((value >> 8, value & 255))


def connack(present=0, code=0):
    """CONNACK with the session-present flag and the return code."""
    return packet(0x20, bytes((present, code)))


def publish(topic, payload=b"", qos=0, packet_id=0, retain=0, dup=0):
    """PUBLISH as a server sends it; `packet_id` counts only over QoS 0."""
    ident = u16(packet_id) if qos else b""
    first = 0x30 | dup << 3 | qos << 1 | retain
    return packet(first, u16(len(topic)) + topic + ident + payload)


def puback(packet_id):
    return packet(0x40, u16(packet_id))


def pubrec(packet_id):
    return packet(0x50, u16(packet_id))


def pubrel(packet_id):
    return packet(0x62, u16(packet_id))


def pubcomp(packet_id):
    return packet(0x70, u16(packet_id))


def suback(packet_id, *codes):
    return packet(0x90, u16(packet_id) + bytes(codes))


def unsuback(packet_id):
    return packet(0xB0, u16(packet_id))


def pingresp():
    return packet(0xD0, b"")

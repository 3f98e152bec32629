"""The client's half of the MQTT 3.1.1 packet formats (chapters 2 and 3): bytes only.

Encodes into, and decodes from, buffers that the caller owns and has made large enough. No class,
no I/O, no clock. What is done once at set-up (CONNECT, SUBSCRIBE, UNSUBSCRIBE) returns a new
bytearray; the rest allocates nothing.
"""

from mqtt._shim import const

# First bytes: packet type in the upper half, fixed flags in the lower [MQTT-2.2.2-1].
_CONNECT = const(0x10)
_SUBSCRIBE = const(0x82)
_UNSUBSCRIBE = const(0xA2)

MAX_REMAINING = 268435455  # section 2.2.3: four bytes of seven bits
FROM_SERVER = b"\x20\x40\x50\x62\x70\x90\xb0\xd0"  # first bytes a server may send, but PUBLISH
PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"


def head_size(remaining):
    """Bytes of the fixed header for that remaining length: 2..5."""
    return 2 if remaining < 128 else 3 if remaining < 16384 else 4 if remaining < 2097152 else 5


def put_head(buf, at, first, remaining):
    """Write a fixed header at ``at``; returns the position behind it."""
    buf[at] = first
    at += 1
    while remaining > 127:
        buf[at] = remaining & 127 | 128
        remaining >>= 7
        at += 1
    buf[at] = remaining
    return at + 1


def put_text(buf, at, text):
    """Write a two-byte length and the bytes of ``text``; returns the position behind them."""
    n = len(text)
    buf[at] = n >> 8
    buf[at + 1] = n & 255
    at += 2
    buf[at : at + n] = text
    return at + n


def put_id(buf, at, packet_id):
    """Write a packet id, big-endian; returns the position behind it."""
    buf[at] = packet_id >> 8
    buf[at + 1] = packet_id & 255
    return at + 2


def put_ack(buf, at, first, packet_id):
    """Write PUBACK (0x40), PUBREC (0x50), PUBREL (0x62) or PUBCOMP (0x70): four bytes."""
    buf[at] = first
    buf[at + 1] = 2
    return put_id(buf, at + 2, packet_id)


def get_u16(buf, at):
    """The big-endian number at ``at``: a packet id or a length."""
    return buf[at] << 8 | buf[at + 1]


def publish_id_at(buf, at):
    """Where the packet id stands in the PUBLISH (QoS above 0) that begins at ``at``."""
    at += 1
    while buf[at] > 127:
        at += 1
    return at + 3 + get_u16(buf, at + 1)


def make_connect(client_id, keepalive, clean, username, password, will):
    """CONNECT as a new bytearray (section 3.1). Texts are checked bytes; ``will`` is None or
    (topic, payload, qos, retain). Payload order: [MQTT-3.1.3-1]. Allocates."""
    flags = 2 if clean else 0
    fields = [client_id]
    if will:
        flags |= 4 | will[2] << 3 | (0x20 if will[3] else 0)
        fields += will[:2]
    if username is not None:
        flags |= 0x80
        fields.append(username)
    if password is not None:
        flags |= 0x40
        fields.append(password)
    remaining = 10
    for f in fields:
        remaining += 2 + len(f)
    buf = bytearray(head_size(remaining) + remaining)
    at = put_text(buf, put_head(buf, 0, _CONNECT, remaining), b"MQTT")
    buf[at] = 4  # protocol level of 3.1.1
    buf[at + 1] = flags
    at = put_id(buf, at + 2, keepalive)
    for f in fields:
        at = put_text(buf, at, f)
    return buf


def make_subscribe(flt, qos):
    """SUBSCRIBE for one filter, its packet id still 0, as a new bytearray. Allocates."""
    buf = _make_request(_SUBSCRIBE, flt, 1)
    buf[-1] = qos
    return buf


def make_unsubscribe(flt):
    """UNSUBSCRIBE for one filter, its packet id still 0, as a new bytearray. Allocates."""
    return _make_request(_UNSUBSCRIBE, flt, 0)


def _make_request(first, flt, extra):
    remaining = 4 + len(flt) + extra
    size = head_size(remaining)
    buf = bytearray(size + remaining)
    put_head(buf, 0, first, remaining)
    put_text(buf, size + 2, flt)
    return buf


def request_id_at(packet):
    """Where the packet id stands in a SUBSCRIBE or UNSUBSCRIBE."""
    at = 1
    while packet[at] > 127:
        at += 1
    return at + 1

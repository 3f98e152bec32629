"""The client's half of the MQTT 3.1.1 packet formats (chapters 2 and 3): bytes only.

Encodes into, and decodes from, buffers that the caller owns and has made large enough. No class,
no I/O, no clock. Allocates nothing. CONNECT, made once at set-up, is in options.py.
"""

MAX_REMAINING = 268435455  # section 2.2.3: four bytes of seven bits
FROM_SERVER = b"\x20\x40\x50\x62\x70\x90\xb0\xd0"  # first bytes a server may send, but PUBLISH


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


def put_request(buf, at, packet_id, flt, qos):
    """Write SUBSCRIBE for one filter at ``qos``, or UNSUBSCRIBE if that is negative."""
    n = 4 + len(flt)
    if qos < 0:
        at = put_head(buf, at, 0xA2, n)
    else:
        n += 1
        at = put_head(buf, at, 0x82, n)
    at = put_id(buf, at, packet_id)
    at = put_text(buf, at, flt)
    if qos >= 0:
        buf[at] = qos
        at += 1
    return at


def publish_id_at(buf, at):
    """Where the packet id stands in the PUBLISH (QoS above 0) that begins at ``at``."""
    at += 1
    while buf[at] > 127:
        at += 1
    return at + 3 + (buf[at + 1] << 8 | buf[at + 2])

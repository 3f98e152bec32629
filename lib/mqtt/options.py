"""Checks of what a caller passes at set-up: ValueError with what is wrong and what would be right.

Loaded when it is needed, by the constructor, prepare(), subscribe() and unsubscribe(), so that a
program short of memory may forget it after its set-up: del sys.modules["mqtt.options"]. Allocates
freely.
"""

from mqtt._shim import const
from mqtt.codec import head_size, put_head, put_id, put_text
from mqtt.topics import text_ok, topic_ok

_PLUS = const(0x2B)
_HASH = const(0x23)
_SLASH = const(0x2F)
_BAD_FILTER = const(-2)
_BAD_QOS = const(-4)


def _range(value, low, high, name):
    if not isinstance(value, int) or not low <= value <= high:
        raise ValueError("%s: %r; must be %d..%d" % (name, value, low, high))


def check_numbers(keepalive, rx_size, tx_size, max_inflight):
    """Ranges of the constructor's sizes."""
    _range(keepalive, 0, 65535, "keepalive, seconds")
    _range(rx_size, 16, 65535, "rx_size, bytes")
    _range(tx_size, 32, 65535, "tx_size, bytes")
    _range(max_inflight, 1, 1000, "max_inflight")


def check_tables(max_subscriptions, max_held):
    """Ranges of the tables."""
    _range(max_subscriptions, 0, 1000, "max_subscriptions")
    _range(max_held, 0, 1000, "max_held")


def check_times(connect_timeout_ms, ack_timeout_ms):
    """Time-outs must stay below half the ticks period."""
    _range(connect_timeout_ms, 1, 0x1FFFFFFF, "connect_timeout_ms")
    _range(ack_timeout_ms, 1, 0x1FFFFFFF, "ack_timeout_ms")


def encoded(text):
    """bytes for a str; anything else as it is, and so a str that has no UTF-8 form."""
    try:
        return text.encode() if isinstance(text, str) else text
    except ValueError:  # half of a surrogate pair
        return text


def _data(value, name):
    value = encoded(value)
    if not isinstance(value, (bytes, bytearray)) or len(value) > 65535:
        raise ValueError("%s: %r; must be bytes or str, at most 65535 bytes" % (name, value))
    return bytes(value)


def _text(value, name):
    value = _data(value, name)
    if not text_ok(value, 0, len(value)):
        raise ValueError("%s: %r; must be UTF-8 without NUL" % (name, value))
    return value


def topic(value, name="topic"):
    """A checked topic as bytes."""
    value = _text(value, name)
    if not topic_ok(value, 0, len(value)):
        raise ValueError("%s: %r; must have 1..65535 bytes and no + or #" % (name, value))
    return value


def publish_flags(qos, retain):
    """First byte of a PUBLISH."""
    _range(qos, 0, 2, "qos")
    return 0x30 | qos << 1 | (1 if retain else 0)


def check_filter(flt, qos):
    """0, BAD_FILTER or BAD_QOS: what subscribe() says of a bad one."""
    if not isinstance(flt, bytes) or not filter_ok(flt, 0, len(flt)):
        return _BAD_FILTER
    return 0 if qos == 0 or qos == 1 or qos == 2 else _BAD_QOS


def filter_ok(buf, start, end):
    """True if buf[start:end] is a valid topic filter [MQTT-4.7.1-2, -3, 4.7.3-1..3]."""
    if not (0 < end - start < 65536 and text_ok(buf, start, end)):
        return False
    for i in range(start, end):
        c = buf[i]
        if c == _PLUS or c == _HASH:
            if i > start and buf[i - 1] != _SLASH:
                return False  # a wildcard takes a whole level
            if i + 1 < end and (c == _HASH or buf[i + 1] != _SLASH):
                return False  # and # is the last
    return True


def check_payload(max_payload, fixed, size):
    """What prepare() must refuse: a packet of ``fixed`` bytes and that payload, in ``size``."""
    if not isinstance(max_payload, int) or max_payload < 0:
        raise ValueError("max_payload: %r; must be 0 or more bytes" % (max_payload,))
    fixed += max_payload
    fixed += head_size(fixed)
    if fixed > size:
        raise ValueError(
            "max_payload: %d; the packet of %d bytes never fits tx_size %d"
            % (max_payload, fixed, size)
        )


def connect_packet(client_id, keepalive, clean, username, password, will):
    """CONNECT, encoded once for all connections."""
    client_id = _text(client_id, "client_id")
    if not client_id and not clean:
        raise ValueError("client_id: b''; may be empty only with clean_session=True")
    if username is not None:
        username = _text(username, "username")
    if password is not None:
        if username is None:
            raise ValueError("password: needs a username too (MQTT 3.1.2-22)")
        password = _data(password, "password")
    if will is not None:
        try:
            name, payload, qos, retain = will
        except (TypeError, ValueError):
            raise ValueError("will: %r; must be (topic, payload, qos, retain)" % (will,))
        _range(qos, 0, 2, "will qos")
        will = (topic(name, "will topic"), _data(payload, "will payload"), qos, retain)
    return make_connect(client_id, keepalive, clean, username, password, will)


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
    at = put_text(buf, put_head(buf, 0, 0x10, remaining), b"MQTT")
    buf[at] = 4  # protocol level of 3.1.1
    buf[at + 1] = flags
    at = put_id(buf, at + 2, keepalive)
    for f in fields:
        at = put_text(buf, at, f)
    return buf

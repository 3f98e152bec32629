"""Checks of what a caller passes at set-up: ValueError with what is wrong and what would be right.

Runs before the first step only; allocates freely.
"""

from mqtt.codec import make_connect
from mqtt.topics import text_ok, topic_ok


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

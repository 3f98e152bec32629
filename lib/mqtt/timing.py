"""When something is overdue, and when the next thing will be. ``now`` comes from step().

Ticks are 0..2^30-1 and wrap; every time kept is in the past, so the time since is one masked
difference. Keep alive is measured on what we send [MQTT-3.1.2-23] and also on what we hear, since
a half-open link takes our bytes in silence: a PINGREQ goes out after three quarters of it, and
without its PINGRESP the connection ends. While that is awaited, what we send still counts.
"""

from mqtt._shim import const
from mqtt.sending import put_ping

_MASK = const(0x3FFFFFFF)
_UP = const(3)
_CLOSING = const(4)
_CONNECT = const(2)
_GONE = const(8)
_CONNECT_TIMEOUT = const(-32)
_ACK_TIMEOUT = const(-33)
_PING_TIMEOUT = const(-34)
_SEND_TIMEOUT = const(-35)
_LINGER = const(500)  # ms to let the broker close first, so that DISCONNECT is not lost to a RST


def check(c):
    """End a connection whose time is up; ping one that has been quiet."""
    if c.state == _UP:
        _check_up(c)
    elif c.state == _CLOSING:
        _check_closing(c)
    elif (c.now - c.since) & _MASK >= c.connect_timeout_ms:
        c.end(_CONNECT_TIMEOUT, 0)


def _check_up(c):
    code = _overdue(c, c.now, c.ack_timeout_ms)
    if code:
        c.end(code, 0)
    elif c.keepalive_ms and _may_ping(c) and _quiet(c, c.now) >= c.keepalive_ms * 3 // 4:
        if not c.pinged:
            c.pinged = True
            c.pinged_at = c.now
        put_ping(c)


def _may_ping(c):
    return not (c.pinged and c.blocked)  # one at most waits to be written


def _quiet(c, now):
    a = (now - c.spoke) & _MASK
    b = (now - c.heard) & _MASK
    return a if a > b or c.pinged else b


def _overdue(c, now, limit):
    if c.pinged and (now - c.pinged_at) & _MASK >= limit:
        return _PING_TIMEOUT
    if c.blocked and (now - c.blocked_at) & _MASK >= limit:
        return _SEND_TIMEOUT
    if c.outbox.overdue(now, limit):
        return _ACK_TIMEOUT
    if c.subscriptions.awaiting and c.subscriptions.age(now) >= limit:
        return _ACK_TIMEOUT
    return 0


def _check_closing(c):
    # Never opened, or DISCONNECT has left: a short wait for the broker's end, not more.
    if not c.sending or (c.sending == _CONNECT and c.at == 0):
        c.end(0, 0)
        return
    if not c.begun:
        c.begun = True
        c.since = c.now
    limit = _LINGER if c.sending == _GONE else c.ack_timeout_ms
    if (c.now - c.since) & _MASK >= limit:
        c.end(0, 0)


def deadline(c):
    """Ticks of the next thing that is due without the transport's doing, or -1."""
    if not c.state:
        return -1
    if c.state == _UP:
        if _ready(c):
            return c.now
        left = _left_up(c, c.now)
        return -1 if left < 0 else later(c.now, left)
    if not c.begun:
        return c.now
    limit = c.connect_timeout_ms
    if c.state == _CLOSING:
        limit = _LINGER if c.sending == _GONE else c.ack_timeout_ms
    return later(c.since, limit)


def later(ticks, ms):
    """``ticks`` plus ``ms``, wrapped; the sum itself might not be a small int on 32 bits."""
    left = _MASK - ticks
    return ticks + ms if ms <= left else ms - left - 1


def _ready(c):
    if c.blocked:
        return False  # it is the transport's turn
    return c.left or c.acks_to or c.subscriptions.todo or c.outbox.next(c.max_inflight) >= 0


def _left_up(c, now):
    left = -1
    if c.pinged:
        left = _sooner(left, c.ack_timeout_ms, now - c.pinged_at)
    if c.keepalive_ms and _may_ping(c):
        left = _sooner(left, c.keepalive_ms * 3 // 4, _quiet(c, now))
    if c.blocked:
        left = _sooner(left, c.ack_timeout_ms, now - c.blocked_at)
    if c.outbox.inflight:
        left = _sooner(left, c.ack_timeout_ms, now - c.outbox.when[c.outbox.head])
    if c.subscriptions.awaiting:
        left = _sooner(left, c.ack_timeout_ms, c.subscriptions.age(now))
    return left


def _sooner(left, limit, since):
    limit -= since & _MASK
    if limit < 0:
        limit = 0
    return limit if left < 0 or limit < left else left

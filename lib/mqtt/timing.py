"""When something is overdue, and when the next thing will be. ``now`` comes from step().

Ticks are 0..2^30-1 and wrap; every time kept is in the past, so the time since is one masked
difference. look() finds what is due next, ``client.due``, and in how many ms, ``client.lull``; a
step that comes before has nothing to check. Whatever begins to be waited for later is due no
sooner than ack_timeout_ms, which is therefore the longest lull; a new state sets it to 0.

Keep alive is measured on what we send [MQTT-3.1.2-23] and also on what we hear, since a half-open
link takes our bytes in silence: a PINGREQ goes out after three quarters of it, and without its
PINGRESP the connection ends. While that is awaited, what we send still counts.
"""

from mqtt._shim import const
from mqtt.events import end
from mqtt.outbox import next_entry
from mqtt.sending import put_bare, transmit

_MASK = const(0x3FFFFFFF)
_UP = const(3)
_CLOSING = const(4)
_CONNECT = const(2)
_GONE = const(6)
_CONNECT_TIMEOUT = const(-32)
_ACK_TIMEOUT = const(-33)
_PING_TIMEOUT = const(-34)
_SEND_TIMEOUT = const(-35)
_NEVER = const(0x20000000)
_NOTHING = const(0)
_PING = const(1)
_END = const(2)  # of what we ended ourselves
_LINGER = const(500)  # ms to let the broker close first, so that DISCONNECT is not lost to a RST


def check(c):
    """End a connection whose time is up; ping one that has been quiet."""
    if c.state == _CLOSING and not c.begun:
        _begin_closing(c)
        if not c.state:
            return
    if look(c) <= 0:
        if c.due == _PING:
            ping(c)
            c.lull = 0
        elif c.due != _SEND_TIMEOUT or _stuck(c):
            end(c, 0 if c.due == _END else c.due, 0)


def _stuck(c):
    # The step may be what is late: ask the transport once more.
    transmit(c)
    return c.blocked and c.blocked_at != c.now


def _begin_closing(c):
    # Never opened: no DISCONNECT, no wait.
    if not c.sending or (c.sending == _CONNECT and c.at == 0):
        end(c, 0, 0)
    else:
        c.begun = True
        c.since = c.now


def ping(c):
    """Have a PINGREQ sent."""
    if not c.pinged:
        c.pinged = True
        c.pinged_at = c.now
    put_bare(c, 0xC0)
    c.pings = c.pings + 1 & _MASK


def look(c):
    """Set c.due and c.lull. Returns in how many ms it is due, 0 or less: overdue."""
    c.looked = c.now
    c.lull = _NEVER
    c.due = _NOTHING
    if c.state == _UP:
        _look_up(c, c.outbox)
    elif c.state == _CLOSING:
        _sooner(c, _LINGER if c.sending == _GONE else c.ack_timeout_ms, c.since, _END)
    else:
        _sooner(c, c.connect_timeout_ms, c.since, _CONNECT_TIMEOUT)
    left = c.lull
    if left > c.ack_timeout_ms:
        c.lull = c.ack_timeout_ms
    return left


def _look_up(c, o):
    if c.pinged:
        _sooner(c, c.ack_timeout_ms, c.pinged_at, _PING_TIMEOUT)
    if c.blocked:
        _sooner(c, c.ack_timeout_ms, c.blocked_at, _SEND_TIMEOUT)
    if o.passed and o.when[o.head] >= 0:  # the oldest is the first one due
        _sooner(c, c.ack_timeout_ms, o.when[o.head], _ACK_TIMEOUT)
    if c.subscriptions.awaiting and not c.asked:
        _sooner(c, c.ack_timeout_ms, c.subscriptions.since, _ACK_TIMEOUT)
    if c.keepalive_ms and not (c.pinged and c.blocked):  # one at most waits to be written
        since = c.spoke
        if not c.pinged and (c.now - c.heard) & _MASK > (c.now - since) & _MASK:
            since = c.heard
        _sooner(c, c.keepalive_ms * 3 // 4, since, _PING)


def _sooner(c, limit, since, what):
    limit -= (c.now - since) & _MASK
    if limit < c.lull:
        c.lull = limit
        c.due = what


def stamp(c, o):
    """What was written between two steps counts from this one on."""
    c.spoke = c.now
    o.wrote = False
    k = o.passed  # what was written and kept between two steps are the last of these
    i = o.head + k - 1
    if i >= o.slots:
        i -= o.slots
    while k and o.when[i] < 0:
        o.when[i] = c.now
        i -= 1
        k -= 1


def deadline(c):
    """Ticks of the next thing that is due without the transport's doing, or -1."""
    if c.news:
        return c.now
    if not c.state:
        return -1
    if c.state != _UP:
        if not c.begun:
            return c.now
    elif c.outbox.wrote or c.outbox.lone or _ready(c, c.parser):
        return c.now
    left = look(c)
    if not c.due:
        return -1
    return later(c.now, left if left > 0 else 0)


def later(ticks, ms):
    """``ticks`` plus ``ms``, wrapped; the sum itself might not be a small int on 32 bits."""
    left = _MASK - ticks
    return ticks + ms if ms <= left else ms - left - 1


def _ready(c, p):
    if c.blocked:
        return False  # it is the transport's turn
    if c.left or c.acks_to or c.subscriptions.todo or (p.at < p.have):
        return True
    return next_entry(c.outbox, c.max_inflight) >= 0

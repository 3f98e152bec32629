"""What a PUBLISH from the broker does: its topic judged, its handlers called, its acknowledgement.

A topic that equals a declared filter is valid by that; others are read byte by byte. Functions
return 0, or the fault that ends the connection.
"""

from mqtt._shim import const
from mqtt.message import load
from mqtt.sending import put_ack
from mqtt.topics import matches, topic_ok

_MALFORMED = const(-21)


def publish(c, p, first):
    """A whole PUBLISH has come, or the last piece of one."""
    m = c.message
    if p.oversize:
        if _last_piece(c, p, m, first):
            return _MALFORMED
    elif first & 6 == 6 or load(m, p, first, p.end - p.start):
        return _MALFORMED
    if first & 4:
        return _publish_twice(c, p, m)
    # QoS 0 and 1: each PUBLISH is a message of its own, DUP or not [MQTT-4.3.2-2].
    if not p.oversize and _deliver(c, m, c.subscriptions):
        return _MALFORMED
    p.oversize = False
    if first & 2:
        put_ack(c, 0x40, m.packet_id)
    return 0


def _publish_twice(c, p, m):
    packet_id = m.packet_id
    known = c.held.has(packet_id, m.dup)
    if not known and not c.held.take(packet_id):
        c.withheld = c.withheld + 1 & 0x3FFFFFFF
        p.oversize = False
        return 0  # no PUBREC: the broker keeps the message; see held.py
    if not known and not p.oversize and _deliver(c, m, c.subscriptions):
        return _MALFORMED
    p.oversize = False
    put_ack(c, 0x50, packet_id)
    return 0


def _deliver(c, m, s):
    # A fault if the topic is ill-formed.
    m.judged = m.taken = False
    i = 0
    while i < s.used:
        n = s.exact[i]
        if n == m.topic_end - m.topic_start:
            if m.buf.startswith(s.filter[i], m.topic_start):
                m.judged = m.taken = True
                hand(c, s.handler[i])
        elif not n:
            if _ill(m):
                return _MALFORMED
            if matches(s.filter[i], m.buf, m.topic_start, m.topic_end):
                m.taken = True
                hand(c, s.handler[i])
        i += 1
    if m.taken:
        c.received = c.received + 1 & 0x3FFFFFFF
    elif _ill(m):
        return _MALFORMED
    else:
        c.unmatched = c.unmatched + 1 & 0x3FFFFFFF
    return 0


def _ill(m):
    if not m.judged:
        m.judged = topic_ok(m.buf, m.topic_start, m.topic_end)
    return not m.judged


def hand(c, handler):
    """Call a handler; an exception there is caught and counted."""
    try:
        handler(c.message)
    except Exception:
        c.handler_errors = c.handler_errors + 1 & 0x3FFFFFFF


def piece(c, p, m):
    """A piece of an oversize PUBLISH, not its last."""
    if p.offset:
        _take_piece(c, p, m)
        return 0
    m.judged = c.taken = False
    if load(m, p, p.first, p.length):
        return _MALFORMED
    m.headless = m.payload_start >= p.end
    if m.headless:  # of use is only the packet id, behind the topic
        m.packet_id = 0
        m.payload_start -= p.start
        _take_piece(c, p, m)
        return 0
    if _ill(m):
        return _MALFORMED
    # One that will get no PUBREC, or had it, must not be seen now.
    n = m.packet_id
    if not m.qos & 2 or not c.held.has(n, m.dup) and c.held.room(n) is not None:
        c.taken = c.subscriptions.choose(m)
        _hand_piece(c, m, c.subscriptions)
    return 0


def _take_piece(c, p, m):
    if not m.headless:
        m.buf = p.buf
        m.topic_start = m.topic_end = 0
        m.payload_start = p.start
        m.payload_end = p.end
        m.offset = p.offset - p.length + m.total
        _hand_piece(c, m, c.subscriptions)
    elif m.qos:
        for at in range(p.end - p.start):  # the id's two bytes may come apart
            if 0 < m.payload_start - p.offset - at < 3:
                m.packet_id = m.packet_id << 8 | p.buf[p.start + at]


def _last_piece(c, p, m, first):
    _take_piece(c, p, m)
    if m.headless and m.qos and not m.packet_id:
        return _MALFORMED
    if c.taken:
        c.received = c.received + 1 & 0x3FFFFFFF
    else:
        c.oversize = c.oversize + 1 & 0x3FFFFFFF
    return 0


def _hand_piece(c, m, s):
    i = 0
    while c.taken and i < s.size:
        if s.pieces[i] > 1:
            hand(c, s.handler[i])
        i += 1

"""What each packet from the broker does. Reads no more than the parser asks for.

The first packet must be CONNACK [MQTT-3.2.0-1]. A packet that is malformed, or may not come here,
ends the connection [MQTT-4.8.0-1]. Whatever is received is acknowledged, wanted or not
[MQTT-4.5.0-2], in the order of its arrival [MQTT-4.6.0-2], after its handlers have returned.
QoS 2 is not offered, so a broker has no cause to use it towards us.
"""

from mqtt import topics
from mqtt._shim import const
from mqtt.codec import get_u16
from mqtt.sending import ACKS, put_ack

_CONNECTING = const(2)
_UP = const(3)
_CLOSING = const(4)
_CONNECTED = const(1)
_ACKED = const(2)
_SUBACK = const(4)
_UNSUBACK = const(5)
_AGAIN = const(2)
_HELD_OR_ASKED = const(4)  # the subscription states 1..4: the filter is wanted
_REFUSED = const(-20)
_MALFORMED = const(-21)
_VIOLATION = const(-22)
_PEER_CLOSED = const(-30)
_TRANSPORT = const(-31)
_READS = const(32)  # the most reads of one step, so that a flood cannot hold it


def receive(c):
    """Read and act until nothing is there, or acks must leave first."""
    turns = _READS
    while turns and c.acks_to < ACKS - 6:  # room for one ack and one ping
        turns -= 1
        n = _read(c, c.parser)
        if n is None:
            return
        if n <= 0:
            c.end(_TRANSPORT if n else _PEER_CLOSED, n)
            return
        c.heard = c.now
        if c.state != _CLOSING:  # what comes after disconnect() is read past
            n = c.parser.feed(n)
            if n:
                _packet(c, n)
            if not c.state:
                return


def _read(c, parser):
    return c.transport.readinto(parser.into, parser.need)


def _fault(c, code):
    c.malformed = c.malformed + 1 & 0x3FFFFFFF
    c.end(code, 0)


def _packet(c, first):
    # ``first``: the packet's first byte, or MALFORMED.
    if first < 0:
        _fault(c, first)
    elif c.state == _CONNECTING:
        _connack(c, first, c.parser)
    elif first >> 4 == 3:
        _publish(c, first)
    elif first == 0x40:
        _puback(c, c.parser)
    elif first == 0x90:
        _suback(c, c.parser)
    elif first == 0xB0:
        _unsuback(c, c.parser)
    elif first == 0xD0 and not c.parser.length:
        c.pinged = False
    else:
        _fault(c, _VIOLATION)


def _connack(c, first, parser):
    if first != 0x20:
        return _fault(c, _VIOLATION)
    if parser.length != 2 or parser.buf[0] > 1:
        return _fault(c, _MALFORMED)
    if parser.buf[1]:
        return c.end(_REFUSED, parser.buf[1])
    rewind(c, parser.buf[0] and not c.clean)
    c.state = _UP
    c.connects = c.connects + 1 & 0x3FFFFFFF
    c.emit(_CONNECTED, parser.buf[0], 0)


def rewind(c, resume):
    """What the session becomes on a new connection [MQTT-3.1.2-4, -6, 4.4.0-1].

    Session present: unacknowledged PUBLISHes go out again, same id, DUP 1. None: they go out as
    new ones, fresh ids, DUP 0; all subscriptions are asked for. Original order in both cases.
    """
    outbox = c.outbox
    outbox.redeliver(resume)
    c.subscriptions.rewind(resume)
    if not resume:
        i = outbox.head
        for _ in range(outbox.count):
            if outbox.state[i] == _AGAIN and outbox.ids[i]:
                outbox.renumber(i, c.take_id())
            i = (i + 1) % outbox.slots


def _puback(c, parser):
    if parser.length != 2:
        return _fault(c, _MALFORMED)
    i = c.outbox.find(get_u16(parser.buf, 0))
    if i < 0:
        c.stray = c.stray + 1 & 0x3FFFFFFF
    else:
        _publish_acked(c, i, c.outbox.handle[i])


def _publish_acked(c, i, handle):
    c.outbox.acked(i)
    c.acked = c.acked + 1 & 0x3FFFFFFF
    c.emit(_ACKED, handle, 1)


def _suback(c, parser):
    if parser.length != 3:
        return _fault(c, _MALFORMED)
    code = parser.buf[2]
    if code > 2 and code != 0x80:
        return _fault(c, _MALFORMED)  # [MQTT-3.9.3-2]
    _request_acked(c, c.subscriptions.acked(get_u16(parser.buf, 0), False, code), code)


def _unsuback(c, parser):
    if parser.length != 2:
        return _fault(c, _MALFORMED)
    _request_acked(c, c.subscriptions.acked(get_u16(parser.buf, 0), True, 0), -1)


def _request_acked(c, i, code):
    if i < 0:
        c.stray = c.stray + 1 & 0x3FFFFFFF
    elif code < 0:
        c.emit(_UNSUBACK, i + 1, 0)
    else:
        c.emit(_SUBACK, i + 1, code)


def _publish(c, first):
    if first & 4:
        return _fault(c, _VIOLATION)
    parser = c.parser
    if parser.oversize:
        c.oversize = c.oversize + 1 & 0x3FFFFFFF
        packet_id = parser.packet_id
    else:
        if c.message.load(first, parser.length):
            return _fault(c, _MALFORMED)
        packet_id = c.message.packet_id
        if not _deliver(c, c.message):
            return _fault(c, _MALFORMED)
    if packet_id:
        put_ack(c, 0x40, packet_id)


def _deliver(c, m):
    # False if the topic is ill-formed. One that equals a declared filter is valid by that.
    i = 0
    valid = taken = False
    while i < c.subscriptions.size:
        if _equals(c.subscriptions, m, i):
            valid = taken = True
            _hand(c, i)
        i += 1
    if not valid and not topics.topic_ok(m.buf, 2, m.topic_end):
        return False
    if _deliver_wild(c, m, 0) or taken:
        c.received = c.received + 1 & 0x3FFFFFFF
    else:
        c.unmatched = c.unmatched + 1 & 0x3FFFFFFF
    return True


def _equals(subs, m, i):
    flt = subs.filter[i]
    return (
        len(flt) == m.topic_end - 2
        and 0 < subs.state[i] <= _HELD_OR_ASKED
        and not subs.wild[i]
        and m.buf.startswith(flt, 2)
    )


def _deliver_wild(c, m, i):
    taken = False
    subs = c.subscriptions
    while i < subs.size:
        if subs.wild[i] and 0 < subs.state[i] <= _HELD_OR_ASKED:
            if topics.matches(subs.filter[i], m.buf, 2, m.topic_end):
                _hand(c, i)
                taken = True
        i += 1
    return taken


def _hand(c, i):
    try:
        c.subscriptions.handler[i](c.message)
    except Exception:
        c.handler_errors = c.handler_errors + 1 & 0x3FFFFFFF

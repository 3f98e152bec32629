"""What each packet from the broker does. Reads no more than the parser asks for.

The first packet must be CONNACK [MQTT-3.2.0-1]. A packet that is malformed, or may not come here,
ends the connection [MQTT-4.8.0-1]. Whatever is received is acknowledged, wanted or not
[MQTT-4.5.0-2], in the order of its arrival [MQTT-4.6.0-2, -3, -4], after its handlers have
returned. A QoS-2 message is delivered on its first PUBLISH; its id is then held until PUBREL, over
reconnects of a kept session too, and every PUBLISH under a held id gets a PUBREC and no more
[MQTT-4.3.3-2].
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
_RELEASE = const(5)
_AWAIT_PUBACK = const(3)
_AWAIT_PUBREC = const(4)
_AWAIT_PUBCOMP = const(6)
_REFUSED = const(-20)
_MALFORMED = const(-21)
_VIOLATION = const(-22)
_FULL = const(-10)
_UNCERTAIN = const(-23)
_PIECE = const(1)
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
    # ``first``: the packet's first byte, PIECE, or MALFORMED.
    if first < 0:
        _fault(c, first)
    elif first == _PIECE:
        _piece(c, c.parser, c.message)
    elif c.state == _CONNECTING:
        _connack(c, first, c.parser)
    elif first >> 4 == 3:
        _publish(c, first)
    elif 0x40 <= first < 0x80:
        _outbound_ack(c, first, c.parser)
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
        c.unheard -= 1
        return c.end(_REFUSED, parser.buf[1])
    c.state = _UP  # before the first event: a handler may end it
    rewind(c, parser.buf[0] and not c.clean)
    c.connects = c.connects + 1 & 0x3FFFFFFF
    c.emit(_CONNECTED, parser.buf[0], 0)


def rewind(c, resume):
    """What the session becomes on a new connection [MQTT-3.1.2-4, -6, 4.4.0-1].

    Session present: unacknowledged PUBLISHes go out again, same id, DUP 1, and PUBRELs. None:
    PUBLISHes go out as new ones, fresh ids, DUP 0; those that awaited PUBCOMP end as UNCERTAIN;
    inbound ids are forgotten; all subscriptions are asked for. Original order in both cases.
    A CONNACK that did not reach us may have said that there was none: session present then tells
    of a newer one, so that what it may lack is asked for, and inbound ids are doubtful.
    """
    c.subscriptions.rewind(resume and c.unheard < 2)
    i = c.outbox.head
    for _ in range(c.outbox.count):
        if not resume and c.outbox.state[i] == _RELEASE:
            c.uncertain = c.uncertain + 1 & 0x3FFFFFFF
            c.give_up(i, _UNCERTAIN)
        elif c.outbox.mark_again(i, resume) and not resume:
            c.outbox.renumber(i, c.take_id())
        i = (i + 1) % c.outbox.slots
    if not resume:
        c.held.clear()
    elif c.unheard > 1:
        c.held.doubt()
    c.unheard = 0


def _outbound_ack(c, first, parser):
    # PUBACK, PUBREC, PUBREL, PUBCOMP
    if parser.length != 2:
        return _fault(c, _MALFORMED)
    packet_id = get_u16(parser.buf, 0)
    if not packet_id:
        return _fault(c, _MALFORMED)
    if first == 0x62:
        put_ack(c, 0x70, packet_id)  # also for an id we do not know
        if c.held.drop(packet_id):
            c.end(_FULL, 0)  # now there is room for what was withheld
        return None
    i = c.outbox.find(packet_id)
    if i >= 0:
        _known_ack(c, first, i)
    elif first == 0x50:
        put_ack(c, 0x62, packet_id)  # lets the broker free an id we do not know
    else:
        c.stray = c.stray + 1 & 0x3FFFFFFF


def _known_ack(c, first, i):
    state = c.outbox.state[i]
    if first == 0x40 and state == _AWAIT_PUBACK:
        _publish_acked(c, i, 1)
    elif first == 0x70 and state == _AWAIT_PUBCOMP:
        _publish_acked(c, i, 2)
    elif first == 0x50 and state >= _AWAIT_PUBREC:
        c.no_qos2 = False
        c.outbox.received(i)
        put_ack(c, 0x62, c.outbox.ids[i])
    elif first == 0x40 and c.no_qos2 and c.outbox.tries[i]:
        # The second PUBACK to this QoS-2 PUBLISH: the broker does not do QoS 2 (RabbitMQ 3.10).
        c.give_up(i, _VIOLATION)
    else:
        c.no_qos2 = first == 0x40
        _fault(c, _VIOLATION)


def _publish_acked(c, i, qos):
    handle = c.outbox.handle[i]
    c.outbox.acked(i)
    c.acked = c.acked + 1 & 0x3FFFFFFF
    c.emit(_ACKED, handle, qos)


def _suback(c, parser):
    if parser.length != 3:
        return _fault(c, _MALFORMED)
    code = parser.buf[2]
    if code > 2 and code != 0x80:
        return _fault(c, _MALFORMED)  # [MQTT-3.9.3-2]
    _request_acked(c, c.subscriptions.acked(get_u16(parser.buf, 0), False, code), code)
    if c.held.settle() and c.state == _UP:
        c.end(_FULL, 0)


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
    parser = c.parser
    m = c.message
    if parser.oversize:
        if _last_piece(c, parser, m):
            return _fault(c, _MALFORMED)
    elif m.load(first, parser.length):
        return _fault(c, _MALFORMED)
    if first & 4:
        _publish_twice(c, m, m.packet_id)
    else:
        _publish_once(c, m, m.packet_id)


def _publish_once(c, m, packet_id):
    # QoS 0 and 1: each PUBLISH is a message of its own, DUP or not [MQTT-4.3.2-2].
    if not c.parser.oversize and not _deliver(c, m):
        _fault(c, _MALFORMED)
    elif packet_id:
        put_ack(c, 0x40, packet_id)


def _publish_twice(c, m, packet_id):
    if not c.held.has(packet_id, m.dup):
        if not c.held.take(packet_id):
            c.withheld = c.withheld + 1 & 0x3FFFFFFF
            return None  # no PUBREC: the broker keeps the message; see held.py
        if not c.parser.oversize and not _deliver(c, m):
            return _fault(c, _MALFORMED)
    put_ack(c, 0x50, packet_id)


def _piece(c, parser, m):
    if parser.offset:
        m.load_piece(parser.piece, parser.offset - parser.length + m.total)
        _hand_piece(c)
    elif c.state != _UP or m.load(parser.first, parser.length) or not _valid(c, m):
        _fault(c, _MALFORMED)
    else:
        m.payload_end = parser.piece
        # One that will get no PUBREC, or had it, must not be seen now.
        c.taken = not m.qos & 2 or not c.held.has(m.packet_id, m.dup) and c.held.room(m.packet_id)
        c.taken = c.taken and c.subscriptions.choose_takers(m)
        _hand_piece(c)


def _last_piece(c, parser, m):
    # 0, or MALFORMED. Leaves the id in the message; counts it.
    if parser.headless:
        m.packet_id = parser.packet_id
        c.taken = False
        if not m.packet_id and parser.first & 6:
            return _MALFORMED
    else:
        m.load_piece(parser.piece, parser.offset - parser.length + m.total)
        _hand_piece(c)
    if c.taken:
        c.received = c.received + 1 & 0x3FFFFFFF
    else:
        c.oversize = c.oversize + 1 & 0x3FFFFFFF
    return 0


def _hand_piece(c):
    if not c.taken:
        return
    i = 0
    while i < c.subscriptions.size:
        if c.subscriptions.taking[i]:
            _hand(c, i)
        i += 1


def _valid(c, m):
    # A topic that equals a declared filter is valid by that; others are read byte by byte.
    i = 0
    while i < c.subscriptions.size:
        if c.subscriptions.equals(i, m):
            return True
        i += 1
    return topics.topic_ok(m.buf, 2, m.topic_end)


def _deliver(c, m):
    # False if the topic is ill-formed.
    if not _valid(c, m):
        return False
    i = 0
    taken = False
    while i < c.subscriptions.size:
        if c.subscriptions.matches(i, m):
            taken = True
            _hand(c, i)
        i += 1
    if taken:
        c.received = c.received + 1 & 0x3FFFFFFF
    else:
        c.unmatched = c.unmatched + 1 & 0x3FFFFFFF
    return True


def _hand(c, i):
    try:
        c.subscriptions.handler[i](c.message)
    except Exception:
        c.handler_errors = c.handler_errors + 1 & 0x3FFFFFFF

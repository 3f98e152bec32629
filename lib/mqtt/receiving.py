"""What each packet from the broker does.

The first packet must be CONNACK [MQTT-3.2.0-1]; until it is here, no more is read than it has
bytes: a reset that follows a refusal at once would take with it what one read brings. Later a read
takes what there is, and what a reset then takes the broker sends again, or was QoS 0.

A packet that is malformed, or may not come here, ends the connection [MQTT-4.8.0-1]. Whatever is
received is acknowledged, wanted or not [MQTT-4.5.0-2], in the order of its arrival [MQTT-4.6.0-2,
-3, -4], after its handlers have returned. A QoS-2 message is delivered on its first PUBLISH; its id
is then held until PUBREL, over reconnects of a kept session too, and every PUBLISH under a held id
gets a PUBREC and no more [MQTT-4.3.3-2]. What a PUBLISH does is in delivery.py.
"""

from mqtt._shim import const
from mqtt.codec import FROM_SERVER
from mqtt.delivery import piece, publish
from mqtt.events import emit, end, give_up
from mqtt.ids import take_id
from mqtt.outbox import begun, find, mark_again, release
from mqtt.parser import next_packet
from mqtt.sending import put_ack

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
_STAGE = const(128)
_READS = const(31)  # the most reads of one step, with lone.py's 32; a flood cannot hold it


def receive(c):
    """Read and act until nothing is there, or acks must leave first."""
    p = c.parser
    turns = _READS
    while c.acks_to <= c.acks_full:
        if p.at < p.have:
            n = next_packet(p)
            if n:
                if c.state == _CLOSING:
                    p.reset()  # what comes after disconnect() is read past
                else:
                    _packet(c, p, n)
                    if not c.state:
                        return
        elif turns:
            turns -= 1
            n = _STAGE if c.state != _CONNECTING else _connack_left(p)
            n = c.transport.readinto(p.stage, n)
            if n is None:
                return
            if n <= 0:
                end(c, _TRANSPORT if n else _PEER_CLOSED, n)
                return
            c.heard = c.now
            p.at = 0
            p.have = n
        else:
            return


def _connack_left(p):
    return 4 - p.got if p.got < 4 else 1


def _packet(c, p, first):
    # ``first``: the packet's first byte, PIECE, or MALFORMED.
    if c.state == _CONNECTING:
        code = _connack(c, first, p) if first > _PIECE else _MALFORMED
    elif first >> 4 == 3:
        code = publish(c, p, first)
    elif first == 0x40:
        code = _puback(c, c.outbox, p)
    elif 0x40 <= first <= 0xB0:
        code = _ack(c, first, p)
    elif first == 0xD0 and p.start == p.end:
        c.pinged = False
        return
    elif first == _PIECE:
        code = piece(c, p, c.message)
    else:
        code = _VIOLATION if first > 0 and first in FROM_SERVER else _MALFORMED
    if code:
        c.malformed = c.malformed + 1 & 0x3FFFFFFF
        end(c, code, 0)


def _connack(c, first, p):
    if first != 0x20:
        return _VIOLATION
    present = p.buf[p.start]
    if p.end - p.start != 2 or present > 1:
        return _MALFORMED
    first = p.buf[p.start + 1]
    if first:
        c.unheard -= 1
        end(c, _REFUSED, first)
        return 0
    c.state = _UP  # before the first event: a handler may end it
    c.lull = 0
    rewind(c, c.outbox, present and not c.clean)
    c.connects = c.connects + 1 & 0x3FFFFFFF
    emit(c, _CONNECTED, present, 0)
    return 0


def rewind(c, o, resume):
    """What the session becomes on a new connection [MQTT-3.1.2-4, -6, 4.4.0-1].

    Session present: unacknowledged PUBLISHes go out again, same id, DUP 1, and PUBRELs. None:
    PUBLISHes go out as new ones, fresh ids, DUP 0; those that awaited PUBCOMP end as UNCERTAIN;
    inbound ids are forgotten; all subscriptions are asked for. Original order in both cases.
    A CONNACK that did not reach us may have said that there was none: session present then tells
    of a newer one, so that what it may lack is asked for, and inbound ids are doubtful.
    """
    i = (1 if c.unheard < 2 else 0) if resume else -1
    c.unheard = 0
    c.subscriptions.rewind(i > 0)
    c.held.resume(i)
    i = o.head
    left = o.count
    while left:
        left -= 1
        if o.state[i] == _RELEASE and not resume:
            c.uncertain = c.uncertain + 1 & 0x3FFFFFFF
            give_up(c, i, _UNCERTAIN)
        elif begun(o, i):
            mark_again(o, i, 0 if resume else take_id(c))
        i += 1
        if i == o.slots:
            i = 0


def _puback(c, o, p):
    # Mostly it is for the oldest.
    i = o.head
    at = p.start
    if p.end - at != 2 or o.ids[i] != p.buf[at] << 8 | p.buf[at + 1]:
        return _ack(c, 0x40, p)
    if not o.passed or o.state[i] != _AWAIT_PUBACK:
        return _ack(c, 0x40, p)
    return _acknowledged(c, o, i, 1)


def _ack(c, first, p):
    # All that acknowledges something of ours, and PUBREL. Returns a fault, or 0.
    at = p.start
    if p.end - at != (3 if first == 0x90 else 2) or first not in FROM_SERVER:
        return _MALFORMED
    at = p.buf[at] << 8 | p.buf[at + 1]  # the packet id
    if not at:
        return _MALFORMED
    if first == 0x90:
        return _suback(c, at, p.buf[p.end - 1])
    if first == 0xB0:
        return _requested(c, at, -1)
    if first == 0x62:
        return _pubrel(c, at)
    return _publish_ack(c, c.outbox, first, at)


def _pubrel(c, packet_id):
    put_ack(c, 0x70, packet_id)  # also for an id we do not know
    if c.held.drop(packet_id):
        end(c, _FULL, 0)  # now there is room for what was withheld
    return 0


def _publish_ack(c, o, first, packet_id):
    i = find(o, packet_id)
    if i >= 0:
        return _known_ack(c, o, first, i)
    if first == 0x50:
        put_ack(c, 0x62, packet_id)  # lets the broker free an id we do not know
    else:
        c.stray = c.stray + 1 & 0x3FFFFFFF
    return 0


def _known_ack(c, o, first, i):
    state = o.state[i]
    if first == 0x40 and state == _AWAIT_PUBACK:
        return _acknowledged(c, o, i, 1)
    if first == 0x70 and state == _AWAIT_PUBCOMP:
        return _acknowledged(c, o, i, 2)
    if first == 0x50 and state >= _AWAIT_PUBREC:
        c.no_qos2 = False
        o.state[i] = _AWAIT_PUBCOMP
        put_ack(c, 0x62, o.ids[i])
    elif first == 0x40 and c.no_qos2 and o.tries[i]:
        # The second PUBACK to this QoS-2 PUBLISH: the broker does not do QoS 2 (RabbitMQ 3.10).
        give_up(c, i, _VIOLATION)
    else:
        c.no_qos2 = first == 0x40
        return _VIOLATION
    return 0


def _acknowledged(c, o, i, qos):
    handle = o.handle[i]
    o.inflight -= 1
    release(o, i)
    c.acked = c.acked + 1 & 0x3FFFFFFF
    if c.on_event:
        emit(c, _ACKED, handle, qos)
    return 0


def _suback(c, packet_id, code):
    if code > 2 and code != 0x80:
        return _MALFORMED  # [MQTT-3.9.3-2]
    _requested(c, packet_id, code)
    if c.held.settle() and c.state == _UP:
        end(c, _FULL, 0)
    return 0


def _requested(c, packet_id, code):
    # SUBACK with its code, or UNSUBACK: -1.
    i = c.subscriptions.acked(packet_id, code, c.now)
    if i < 0:
        c.stray = c.stray + 1 & 0x3FFFFFFF
    elif code < 0:
        emit(c, _UNSUBACK, i + 1, 0)
    else:
        emit(c, _SUBACK, i + 1, code)
    return 0

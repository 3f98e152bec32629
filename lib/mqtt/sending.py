"""What leaves the client, and in which order (the one place that decides it).

    1. the rest of a packet that is half sent
    2. CONNECT, on a new connection; until CONNACK nothing else
    3. acks and pings, which have room of their own
    4. SUBSCRIBE and UNSUBSCRIBE, so that commands arrive before old telemetry is through
    5. PUBLISH, or PUBREL where PUBREC came on an earlier connection, oldest first, as far as the
       in-flight window allows
    after disconnect(): 1 and 3, then DISCONNECT, then nothing [MQTT-3.14.4-2]

``client.sending`` says what source[at : at + left] is; one ``write`` a packet.
"""

from mqtt import codec
from mqtt._shim import const

ACKS = 64  # bytes of room for acks and pings

_SHUT = const(0)  # the transport is not open
_IDLE = const(1)
_CONNECT = const(2)
_ACKS = const(3)
_REQUEST = const(4)
_PUBLISH = const(5)
_PUBREL = const(6)
_DISCONNECT = const(7)
_GONE = const(8)  # DISCONNECT has left

_UP = const(3)
_CLOSING = const(4)
_RELEASE = const(5)
_ACKED = const(2)
_PEER_CLOSED = const(-30)
_TRANSPORT = const(-31)
_WRITES = const(32)  # the most writes of one step, so that events which publish cannot hold it


def begin(c):
    """The transport is open: CONNECT is the first packet, once [MQTT-3.1.0-1, -2]."""
    _source(c, _CONNECT, c.hello, 0, len(c.hello))


def put_ack(c, first, packet_id):
    """Have an acknowledgement sent; receiving.py leaves room for it."""
    codec.put_ack(c.acks, c.acks_to, first, packet_id)
    c.acks_to += 4


def put_ping(c):
    """Have a PINGREQ sent; receiving.py leaves room for it."""
    c.acks[c.acks_to] = 0xC0
    c.acks[c.acks_to + 1] = 0
    c.acks_to += 2
    c.pings = c.pings + 1 & 0x3FFFFFFF


def transmit(c):
    """Write until nothing is left or the transport takes no more."""
    turns = _WRITES
    while turns and (c.left or _choose(c)):
        turns -= 1
        n = c.transport.write(c.source, c.at, c.left)
        if n is None:
            _block(c)
            return
        if n <= 0:
            c.end(_TRANSPORT if n else _PEER_CLOSED, n)
            return
        c.spoke = c.now
        c.blocked = False
        c.at += n
        c.left -= n
        if c.left:
            _block(c)
            return
        _written(c)


def _source(c, kind, source, at, n):
    c.sending = kind
    c.source = source
    c.at = at
    c.left = n
    return True


def _choose(c):
    if c.acks_to:
        return _source(c, _ACKS, c.acks, c.acks_from, c.acks_to - c.acks_from)
    if c.state == _CLOSING:
        return _choose_last(c)
    if c.state != _UP:
        return False
    if c.subscriptions.todo:
        return _choose_request(c)
    c.entry = i = c.outbox.next(c.max_inflight)
    return i >= 0 and _choose_publish(c, c.outbox, i)


def _choose_publish(c, outbox, i):
    if outbox.state[i] == _RELEASE:
        put_ack(c, 0x62, outbox.ids[i])  # 4.4.0-1; the acks are all sent, or we were not here
        return _source(c, _PUBREL, c.acks, 0, 4)
    return _source(c, _PUBLISH, outbox.buf, outbox.at[i], outbox.size[i])


def _choose_request(c):
    c.entry = i = c.subscriptions.next()
    c.subscriptions.begin(i, c.take_id())
    packet = c.subscriptions.packet[i]
    return _source(c, _REQUEST, packet, 0, len(packet))


def _choose_last(c):
    if c.sending == _GONE:
        return False
    return _source(c, _DISCONNECT, codec.DISCONNECT, 0, 2)


def _block(c):
    # From the first refusal on, time runs: timing.py ends a connection that takes no byte.
    if not c.blocked:
        c.blocked = True
        c.blocked_at = c.now
    if c.sending == _PUBLISH:
        outbox = c.outbox
        if c.at == outbox.at[c.entry]:
            c.left = 0  # not one byte has left: it may still be replaced, and is chosen anew
        else:
            outbox.begin(c.entry)


def _written(c):
    kind = c.sending
    c.sending = _IDLE
    if kind == _PUBLISH:
        _publish_written(c, c.entry, c.outbox.handle[c.entry])
    elif kind == _ACKS:
        _acks_written(c)
    elif kind == _PUBREL:
        _acks_written(c)
        c.outbox.written(c.entry, c.now)
    elif kind == _REQUEST:
        c.subscriptions.when[c.entry] = c.now
    elif kind == _CONNECT:
        c.unheard += 1
    elif kind == _DISCONNECT:
        c.sending = _GONE
        c.since = c.now


def _acks_written(c):
    c.acks_from = c.at
    if c.at == c.acks_to:
        c.acks_from = c.acks_to = 0


def _publish_written(c, i, handle):
    if c.outbox.tries[i]:
        c.resent = c.resent + 1 & 0x3FFFFFFF
    else:
        c.sent = c.sent + 1 & 0x3FFFFFFF
    if c.outbox.written(i, c.now):
        c.acked = c.acked + 1 & 0x3FFFFFFF
        c.emit(_ACKED, handle, 0)

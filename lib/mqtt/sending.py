"""What leaves the client, and in which order (the one place that decides it).

    1. the rest of a packet that is half sent
    2. CONNECT, on a new connection; until CONNACK nothing else
    3. acks and pings, which have room of their own
    4. SUBSCRIBE and UNSUBSCRIBE, so that commands arrive before old telemetry is through
    5. PUBLISH, or PUBREL where PUBREC came on an earlier connection, oldest first, as far as the
       in-flight window allows
    after disconnect(): 1 and 3, then DISCONNECT, then nothing [MQTT-3.14.4-2]

All but CONNECT and PUBLISH goes through ``client.acks``. What stands there leaves in one write,
and so do PUBLISHes that lie side by side in the outbox. ``client.sending`` says what
source[at : at + left] is.
"""

from mqtt._shim import const
from mqtt.codec import put_request
from mqtt.events import emit, end
from mqtt.ids import take_id
from mqtt.outbox import next_entry, nth, written

ACKS = 64  # bytes of room for acks and pings; requests use it too, and enlarge it if need be
REQUEST = 9  # bytes of a request around its filter: fixed header 4, id 2, length 2, QoS 1

_IDLE = const(1)  # of client.sending; 0: the transport is not open
_CONNECT = const(2)
_ACKS = const(3)
_PUBLISH = const(4)
_DISCONNECT = const(5)
_GONE = const(6)  # and it has left

_UP = const(3)
_CLOSING = const(4)
_QUEUED = const(1)
_PARTIAL = const(2)
_RELEASE = const(5)
_ACKED = const(2)
_PEER_CLOSED = const(-30)
_TRANSPORT = const(-31)
_UNKNOWN = const(-1)  # when: not yet
_REQUEST = const(9)  # REQUEST
_WRITES = const(32)  # the most writes of one step, so that events which publish cannot hold it


def put_ack(c, first, packet_id):
    """Have PUBACK (0x40), PUBREC (0x50), PUBREL (0x62) or PUBCOMP (0x70) sent; receiving.py leaves
    room for it."""
    buf = c.acks
    at = c.acks_to
    buf[at] = first
    buf[at + 1] = 2
    buf[at + 2] = packet_id >> 8
    buf[at + 3] = packet_id & 255
    c.acks_to = at + 4


def put_bare(c, first):
    """Have PINGREQ (0xC0) or DISCONNECT (0xE0) sent; receiving.py leaves room for one."""
    c.acks[c.acks_to] = first
    c.acks[c.acks_to + 1] = 0
    c.acks_to += 2


def transmit(c):
    """Write until nothing is left or the transport takes no more. True: from now on a publish() may
    be written at once."""
    if not c.sending:
        return False
    turns = _WRITES
    # What is chosen is written at once: while it waits, it may be replaced, moved or given up.
    while turns and (c.left or _choose(c, c.outbox)):
        turns -= 1
        n = c.transport.write(c.source, c.at, c.left)
        if n is None:
            return _block(c)
        if n <= 0:
            return end(c, _TRANSPORT if n else _PEER_CLOSED, n)
        c.spoke = c.now
        if c.blocked:
            c.blocked = False
            c.lull = 0  # the next ping may be due sooner than anything was until now
        c.at += n
        c.left = n = c.left - n
        if c.sending == _PUBLISH:
            _publishes_written(c, c.outbox)
        elif not n:
            _written(c)
        if n:
            return _block(c)
    return turns and c.eager and c.state == _UP and c.outbox.passed == c.outbox.count


def _choose(c, o):
    # 0 if there is nothing to write now.
    if not c.acks_to:
        if c.state != _UP:
            return _disconnect(c) if c.state == _CLOSING else 0
        if c.subscriptions.todo:
            _put_requests(c, c.subscriptions)
        else:
            c.entry = i = next_entry(o, c.max_inflight)
            if i < 0:
                return 0
            if o.state[i] != _RELEASE:
                c.sending = _PUBLISH
                c.source = o.buf
                c.at = o.at[i]
                c.left = _run(o, i, c.max_inflight)
                return c.left
            _put_pubrels(c, o, i)
    c.sending = _ACKS
    c.source = c.acks
    c.at = c.acks_from
    c.left = c.acks_to - c.acks_from
    return c.left


def _disconnect(c):
    if c.sending == _GONE:
        return 0
    put_bare(c, 0xE0)
    c.sending = _DISCONNECT
    c.source = c.acks
    c.at = 0
    c.left = 2
    return 2


def _put_pubrels(c, o, i):
    # 4.4.0-1; as many in a row as have room
    while i >= 0 and o.state[i] == _RELEASE and c.acks_to < c.acks_full:
        put_ack(c, 0x62, o.ids[i])
        written(o, i, _UNKNOWN)
        i = next_entry(o, c.max_inflight)
    c.asked = True


def _put_requests(c, s):
    # As many as have room: one has, see Client.subscribe().
    i = s.next()
    while i >= 0 and c.acks_to + _REQUEST + len(s.filter[i]) <= len(c.acks):
        s.begin(i, take_id(c))
        c.acks_to = put_request(c.acks, c.acks_to, s.ids[i], s.filter[i], s.wanted(i))
        i = s.next()
    c.asked = True


def _run(o, i, window):
    # Bytes from entry i on that may leave together: what lies right behind it and may go too.
    end = o.at[i] + o.size[i]
    k = o.passed + 1
    window -= o.inflight + (o.ids[i] > 0)
    while k < o.count:
        j = nth(o, k)
        if o.at[j] != end or o.state[j] != _QUEUED:
            break
        if o.ids[j]:
            if not window:
                break
            window -= 1
        end += o.size[j]
        k += 1
    return end - o.at[i]


def _block(c):
    # From the first refusal on, time runs: timing.py ends a connection that takes no byte.
    if not c.blocked:
        c.blocked = True
        c.blocked_at = c.now
    choose_anew(c)


def choose_anew(c):
    """No more is written now: of the PUBLISHes that were to leave, only what has begun still is."""
    if c.sending == _PUBLISH and c.left:
        _cut(c, c.outbox, c.entry)


def _cut(c, o, i):
    # What has not left is chosen anew, but the rest of a packet that has left in part.
    if c.at == o.at[i]:
        c.left = 0  # it may still be replaced
    else:
        o.state[i] = _PARTIAL
        c.left = o.at[i] + o.size[i] - c.at


def _written(c):
    kind = c.sending
    c.sending = _IDLE
    if kind == _CONNECT:
        c.unheard += 1
        return
    c.acks_from = c.at
    if c.at == c.acks_to:
        c.acks_from = c.acks_to = 0
    if c.asked:
        _asked(c, c.outbox)
    if kind == _DISCONNECT:
        c.sending = _GONE
        c.since = c.now
        c.lull = 0


def _asked(c, o):
    # The time for the answers to requests, and to PUBRELs sent again, runs from their last byte.
    c.asked = False
    c.subscriptions.since = c.now
    for i in range(o.slots):
        if o.when[i] < 0:
            o.when[i] = c.now


def _publishes_written(c, o):
    # First mark each that has left: events may publish, and must not replace or move one of them.
    i = c.entry
    while o.at[i] + o.size[i] <= c.at:
        o.state[i] = _PARTIAL
        if not c.left and o.at[i] + o.size[i] == c.at:
            break
        i += 1
        if i == o.slots:
            i = 0
    c.entry = i
    if c.left:
        _cut(c, o, i)
    else:
        c.sending = _IDLE
    while o.passed < o.count:
        i = nth(o, o.passed)
        if o.state[i] != _PARTIAL or (c.left and i == c.entry):
            return
        publish_written(c, o, i)


def publish_written(c, o, i):
    """Entry ``i`` has left whole."""
    handle = o.handle[i]
    if o.tries[i]:
        c.resent = c.resent + 1 & 0x3FFFFFFF
    else:
        c.sent = c.sent + 1 & 0x3FFFFFFF
    if written(o, i, c.now):
        c.acked = c.acked + 1 & 0x3FFFFFFF
        emit(c, _ACKED, handle, 0)

"""The outbox: one preallocated arena of encoded PUBLISH packets, oldest first. No I/O, no clock.

A packet is encoded once, into its place, and sent from there as often as needed: sending again
sets DUP in place. Its state says what it waits for:

    FREE            no packet (or one that is done, until its neighbours let its place go)
    QUEUED          its turn to be sent; ``tries``: the connections of this session it was begun on
    PARTIAL         the rest of its bytes to be taken by the transport
    AWAIT_PUBACK    QoS 1, sent whole on this connection
    AWAIT_PUBREC    QoS 2, sent whole on this connection
    RELEASE         QoS 2, PUBREC came on an earlier connection: PUBREL's turn to be sent again
    AWAIT_PUBCOMP   QoS 2, PUBREL sent on this connection; the PUBLISH never goes out again

    QUEUED -> PARTIAL -> FREE                                       QoS 0
                      -> AWAIT_PUBACK -> FREE                       QoS 1
                      -> AWAIT_PUBREC -> AWAIT_PUBCOMP -> FREE      QoS 2
    connection lost: PARTIAL, AWAIT_PUBACK, AWAIT_PUBREC -> QUEUED; AWAIT_PUBCOMP -> RELEASE

Places form a ring in the arena, and entries a ring in the lists: both are given out at the tail
and come back from either end, so that QoS 0 passes freely behind an unacknowledged QoS 1. The
entries at both ends are never FREE. Everything here lives with the session; nothing dies with the
connection but the cursor. What makes room in a full outbox is in makeroom.py.

Functions, not methods: a call costs half as much.
"""

from mqtt._shim import const
from mqtt.codec import publish_id_at, put_id

_FREE = const(0)
_QUEUED = const(1)
_AWAIT_PUBACK = const(3)
_AWAIT_PUBREC = const(4)
_RELEASE = const(5)
_AWAIT_PUBCOMP = const(6)
_DUP = const(8)


class Outbox:
    """``size``: bytes of the arena; ``slots``: packets it can hold. Allocates here only."""

    def __init__(self, size, slots):
        self.buf = bytearray(size)
        self.slots = slots
        self.state = [_FREE] * slots
        self.ids = [0] * slots  # packet id; 0 at QoS 0 and where free
        self.handle = [0] * slots
        self.tries = [0] * slots  # connections it was begun on; -1: in a lost session only
        self.at = [0] * slots  # the packet is buf[at : at + size] ...
        self.size = [0] * slots
        self.end = [0] * slots  # ... and owns the arena up to here
        self.when = [0] * slots  # ticks of its last byte on this connection; -1: not yet known
        self.head = 0  # the oldest entry
        self.count = 0  # entries from head on, done ones between others included
        self.passed = 0  # of these, how many the sending cursor has passed on this connection
        self.tail = 0  # where the next place begins
        self.inflight = 0  # entries in AWAIT_...
        self.last = 0  # the handle given out last
        self.lone = 0  # packet id of one that is no entry yet (see lone.py), 0: there is none ...
        self.lone_size = 0  # ... and its bytes, from buf[0] on; its handle is ``last``
        self.wrote = False  # something kept was written since the last step


def nth(o, k):
    """Index of the k-th entry from the oldest."""
    k += o.head
    return k if k < o.slots else k - o.slots


def place(o, size):
    """Offset of ``size`` contiguous free bytes, or -1. Reserves nothing."""
    if o.lone:
        settle(o)
    if not o.count:
        return 0 if size <= len(o.buf) else -1
    if o.count == o.slots:
        return -1
    return room(o, o.tail, size)


def room(o, tail, size):
    """The same if the arena were free from ``tail`` on."""
    head = o.at[o.head]
    if tail > head:
        if len(o.buf) - tail >= size:
            return tail
        return 0 if head >= size else -1
    return tail if head - tail >= size else -1


def add(o, at, size, packet_id):
    """Queue the packet encoded at ``at``, a place just got; returns its index."""
    i = o.head + o.count
    if i >= o.slots:
        i -= o.slots
    o.count += 1
    o.at[i] = at
    o.size[i] = size
    o.end[i] = o.tail = at + size
    o.ids[i] = packet_id
    o.state[i] = _QUEUED
    o.tries[i] = 0
    o.when[i] = -1
    o.handle[i] = o.last = o.last % 0x3FFFFFFF + 1
    return i


def settle(o):
    """Make an entry of the one that is none yet: sent on this connection, not acknowledged."""
    handle = o.last
    i = add(o, 0, o.lone_size, o.lone)
    o.handle[i] = o.last = handle
    o.state[i] = _AWAIT_PUBACK
    o.passed = o.inflight = 1
    o.lone = 0
    o.wrote = True


def next_entry(o, window):
    """Index of the entry to send now, or -1. One above QoS 0 waits while ``window`` are in
    flight, and all behind it wait too: order is kept [MQTT-4.6.0-1]."""
    while o.passed < o.count:
        i = nth(o, o.passed)
        if o.state[i] != _FREE:
            return i if o.inflight < window or not o.ids[i] else -1
        o.passed += 1
    return -1


def written(o, i, now):
    """The last byte of entry ``i``, or its PUBREL, is on its way. True if it is done: QoS 0."""
    o.passed += 1
    if not o.ids[i]:
        release(o, i)
        return True
    if o.state[i] == _RELEASE:
        o.state[i] = _AWAIT_PUBCOMP
    elif o.buf[o.at[i]] & 4:
        o.state[i] = _AWAIT_PUBREC
    else:
        o.state[i] = _AWAIT_PUBACK
    o.when[i] = now
    o.inflight += 1
    return False


def find(o, packet_id):
    """Index of the entry sent on this connection under this id, its end not yet heard; or -1.
    Mostly the oldest."""
    i = o.head
    for _ in range(o.passed):
        if o.ids[i] == packet_id:
            return i
        i += 1
        if i == o.slots:
            i = 0
    return -1


def acked(o, i):
    """Entry ``i`` is acknowledged, or given up: its id and place are free again
    [MQTT-2.3.1-3]."""
    if _AWAIT_PUBACK <= o.state[i] != _RELEASE:
        o.inflight -= 1
    release(o, i)


def release(o, i):
    """Entry ``i`` is done. Places at both ends of the ring come back."""
    o.ids[i] = 0
    state = o.state
    state[i] = _FREE
    if i != o.head:
        return trim(o)
    n = o.count
    if n == 1:
        o.count = o.passed = o.tail = 0
        return None
    while n and state[i] == _FREE:
        n -= 1
        i += 1
        if i == o.slots:
            i = 0
        if o.passed:
            o.passed -= 1
    o.head = i
    o.count = n
    if not n:
        o.tail = 0
    return None


def trim(o):
    """Give back the places of done entries at the tail; the head is not done."""
    i = nth(o, o.count - 1)
    if o.state[i] != _FREE:
        return
    while o.state[i] == _FREE:
        i = (i or o.slots) - 1
        o.count -= 1
    o.tail = o.end[i]
    if o.passed > o.count:
        o.passed = o.count


def replaceable(o, handle):
    """Index of the entry with this handle if not one byte of it was ever sent, else -1."""
    i = o.head
    for _ in range(o.count):
        if o.handle[i] == handle:
            return i if o.state[i] == _QUEUED and not o.tries[i] else -1
        i = (i + 1) % o.slots
    return -1


def lost(o):
    """The connection is over: what was sent and not done waits to go out again."""
    if o.lone:
        settle(o)
    o.passed = 0
    o.inflight = 0
    o.wrote = False
    for i in range(o.slots):
        if o.state[i] == _AWAIT_PUBCOMP:
            o.state[i] = _RELEASE
        elif o.state[i] > _QUEUED and o.state[i] != _RELEASE:
            o.state[i] = _QUEUED
            o.tries[i] = o.tries[i] + 1 if o.tries[i] > 0 else 1


def mark_again(o, i, packet_id):
    """On a new connection, if entry ``i`` was begun on an older one: DUP set [MQTT-3.3.1-1], or,
    with a ``packet_id``, a new message: that id, DUP clear [MQTT-3.3.1-2]. QoS 0 is left alone."""
    at = o.at[i]
    if packet_id:
        o.tries[i] = -1
        o.buf[at] &= ~_DUP & 0xFF
        o.ids[i] = packet_id
        put_id(o.buf, publish_id_at(o.buf, at), packet_id)
    elif o.tries[i] > 0:
        o.buf[at] |= _DUP


def begun(o, i):
    """True if entry ``i``, above QoS 0, was begun before and is to be sent."""
    return o.tries[i] and o.state[i] == _QUEUED and o.ids[i]


def live(o):
    """Packets held: queued, half sent, or awaiting an acknowledgement."""
    n = 0
    for s in o.state:
        if s:
            n += 1
    return n

"""How a publish gets out: into the outbox, to the transport, or one after the other.

If nothing waits before it, a packet is handed to the transport at once (``client.eager``). What the
transport does not take whole, and whatever has to be acknowledged, is kept in the outbox.

``client.clear`` says what may be done between two steps: 0, everything waits for the next one;
CLEAR, nothing waits to be written; FREE, and the outbox is empty and no packet has come in part.
"""

from mqtt._shim import const
from mqtt.codec import head_size, put_head
from mqtt.ids import take_id
from mqtt.outbox import add, place
from mqtt.topics import topic_ok

_FULL = const(-10)
_TOO_LARGE = const(-11)
_PUBLISH = const(4)
_PARTIAL = const(2)
_AWAIT_PUBACK = const(3)
_AWAIT_PUBREC = const(4)
_CLEAR = const(1)
_FREE = const(2)

# Found faster here than among the builtins.
_bytes = bytes
_int = int
_len = len


def make_place(c, size):
    """A place in the client's outbox, or -1; with drop_oldest, made by giving up what is unsent."""
    at = place(c.outbox, size)
    return at if at >= 0 or not c.make_room else c.make_room(c, size)


def may_go(c, o, packet_id):
    """May a packet leave at once while others are in flight? The window is kept, and so is the
    range of handles that sent() makes."""
    if not c.clear or (packet_id and o.inflight >= c.max_inflight):
        return False
    return packet_id or not c.done_first or o.last == c.done_last


def sent(c):
    """A PUBLISH of QoS 0 has left at once, whole. The next step counts it and tells ACKED: its
    handle joins the range of those that wait for that. Returns the handle."""
    c.outbox.last = c.done_last = handle = c.outbox.last % 0x3FFFFFFF + 1
    if not c.done_first:
        c.done_first = handle
        c.news = True
    return handle


def keep(c, size, n):
    """Keep the packet of ``size`` bytes at c.begin in the outbox, after ``n`` bytes of it, or
    None, have left. Returns its handle."""
    o = c.outbox
    i = add(o, c.begin, size, c.packet_id)
    if n == size:
        o.passed += 1
        o.inflight += 1
        o.state[i] = _AWAIT_PUBREC if o.buf[c.begin] & 4 else _AWAIT_PUBACK
        c.sent = c.sent + 1 & 0x3FFFFFFF
        o.wrote = True
        c.clear = _CLEAR
        return o.last
    c.clear = 0
    if n and n > 0:
        o.wrote = True
        c.source = o.buf
        c.at = c.begin + n
        c.left = size - n
        c.sending = _PUBLISH
        c.entry = i
        o.state[i] = _PARTIAL
    return o.last


def direct(c, o, buf, small):
    """Each send(payload) publishes: the first byte c.first, c.topic, c.length bytes of ``payload``.
    It gives the handle, or a code. ``buf``: the outbox's; ``small``: the most bytes behind the
    fixed header of a packet that has the shortest one and surely room.

    A generator for its frame, which is made once: all that is needed stays at hand in it, and
    ``except`` costs nothing.
    """
    # What a local holds is found fastest.
    length_of = len
    take = take_id
    begin = size = ident = 0
    payload = None
    # Ctrl-C may come at any jump. CPython 3.11 looks for who catches it one place before where the
    # jump goes: no loop is the first thing in its ``try``.
    try:
        kept = True  # or ``size`` bytes at ``begin`` are to be kept, of which ``done`` have left
        while True:
            try:
                done = None
                while True:
                    if not kept:
                        kept = True
                        c.begin = begin
                        c.packet_id = ident
                        done = keep(c, size, done)
                    payload = None  # nor is it kept alive by this
                    payload = yield done
                    topic = c.topic
                    first = c.first
                    n = c.length
                    size = length_of(topic)
                    at = n + size + (4 if first & 6 else 2)
                    free = c.clear == _FREE
                    if free and at <= small:
                        begin = 0
                        buf[0] = first
                        buf[1] = at
                        at = 2
                    else:
                        at = _put_head(c, buf, at)
                        if at < 0:
                            done = at
                            continue
                        begin = c.begin
                    buf[at] = size >> 8
                    buf[at + 1] = size & 255
                    at += 2
                    buf[at : at + size] = topic
                    at += size
                    ident = 0
                    if first & 6:
                        ident = take(c)
                        buf[at] = ident >> 8
                        buf[at + 1] = ident & 255
                        at += 2
                    if n == length_of(payload):
                        buf[at : at + n] = payload
                    else:
                        _copy(buf, at, payload, n)
                    size = at + n - begin
                    kept = False
                    done = None
                    if free or may_go(c, o, ident):
                        done = c.transport.write(buf, begin, size)
                        if done != size:
                            continue
                        if not ident:
                            kept = True
                            done = sent(c)
                        elif free and not first & 4:
                            kept = True
                            # It is alone: see lone.py.
                            o.lone = ident
                            o.lone_size = size
                            o.last = done = o.last % 0x3FFFFFFF + 1
                            c.sent = c.sent + 1 & 0x3FFFFFFF
                            c.clear = _CLEAR
            except OSError:
                c.broken = True  # the next step ends the connection
    except BaseException as error:
        if payload is not None or error.__class__ is not GeneratorExit:
            del c.direct  # for Client.direct(); else CPython gives the client back
        raise


def _put_head(c, buf, n):
    size = n + head_size(n)
    at = make_place(c, size)
    if at < 0:
        return c.refuse(_TOO_LARGE if size > _len(buf) else _FULL)
    c.begin = at
    return put_head(buf, at, c.first, n)


def _copy(buf, at, payload, n):
    # A part goes byte by byte: a slice would allocate.
    for i in range(n):
        buf[at + i] = payload[i]


def valid_topic(c, topic):
    """Make it the client's topic, if it is one."""
    # Few topics are published by turns: those found valid last are known again.
    if topic.__class__ is not _bytes:
        return False
    if topic not in c.topics:
        if not topic_ok(topic, 0, _len(topic)):
            return False
        c.topics[c.topic_at] = topic
        c.topic_at = (c.topic_at + 1) % _len(c.topics)
    c.topic = topic
    return True


def payload_length(payload, length):
    """Bytes to take of ``payload``, or -1 if it is no buffer of bytes or has not ``length``."""
    kind = payload.__class__
    if kind is not _bytes and kind is not bytearray and kind is not memoryview:
        return -1
    if getattr(payload, "itemsize", 1) != 1:
        return -1  # a memoryview of wider items: its length is not in bytes
    if length is None:
        return _len(payload)
    return length if isinstance(length, int) and 0 <= length <= _len(payload) else -1

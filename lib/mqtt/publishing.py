"""How a publish gets out: into the outbox, to the transport, or one after the other.

If nothing waits before it, a packet is handed to the transport at once (``client.eager``). What the
transport does not take whole, and whatever has to be acknowledged, is kept in the outbox.

``client.clear`` says what may be done between two steps: 0, everything waits for the next one;
CLEAR, nothing waits to be written; FREE, and the outbox is empty and no packet has come in part.
"""

from mqtt._shim import const
from mqtt.codec import head_size, put_head
from mqtt.ids import take_id
from mqtt.lone import left_alone
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


def commit(c, size):
    """The packet at source[at : at + size], of which c.begin and c.packet_id tell the rest, may
    go: hand it to the transport, and keep what must be kept. Returns its handle."""
    try:
        c.at = c.transport.write(c.source, c.at, size)
    except OSError:
        c.broken = True  # the next step ends the connection
        c.at = None
    if c.at == size:
        if not c.packet_id:
            return sent(c)
        if c.clear == _FREE and not c.source[0] & 4:
            return left_alone(c, c.outbox, size, c.packet_id)
    return keep(c, size, c.at)


def may_go(c, o):
    """May a packet leave at once while others are in flight? The window is kept, and so is the
    range of handles that sent() makes."""
    if not c.clear or (c.packet_id and o.inflight >= c.max_inflight):
        return False
    return c.packet_id or not c.done_first or o.last == c.done_last


def sent(c):
    """A PUBLISH of QoS 0 has left at once, whole. The next step counts it and tells ACKED: its
    handle joins the range of those that wait for that. Returns the handle."""
    c.outbox.last = c.done_last = handle = c.outbox.last + 1 & 0x3FFFFFFF or 1
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
    fixed header of a packet that goes straight from its start.

    A generator for its frame, which is made once: all that a short packet needs stays at hand in
    it, and ``except`` costs nothing.
    """
    size = failed = ident = 0
    done = payload = None
    while True:
        try:
            if failed:
                failed = c.begin = 0
                c.packet_id = ident
                done = keep(c, size, None)
            while True:
                payload = None  # nor is it kept alive by this
                payload = yield done
                topic = c.topic
                n = _len(topic)
                at = c.length
                first = c.first
                size = at + n + (4 if first & 6 else 2)
                if size > small or c.clear != _FREE or first & 4:
                    done = encode(c, buf, payload, size)
                    continue
                # A short one, and nothing else is there.
                buf[0] = first
                buf[1] = size
                buf[2] = 0
                buf[3] = n
                buf[4 : 4 + n] = topic
                n += 4
                ident = 0
                if first & 6:
                    ident = take_id(c)
                    buf[n] = ident >> 8
                    buf[n + 1] = ident & 255
                    n += 2
                size += 2
                if at == _len(payload):
                    buf[n:size] = payload
                else:
                    _copy(buf, n, payload, at)
                n = c.transport.write(buf, 0, size)
                if n != size:
                    c.begin = 0
                    c.packet_id = ident
                    done = keep(c, size, n)
                elif ident:
                    done = left_alone(c, o, size, ident)
                else:
                    done = sent(c)
        # No calls here: what they raise would not be caught.
        except OSError:
            c.broken = failed = True  # the next step ends the connection
        except BaseException as error:
            if payload is not None or error.__class__ is not GeneratorExit:
                c.renew()  # else CPython gives the client back
            raise


def encode(c, buf, payload, n):
    """The same where others wait, for a long packet, and for QoS 2: it goes into the outbox's
    ``buf``, and out if it may. ``n``: bytes behind its fixed header."""
    at = _put_head(c, buf, n)
    if at < 0:
        return at
    n = _len(c.topic)
    buf[at] = n >> 8
    buf[at + 1] = n & 255
    at += 2
    buf[at : at + n] = c.topic
    at += n
    c.packet_id = 0
    if c.first & 6:
        c.packet_id = n = take_id(c)
        buf[at] = n >> 8
        buf[at + 1] = n & 255
        at += 2
    n = c.length
    if n == _len(payload):
        buf[at : at + n] = payload
    else:
        _copy(buf, at, payload, n)
    at += n
    if c.clear != _FREE and not may_go(c, c.outbox):
        return keep(c, at - c.begin, None)
    c.source = buf
    c.at = c.begin
    return commit(c, at - c.at)


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

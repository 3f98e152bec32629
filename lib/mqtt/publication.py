"""How a publish gets out: given whole (enqueue), or prepared once and sent often.

If nothing waits before it, a packet is handed to the transport at once (``client.eager``). What the
transport does not take whole, and whatever has to be acknowledged, is kept in the outbox.

The prepared one is what a sensor uses all day. Its buffer holds a whole packet: room for the
longest fixed header, the topic, the packet id, the payload. send() completes header and id; what
is kept is copied into the outbox in one slice assignment at C speed, so the buffer is free again
at once. The copy takes the whole buffer; the next packet overwrites what lies behind this one.
"""

from mqtt._shim import const
from mqtt.codec import head_size, put_head, put_id, put_text
from mqtt.ids import take_id
from mqtt.lone import left_alone, number
from mqtt.outbox import add, nth, place, replaceable
from mqtt.topics import topic_ok

_FULL = const(-10)
_TOO_LARGE = const(-11)
_PUBLISH = const(4)
_PARTIAL = const(2)
_AWAIT_PUBACK = const(3)
_AWAIT_PUBREC = const(4)
_CLEAR = const(1)  # of client.clear: connected, outside of a step, nothing waits to be written ...
_FREE = const(2)  # ... and the outbox is empty
_LONG = const(8)  # in place of the QoS flags: the fixed header may have more than two bytes

# Found faster here than among the builtins.
_bytes = bytes
_int = int
_len = len


class Publication:
    """Made by Client.prepare(). Write the payload at ``buf[start:]``, then ``send(n)``.

    ``max_payload`` bytes fit there. With ``replace``, the newest payload takes the place of this
    publication's own newest message when the outbox is full and no byte of that was sent.
    """

    def __init__(self, client, topic, max_payload, first, replace):
        self.client = client
        self._fixed = 2 + len(topic) + (2 if first & 6 else 0)
        self._head = head_size(self._fixed + max_payload)
        self.start = self._head + self._fixed
        self.buf = bytearray(self.start + max_payload)
        self.max_payload = max_payload
        self._first = first
        put_text(self.buf, self._head, topic)
        # A shorter payload may need a shorter header: one view for each length of it.
        self._views = [memoryview(self.buf)] * 6
        for n in range(2, self._head + 1):
            self._views[n] = memoryview(self.buf)[self._head - n :]
        self._replace = replace
        self._handle = 0  # of the newest message
        self.buf[0] = first
        # 0 and 2, short ones of QoS 0 and 1, can go straight from here: see send().
        self._way = first & 6 if self._head == 2 else _LONG

    def send(self, n):
        """Publish the ``n`` payload bytes at buf[start:]. Returns a handle > 0, or FULL, TOO_LARGE
        (n outside 0..max_payload). With ``replace`` the handle may be that of the message whose
        place was taken. Calls nobody back; allocates nothing."""
        if self.client.clear != _FREE or self._way > 2:
            return self._keep(self.client, n)
        if n.__class__ is not _int or not 0 <= n <= self.max_payload:
            return self.client.refuse(_TOO_LARGE)
        # A short one, and nothing else is there: straight from this buffer.
        n += self._fixed
        self.buf[1] = n
        n += 2
        if self._way:
            number(self.client, self.buf, self.start - 2)
        # One more local variable, and the frame came from the heap.
        try:
            self.client.at = self.client.transport.write(self.buf, 0, n)
        except OSError:
            self.client.broken = True  # the next step ends the connection
            self.client.at = None
        if self.client.at != n:
            return self._rest(self.client, self.client.outbox, n)
        return left_alone(self.client, self.client.outbox, n) if self._way else sent(self.client)

    def _rest(self, c, o, n):
        c.begin = 0
        if not self._way:
            c.packet_id = 0
            o.buf[0 : _len(self.buf)] = self.buf
        n = keep(c, n, c.at)
        return self._kept(o, 0, n)

    def _keep(self, c, n):
        if n.__class__ is not _int or not 0 <= n <= self.max_payload:
            return c.refuse(_TOO_LARGE)
        n += self._fixed
        c.begin = at = make_place(c, _len(self.buf)) if c.clear != _FREE else 0
        if at < 0:
            return self._overwrite(c, c.outbox, n)
        c.packet_id = 0
        if self._first & 6:
            c.packet_id = take_id(c)
            put_id(self.buf, self.start - 2, c.packet_id)
        n = self._put(c.outbox, at, n)
        if c.clear != _FREE and not _may_go(c, c.outbox):
            n = keep(c, n, None)
        else:
            c.source = c.outbox.buf
            c.at = at
            n = commit(c, n)
        return self._kept(c.outbox, at, n)

    def _kept(self, o, at, handle):
        # A replaceable one keeps its whole place: the payload that takes it may be longer.
        if self._replace:
            self._handle = handle
            n = nth(o, o.count - 1)
            if o.count and o.handle[n] == handle:
                o.end[n] = o.tail = at + _len(self.buf)
        return handle

    def _overwrite(self, c, o, n):
        i = replaceable(o, self._handle) if self._replace and self._handle else -1
        if i < 0:
            return c.refuse(_FULL)
        if self._first & 6:
            put_id(self.buf, self.start - 2, o.ids[i])
        o.size[i] = self._put(o, o.at[i], n)
        c.replaced = c.replaced + 1 & 0x3FFFFFFF
        return self._handle

    def _put(self, o, at, n):
        # Complete the packet and copy it to its place; returns its size.
        if self._head == 2:
            self.buf[1] = n
            o.buf[at : at + _len(self.buf)] = self.buf
            return n + 2
        head = head_size(n)
        put_head(self.buf, self._head - head, self._first, n)
        n += head
        head = self._views[head]
        o.buf[at : at + _len(head)] = head
        return n


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
            return left_alone(c, c.outbox, size)
    return keep(c, size, c.at)


def _may_go(c, o):
    # Others are in flight: the window is kept, and so is the range of handles that sent() makes.
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
        c.wrote = True
        c.clear = _CLEAR
        return o.last
    c.clear = 0
    if n and n > 0:
        c.wrote = True
        c.source = o.buf
        c.at = c.begin + n
        c.left = size - n
        c.sending = _PUBLISH
        c.entry = i
        o.state[i] = _PARTIAL
    return o.last


def encode(c, buf, payload, n):
    """The PUBLISH with c.first, c.topic and c.length bytes of ``payload``, ``n`` bytes behind its
    fixed header, goes into the outbox's ``buf`` and out. Returns its handle, or a code."""
    if n <= c.small and c.clear == _FREE:
        c.begin = 0
        buf[0] = c.first
        buf[1] = n
        at = 2
    else:
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
    if c.clear != _FREE and not _may_go(c, c.outbox):
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

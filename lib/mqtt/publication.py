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
from mqtt.outbox import add, next_handle, nth, place, replaceable, written
from mqtt.topics import topic_ok

_BAD_TOPIC = const(-1)
_BAD_PAYLOAD = const(-3)
_FULL = const(-10)
_TOO_LARGE = const(-11)
_PUBLISH = const(4)
_PARTIAL = const(2)
_UNKNOWN = const(-1)  # when: the next step tells

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

    def send(self, n):
        """Publish the ``n`` payload bytes at buf[start:]. Returns a handle > 0, or FULL, TOO_LARGE
        (n outside 0..max_payload). With ``replace`` the handle may be that of the message whose
        place was taken. Calls nobody back; allocates nothing."""
        c = self.client
        if n.__class__ is not _int or not 0 <= n <= self.max_payload:
            return c.refuse(_TOO_LARGE)
        n += self._fixed
        if not c.clear or c.outbox.count or self._first & 6 or c.done_first:
            return self._keep(c, c.outbox, n)
        # QoS 0, and nothing else is there: straight from this buffer.
        at = self._head - (2 if n < 128 else head_size(n))
        put_head(self.buf, at, self._first, n)
        c.source = self.buf
        c.at = at
        c.left = self._head - at + n
        c.packet_id = 0
        at = push(c)
        if at == self._head - c.at + n:
            return sent(c, c.outbox)
        if not at or at < 0:  # nothing has left: it may be replaced
            c.clear = False
            return self._keep(c, c.outbox, n)
        c.outbox.buf[0 : _len(self.buf)] = self.buf
        return keep(c, c.outbox, c.at, self._head - c.at + n, at)

    def _keep(self, c, o, n):
        at = make_place(c, _len(self.buf))
        if at < 0:
            return self._overwrite(c, o, n)
        c.packet_id = 0
        if self._first & 6:
            c.packet_id = take_id(c)
            put_id(self.buf, self.start - 2, c.packet_id)
        n = self._put(at, n)
        self._handle = commit(c, o, at, n)
        if self._replace:
            self._own(o, at)
        return self._handle

    def _own(self, o, at):
        # A replaceable one keeps its whole place: the payload that takes it may be longer.
        n = nth(o, o.count - 1)
        if o.count and o.handle[n] == self._handle:
            o.end[n] = o.tail = at + _len(self.buf)

    def _overwrite(self, c, o, n):
        i = replaceable(o, self._handle) if self._replace and self._handle else -1
        if i < 0:
            return c.refuse(_FULL)
        if self._first & 6:
            put_id(self.buf, self.start - 2, o.ids[i])
        o.size[i] = self._put(o.at[i], n)
        c.replaced = c.replaced + 1 & 0x3FFFFFFF
        return self._handle

    def _put(self, at, n):
        # Complete the packet and copy it to its place; returns its size.
        head = 2 if n < 128 else head_size(n)
        put_head(self.buf, self._head - head, self._first, n)
        n += head
        head = self._views[head]
        self.client.outbox.buf[at : at + _len(head)] = head
        return n


def make_place(c, size):
    """A place in the client's outbox, or -1; with drop_oldest, made by giving up what is unsent."""
    at = place(c.outbox, size)
    if at < 0 and c.make_room:
        return c.make_room(c, size)
    return at


def commit(c, o, at, size):
    """The packet at o.buf[at : at + size] is complete, its id in c.packet_id: hand it to the
    transport if nothing waits, and keep what must be kept. Returns its handle."""
    if not c.clear or (c.packet_id and o.inflight >= c.max_inflight):
        return keep(c, o, at, size, None)
    if not c.packet_id and c.done_first and o.last != c.done_last:
        return keep(c, o, at, size, None)
    c.source = o.buf
    c.at = at
    c.left = size
    n = push(c)
    if n == size and not c.packet_id:
        return sent(c, o)
    return keep(c, o, at, size, n)


def push(c):
    """Have the transport take source[at : at + left]; as write() returns."""
    n = None
    try:
        n = c.transport.write(c.source, c.at, c.left)
    except OSError:
        c.broken = True  # the next step ends the connection
    c.left = 0
    return n


def sent(c, o):
    """A PUBLISH of QoS 0 has left at once, whole. ACKED is told by the next step: its handle joins
    the range of those that wait for that. Returns the handle."""
    c.wrote = True
    c.sent = c.sent + 1 & 0x3FFFFFFF
    c.acked = c.acked + 1 & 0x3FFFFFFF
    n = next_handle(o)
    if c.on_event:
        c.done_first = c.done_first or n
        c.done_last = n
        c.news = True
    return n


def keep(c, o, at, size, n):
    """Keep the packet in the outbox, after ``n`` bytes of it, or None, have left."""
    i = add(o, at, size, c.packet_id)
    if n == size:
        c.wrote = True
        c.sent = c.sent + 1 & 0x3FFFFFFF
        written(o, i, _UNKNOWN)
        return o.last
    c.clear = False
    if n and n > 0:
        c.wrote = True
        c.source = o.buf
        c.at = at + n
        c.left = size - n
        c.sending = _PUBLISH
        c.entry = i
        o.state[i] = _PARTIAL
    return o.last


def enqueue(c, topic, payload):
    """What Client.publish() does once c.first and c.length say how. Handle, or a code."""
    # bytes do not change: the very object that was valid still is.
    if topic is not c.topic and not _valid(c, topic):
        return c.refuse(_BAD_TOPIC)
    if c.length is not None or payload.__class__ is not _bytes:
        n = _payload_length(payload, c.length)
        if n < 0:
            return c.refuse(_BAD_PAYLOAD)
    else:
        n = _len(payload)
    c.length = n
    n += _len(topic) + (4 if c.first & 6 else 2)
    return _encode(c, c.outbox, payload, n)


def _encode(c, o, payload, n):
    size = n + (2 if n < 128 else head_size(n))
    at = make_place(c, size)
    if at < 0:
        return c.refuse(_TOO_LARGE if size > _len(o.buf) else _FULL)
    n = put_head(o.buf, at, c.first, n)
    n = put_text(o.buf, n, c.topic)
    c.packet_id = 0
    if c.first & 6:
        c.packet_id = take_id(c)
        put_id(o.buf, n, c.packet_id)
        n += 2
    if c.length == _len(payload):
        o.buf[n : at + size] = payload
    else:
        _copy(o.buf, n, payload, c.length)
    return commit(c, o, at, size)


def _copy(buf, at, payload, n):
    # A part goes byte by byte: a slice would allocate.
    for i in range(n):
        buf[at + i] = payload[i]


def _valid(c, topic):
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


def _payload_length(payload, length):
    """Bytes to take of ``payload``, or -1 if it is no buffer of bytes or has not ``length``."""
    kind = payload.__class__
    if kind is not _bytes and kind is not bytearray and kind is not memoryview:
        return -1
    if getattr(payload, "itemsize", 1) != 1:
        return -1  # a memoryview of wider items: its length is not in bytes
    if length is None:
        return _len(payload)
    return length if isinstance(length, int) and 0 <= length <= _len(payload) else -1

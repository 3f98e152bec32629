"""How a publish gets into the outbox: given whole (enqueue), or prepared once and sent often.

The prepared one is what a sensor uses all day. Its buffer holds a whole packet: room for the
longest fixed header, the topic, the packet id, the payload. send() completes header and id and
copies the packet into the outbox in one slice assignment at C speed, so the buffer is free again
at once. The copy takes the whole buffer; the next packet overwrites what lies behind this one.
"""

from mqtt._shim import const
from mqtt.codec import head_size, put_head, put_id, put_text
from mqtt.topics import topic_ok

_BAD_TOPIC = const(-1)
_BAD_PAYLOAD = const(-3)
_FULL = const(-10)
_TOO_LARGE = const(-11)


class Publication:
    """Made by Client.prepare(). Write the payload at ``buf[start:]``, then ``send(n)``.

    ``max_payload`` bytes fit there. With ``replace``, the newest payload takes the place of this
    publication's own newest message when the outbox is full and no byte of that was sent.
    """

    def __init__(self, client, topic, max_payload, first, replace):
        if not isinstance(max_payload, int) or max_payload < 0:
            raise ValueError("max_payload: %r; must be 0 or more bytes" % (max_payload,))
        self.client = client
        self._fixed = 2 + len(topic) + (2 if first & 6 else 0)
        self._head = head_size(self._fixed + max_payload)
        size = self._head + self._fixed + max_payload
        if size > len(client.outbox.buf):
            raise ValueError(
                "max_payload: %d; the packet of %d bytes never fits tx_size %d"
                % (max_payload, size, len(client.outbox.buf))
            )
        self.buf = bytearray(size)
        self.start = size - max_payload
        self.max_payload = max_payload
        self._first = first
        put_text(self.buf, self._head, topic)
        # A shorter payload may need a shorter header: one view for each length of it.
        self._views = [memoryview(self.buf)] * 6
        for n in range(2, self._head + 1):
            self._views[n] = memoryview(self.buf)[self._head - n :]
        self._replace = size if replace else 0
        self._handle = 0  # of the newest message

    def send(self, n):
        """Queue the ``n`` payload bytes at buf[start:]. Returns a handle > 0, or FULL, TOO_LARGE
        (n outside 0..max_payload). With ``replace`` the handle may be that of the message whose
        place was taken. Calls nobody back; allocates nothing."""
        if not isinstance(n, int) or not 0 <= n <= self.max_payload:
            return self.client.refuse(_TOO_LARGE)
        outbox = self.client.outbox
        at = place(self.client, len(self.buf))
        if at < 0:
            return self._overwrite(outbox, n)
        return self._add(outbox, at, self._fixed + n)

    def _add(self, outbox, at, remaining):
        packet_id = 0
        if self._first & 6:
            packet_id = self.client.take_id()
            put_id(self.buf, self.start - 2, packet_id)
        remaining = self._put(at, remaining)
        # A replaceable one keeps its whole place: the payload that takes it may be longer.
        self._handle = outbox.add(at, remaining, at + (self._replace or remaining), packet_id)
        return self._handle

    def _overwrite(self, outbox, n):
        i = outbox.replaceable(self._handle) if self._replace and self._handle else -1
        if i < 0:
            return self.client.refuse(_FULL)
        if self._first & 6:
            put_id(self.buf, self.start - 2, outbox.ids[i])
        outbox.size[i] = self._put(outbox.at[i], self._fixed + n)
        self.client.replaced = self.client.replaced + 1 & 0x3FFFFFFF
        return self._handle

    def _put(self, at, remaining):
        # Complete the packet in buf and copy it to its place; returns its size.
        head = head_size(remaining)
        put_head(self.buf, self._head - head, self._first, remaining)
        view = self._views[head]
        self.client.outbox.buf[at : at + len(view)] = view
        return head + remaining


def place(c, size):
    """A place in the client's outbox, or -1; with drop_oldest, made by giving up what is unsent.

    Those given up and not yet told are kept as a range of handles: another must be the next."""
    at = c.outbox.place(size)
    while at < 0 and c.drop_oldest:
        handle = c.dropped_last % 0x3FFFFFFF + 1 if c.dropped_first else 0
        handle = c.outbox.drop_oldest(size, handle)
        if not handle:
            break
        c.dropped = c.dropped + 1 & 0x3FFFFFFF
        c.dropped_first = c.dropped_first or handle
        c.dropped_last = handle
        at = c.outbox.place(size)
    return at


def enqueue(c, topic, payload):
    """What Client.publish() does once c.first and c.length say how. Handle, or a code."""
    # bytes do not change: the very object that was valid still is.
    if topic is not c.topic:
        if not isinstance(topic, bytes) or not topic_ok(topic, 0, len(topic)):
            return c.refuse(_BAD_TOPIC)
        c.topic = topic
    n = _payload_length(payload, c.length)
    if n < 0:
        return c.refuse(_BAD_PAYLOAD)
    c.length = n
    n += 2 + len(topic) + (2 if c.first & 6 else 0)
    return _encode(c, payload, n, n + head_size(n))


def _encode(c, payload, remaining, size):
    at = place(c, size)
    if at < 0:
        return c.refuse(_TOO_LARGE if size > len(c.outbox.buf) else _FULL)
    remaining = _encode_head(c, c.outbox.buf, at, remaining)
    _copy_payload(c.outbox.buf, remaining, payload, c.length)
    remaining = at + size
    return c.outbox.add(at, size, remaining, c.packet_id)


def _encode_head(c, buf, at, remaining):
    at = put_head(buf, at, c.first, remaining)
    at = put_text(buf, at, c.topic)
    c.packet_id = 0
    if c.first & 6:
        c.packet_id = c.take_id()
        at = put_id(buf, at, c.packet_id)
    return at


def _payload_length(payload, length):
    """Bytes to take of ``payload``, or -1 if it is no buffer of bytes or has not ``length``."""
    if not (
        isinstance(payload, bytes)
        or isinstance(payload, bytearray)
        or isinstance(payload, memoryview)
    ):
        return -1
    if getattr(payload, "itemsize", 1) != 1:
        return -1  # a memoryview of wider items: its length is not in bytes
    if length is None:
        return len(payload)
    return length if isinstance(length, int) and 0 <= length <= len(payload) else -1


def _copy_payload(buf, at, payload, n):
    """Copy the first ``n`` bytes of ``payload`` to buf[at:]. Allocates nothing: the whole goes at
    C speed, a part byte by byte."""
    if n == len(payload):
        buf[at : at + n] = payload
    else:
        for i in range(n):
            buf[at + i] = payload[i]

"""A publish prepared once and sent often: what a sensor does all day. And payload handling.

The publication's own buffer holds a whole packet: room for the longest fixed header, the topic,
the packet id, the payload. send() completes header and id and copies the packet into the outbox in
one slice assignment at C speed, so the buffer is free again at once. The copy takes the whole
buffer; what lies behind the packet is overwritten by the next one.
"""

from mqtt._shim import const
from mqtt.codec import head_size, put_head, put_id, put_text

_TOO_LARGE = const(-11)
_FULL = const(-10)


class Publication:
    """Made by Client.prepare(). Write the payload at ``buf[start:]``, then ``send(n)``.

    ``max_payload`` bytes fit there. With ``replace``, the newest payload takes the place of this
    publication's own newest message when the outbox is full and no byte of that was sent.
    """

    def __init__(self, client, topic, max_payload, first, replace):
        if not isinstance(max_payload, int) or max_payload < 0:
            raise ValueError("max_payload: %r; must be 0 or more bytes" % (max_payload,))
        self.client = client
        self._fixed = 2 + len(topic) + (first & 2)
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
        if not 0 <= n <= self.max_payload:
            return self.client.refuse(_TOO_LARGE)
        outbox = self.client.outbox
        at = outbox.place(len(self.buf))
        if at < 0:
            return self._overwrite(outbox, n)
        return self._add(outbox, at, self._fixed + n)

    def _add(self, outbox, at, remaining):
        packet_id = 0
        if self._first & 2:
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
        if self._first & 2:
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


def payload_length(payload, length):
    """Bytes to take of ``payload``, or -1 if it is no buffer of bytes or has not ``length``."""
    if not (
        isinstance(payload, bytes)
        or isinstance(payload, bytearray)
        or isinstance(payload, memoryview)
    ):
        return -1
    if length is None:
        return len(payload)
    return length if isinstance(length, int) and 0 <= length <= len(payload) else -1


def copy_payload(buf, at, payload, n):
    """Copy the first ``n`` bytes of ``payload`` to buf[at:]. Allocates nothing: the whole goes at
    C speed, a part byte by byte."""
    if n == len(payload):
        buf[at : at + n] = payload
    else:
        for i in range(n):
            buf[at + i] = payload[i]

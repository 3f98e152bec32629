"""From a byte stream to whole packets in one bounded buffer (MQTT 3.1.1, 2.2). No I/O, no clock.

The caller reads at most ``need`` bytes into ``into`` (from its start) and reports how many came
with ``feed(n)``. Never is more asked for than the packet at hand still needs, so a reset that
follows a packet at once cannot take the packet with it.

A packet is whole when feed() returns its first byte: its body is ``buf[0:length]``. A PUBLISH
larger than the buffer is read past: ``oversize`` is then True, ``length`` its full length and
``packet_id`` its id (0 at QoS 0), and the buffer holds nothing of use.
"""

from mqtt._shim import const
from mqtt.codec import FROM_SERVER

_MALFORMED = const(-21)
_HEAD = const(0)  # the first two bytes
_LENGTH = const(1)  # a further byte of the remaining length
_BODY = const(2)
_DRAIN = const(3)  # the body of a PUBLISH too large for the buffer
_STAGE = const(32)


class Parser:
    """``size``: bytes of the largest packet body that is kept. Allocates here only."""

    def __init__(self, size):
        self.buf = bytearray(size)
        self._head = bytearray(2)
        # The tail of a split body arrives here first: MicroPython's readinto has no offset.
        self._stage = bytearray(_STAGE)
        self.reset()

    def reset(self):
        """A new connection begins: forget any half packet."""
        self.first = 0
        self.length = 0
        self.oversize = False
        self.packet_id = 0
        self._got = 0
        self._shift = 0
        self._field = 0
        self._field_at = 0
        self._fields = 0
        self._next()

    def _next(self):
        self._state = _HEAD
        self._got = 0
        self.into = self._head
        self.need = 2

    def feed(self, n):
        """Take the ``n`` bytes just read. Returns 0 (more needed), the packet's first byte, or
        MALFORMED, after which only reset() helps. Allocates nothing."""
        s = self._state
        if s == _BODY:
            return self._feed_body(n)
        if s == _HEAD:
            return self._feed_head(n)
        if s == _LENGTH:
            return self._feed_length(self._head[0])
        return self._drain(n)

    def _feed_head(self, n):
        head = self._head
        if self._got:  # the second byte came alone
            return self._begin(self.first, head[0])
        if n == 2:
            return self._begin(head[0], head[1])
        self.first = head[0]
        self._got = 1
        self.need = 1
        return 0

    def _begin(self, first, b):
        if first >> 4 == 3:
            if first & 6 == 6:
                return _MALFORMED  # QoS 3 [MQTT-3.3.1-4]
        elif first not in FROM_SERVER:
            return _MALFORMED  # reserved type or flags [MQTT-2.2.2-2], or a server's own intake
        self.first = first
        self.length = b & 127
        self._shift = 7
        if b < 128:
            return self._begin_body()
        self._state = _LENGTH
        self.need = 1
        return 0

    def _feed_length(self, b):
        self.length |= (b & 127) << self._shift
        self._shift += 7
        if b < 128:
            return self._begin_body()
        return 0 if self._shift < 28 else _MALFORMED  # a fifth byte: section 2.2.3

    def _begin_body(self):
        n = self.length
        self._got = 0
        self.oversize = n > len(self.buf)
        if not n:
            return self._whole()
        self.into = self.buf
        if not self.oversize:
            self._state = _BODY
            self.need = n
            return 0
        if self.first >> 4 != 3:
            return _MALFORMED  # no other packet that answers ours is so long
        self._state = _DRAIN
        self._field = self._field_at = self.packet_id = 0
        self._fields = 4 if self.first & 6 else 2
        self.need = len(self.buf)
        return 0

    def _whole(self):
        self._next()
        return self.first

    def _feed_body(self, n):
        got = self._got
        if got:
            self._unstage(n)
        got += n
        if got == self.length:
            return self._whole()
        self._got = got
        self.into = self._stage
        n = self.length - got
        self.need = n if n < _STAGE else _STAGE
        return 0

    def _unstage(self, n):
        buf = self.buf
        at = self._got
        for k in range(n):
            buf[at + k] = self._stage[k]

    def _drain(self, n):
        # Fields 0, 1: topic length; 2, 3: packet id. The topic itself may exceed the buffer.
        while self._field < self._fields and self._field_at < self._got + n:
            self._take_field(self.buf[self._field_at - self._got])
        self._got += n
        n = self.length - self._got
        if n:
            if n < self.need:
                self.need = n
            return 0
        if self._field < self._fields or self._field_at > self.length:
            return _MALFORMED
        if self._fields == 2:
            self.packet_id = 0
        elif not self.packet_id:
            return _MALFORMED  # [MQTT-2.3.1-1]
        return self._whole()

    def _take_field(self, b):
        self.packet_id = (self.packet_id << 8 | b) & 0xFFFF
        self._field += 1
        self._field_at += 1
        if self._field == 2:  # what stands there now is the topic's length: go past it
            self._field_at += self.packet_id

"""From a byte stream to whole packets in one bounded buffer (MQTT 3.1.1, 2.2). No I/O, no clock.

The caller reads at most ``need`` bytes into ``into`` (from its start) and reports how many came
with ``feed(n)``. Never is more asked for than the packet at hand still needs, so a reset that
follows a packet at once cannot take the packet with it.

A packet is whole when feed() returns its first byte: its body is ``buf[0:length]``. A PUBLISH
larger than the buffer comes in pieces: feed() returns PIECE for each but the last and the first
byte for that; ``oversize`` is then True, ``buf[0:piece]`` the piece, ``offset`` the bytes of the
body before it. The first piece fills the buffer. If not even its topic fits there, only
``packet_id``, read past the topic, is of use at the end (``headless`` is True).
"""

from mqtt._shim import const
from mqtt.codec import FROM_SERVER

_MALFORMED = const(-21)
_PIECE_CAME = const(1)
_HEAD = const(0)  # the first two bytes
_LENGTH = const(1)  # a further byte of the remaining length
_BODY = const(2)
_PIECES = const(3)  # the body of a PUBLISH too large for the buffer, behind its first piece
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
        self.headless = False
        self.piece = 0
        self.offset = 0
        self.packet_id = 0  # of a headless PUBLISH
        self._id_at = 0
        self._shift = 0
        self._next()

    def _next(self):
        self._state = _HEAD
        self._got = 0
        self.into = self._head
        self.need = 2

    def feed(self, n):
        """Take the ``n`` bytes just read. Returns 0 (more needed), the packet's first byte,
        PIECE (1), or MALFORMED, after which only reset() helps. Allocates nothing."""
        s = self._state
        if s == _BODY:
            return self._feed_body(n)
        if s == _HEAD:
            return self._feed_head(n)
        if s == _LENGTH:
            return self._feed_length(self._head[0])
        return self._feed_piece(n)

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
        self.oversize = self.headless = False
        if not n:
            return self._whole()
        self._got = 0
        self._state = _BODY
        self.into = self.buf
        self.need = n
        if n > len(self.buf):
            if self.first >> 4 != 3:
                return _MALFORMED  # no other packet that answers ours is so long
            self.oversize = True
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
        n = (len(self.buf) if self.oversize else self.length) - got
        if not n:
            return self._begin_pieces() if self.oversize else self._whole()
        self._got = got
        self.into = self._stage
        self.need = n if n < _STAGE else _STAGE
        return 0

    def _unstage(self, n):
        buf = self.buf
        at = self._got
        for k in range(n):
            buf[at + k] = self._stage[k]

    def _begin_pieces(self):
        # The buffer is full of the packet's beginning.
        self._state = _PIECES
        self.offset = 0
        self.piece = self._got = len(self.buf)
        self.into = self.buf
        self._need_piece()
        self.packet_id = 0
        self._id_at = 2 + (self.buf[0] << 8 | self.buf[1])
        n = self._id_at + (2 if self.first & 6 else 0)
        if n > self.length:
            return _MALFORMED
        self.headless = n > len(self.buf)
        if not self.headless:
            return _PIECE_CAME
        self._find_id()
        return 0

    def _need_piece(self):
        n = self.length - self._got
        self.need = n if n < len(self.buf) else len(self.buf)

    def _feed_piece(self, n):
        self.offset = self._got
        self.piece = n
        self._got += n
        if self.headless:
            self._find_id()
        if self._got == self.length:
            return self._whole()
        self._need_piece()
        return 0 if self.headless else _PIECE_CAME

    def _find_id(self):
        # Its two bytes, in this piece or split between two; at QoS 0 what stands there is not read.
        for at in range(self._id_at, self._id_at + 2):
            if self.first & 6 and self.offset <= at < self.offset + self.piece:
                self.packet_id = self.packet_id << 8 | self.buf[at - self.offset]

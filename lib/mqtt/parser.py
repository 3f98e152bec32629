"""From a byte stream to whole packets in bounded buffers (MQTT 3.1.1, 2.2). No I/O, no clock.

The caller reads into ``stage`` (from its start), says so with ``at = 0; have = n``, and calls
next_packet() until it returns 0. One read may bring many packets: one that lies whole in the stage
is used where it lies; one that does not is gathered in ``whole``, a stage at a time. A slice as
the source of a copy would allocate, so the whole stage is copied each time, a little too far to
the left (``whole`` has _STAGE spare bytes before) or to the right (and as many behind).

The body of the packet that came is ``buf[start:end]``. A PUBLISH whose body is longer than
``size`` comes in pieces: next_packet() returns PIECE for each but the last and the first byte for
that; ``oversize`` is then True, ``offset`` the bytes of the body before this piece, ``length`` of
the body in all. The first piece has ``size`` bytes or a few more.
"""

from mqtt._shim import const
from mqtt.codec import FROM_SERVER

STAGE = 128  # bytes asked for at once

_STAGE = const(128)
_MALFORMED = const(-21)
_PIECE_CAME = const(1)


class Parser:
    """``size``: bytes of the largest packet body that is kept whole. Allocates here only."""

    def __init__(self, size):
        self.size = size
        self.short = size if size < 128 else 127
        self.stage = bytearray(_STAGE)
        self.whole = bytearray(_STAGE + 5 + size + _STAGE)
        self.reset()

    def reset(self):
        """A new connection begins: forget what is not parsed, and any half packet."""
        self.at = self.have = 0  # stage[at:have] is still to be parsed
        self.got = 0  # bytes gathered of a packet that is not whole yet ...
        self.total = 0  # ... its size, 0 while unknown ...
        self.head = 0  # ... and that of its fixed header
        self.first = 0
        self.oversize = False
        self.offset = self.length = 0
        self.buf = self.stage
        self.start = self.end = 0


def next_packet(p):
    """Returns 0 (more must be read), a packet's first byte, PIECE (1), or MALFORMED, after which
    only reset() helps. Allocates nothing."""
    at = p.at
    n = p.have - at
    if n > 1 and not p.got:
        length = p.stage[at + 1]
        if length <= p.short and length <= n - 2:
            p.buf = p.stage
            p.start = at + 2
            p.end = p.at = at + 2 + length
            n = p.stage[at]
            return n if n > 15 else _MALFORMED  # reserved type 0
    return _gather(p, at, n) if n else 0


def _gather(p, at, n):
    # What the stage has of a packet that does not end in it, or began before it.
    if p.oversize:
        return _further_piece(p, at, n)
    p.at = p.have
    at = _STAGE + p.got - at
    p.whole[at : at + _STAGE] = p.stage
    p.got += n
    if not p.total:
        n = _measure(p, p.whole)
        if n:
            return n if n < 0 else 0
    large = p.total - p.head > p.size
    n = p.got - (p.head + p.size if large else p.total)
    if n < 0:
        return 0
    p.at = p.have - n
    if large:
        p.got -= n
        return _first_piece(p)
    return _come(p, p.whole, _STAGE + p.head, _STAGE + p.total)


def _come(p, buf, start, end):
    p.buf = buf
    p.start = start
    p.end = end
    p.got = p.total = 0
    return p.first


def _measure(p, buf):
    # Remaining length, section 2.2.3: 0 once it is known, 1 if it is not all here.
    p.first = first = buf[_STAGE]
    if first >> 4 == 3:
        if first & 6 == 6:
            return _MALFORMED  # QoS 3 [MQTT-3.3.1-4]
    elif first not in FROM_SERVER:
        return _MALFORMED  # reserved type or flags [MQTT-2.2.2-2], or a server's own intake
    n = 0
    at = 1
    while at < p.got:
        if at == 5:
            return _MALFORMED  # a fifth byte
        n |= (buf[_STAGE + at] & 127) << 7 * (at - 1)
        at += 1
        if buf[_STAGE + at - 1] < 128:
            p.head = at
            p.total = at + n
            # No other packet that answers ours is so long.
            return _MALFORMED if n > p.size and first >> 4 != 3 else 0
    return 1 if at < 5 else _MALFORMED


def _first_piece(p):
    p.oversize = True
    p.offset = 0
    p.length = p.total - p.head
    p.buf = p.whole
    p.start = _STAGE + p.head
    p.end = _STAGE + p.got
    return _PIECE_CAME


def _further_piece(p, at, n):
    p.offset = p.got - p.head
    if n > p.total - p.got:
        n = p.total - p.got
    p.at = at + n
    p.got += n
    if p.got == p.total:
        return _come(p, p.stage, at, at + n)
    p.buf = p.stage
    p.start = at
    p.end = at + n
    return _PIECE_CAME

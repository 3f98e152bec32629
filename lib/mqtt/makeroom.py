"""Room in a full outbox: the oldest message of which no byte was ever sent gives way.

For Client(drop_oldest=True); loaded only then. No I/O, no clock.
"""

from mqtt._shim import const
from mqtt.outbox import nth, place, release, room, trim

_FREE = const(0)
_QUEUED = const(1)


def make_room(c, size):
    """Offset of ``size`` free bytes in the client's outbox, made so by giving up what is oldest;
    or -1. Handles given up and not yet told are a range: another must be the next."""
    o = c.outbox
    at = -1
    while at < 0:
        handle = c.dropped_last % 0x3FFFFFFF + 1 if c.dropped_first else 0
        handle = drop_oldest(o, size, handle)
        if not handle:
            break
        c.dropped = c.dropped + 1 & 0x3FFFFFFF
        c.dropped_first = c.dropped_first or handle
        c.dropped_last = handle
        c.news = True
        at = place(o, size)
    return at


def drop_oldest(o, size, handle):
    """Give up the oldest entry of which no byte was ever sent: its handle. 0 if there is none, if
    even all of them would not make ``size`` bytes free, or if it has not that ``handle`` (0: any).
    What is unsent behind it moves up, byte by byte."""
    k = _sent(o)
    i = nth(o, k)
    if k == o.count or (handle and handle != o.handle[i]) or not _fits_behind(o, k, size):
        return 0
    handle = o.handle[i]
    if k:
        _close_gap(o, i, k + 1)
    else:
        release(o, i)
    return handle


def _sent(o):
    # Entries from the head on up to the last of which a byte was sent; all others are unsent.
    k = o.count
    while k:
        i = nth(o, k - 1)
        if o.state[i] != _QUEUED or o.tries[i]:
            break
        k -= 1
    return k


def _fits_behind(o, k, size):
    # If only the first k entries stay, of which the head is not free.
    if not k:
        return size <= len(o.buf)
    i = nth(o, k - 1)
    while o.state[i] == _FREE:
        i = (i or o.slots) - 1
    return room(o, o.end[i], size) >= 0


def _close_gap(o, i, k):
    # Entry i ends; the k-th and all behind it move up by one.
    at = o.at[i]
    while k < o.count:
        j = nth(o, k)
        at = _move(o, j, i, at)
        i = j
        k += 1
    o.tail = at
    o.state[i] = _FREE
    o.ids[i] = 0
    trim(o)


def _move(o, j, i, at):
    # Entry j, unsent, becomes entry i, at an earlier place, or at ``at`` in the ring's order.
    own = o.end[j] - o.at[j]
    if at > o.at[j] and len(o.buf) - at < own:
        at = 0
    _copy(o.buf, o.at[j], at, o.size[j])
    o.at[i] = at
    o.size[i] = o.size[j]
    o.end[i] = at + own
    o.ids[i] = o.ids[j]
    o.handle[i] = o.handle[j]
    o.state[i] = _QUEUED
    o.tries[i] = 0
    return at + own


def _copy(buf, at, to, n):
    # To an earlier place, or one apart. A slice would allocate.
    while n:
        buf[to] = buf[at]
        at += 1
        to += 1
        n -= 1

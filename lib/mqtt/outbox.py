"""The outbox: one preallocated arena of encoded PUBLISH packets, oldest first. No I/O, no clock.

A packet is encoded once, into its place, and sent from there as often as needed: sending again
sets DUP in place. Its state says what it waits for:

    FREE            no packet (or one that is done, until its neighbours let its place go)
    QUEUED          its turn to be sent; ``tries``: the connections of this session it was begun on
    PARTIAL         the rest of its bytes to be taken by the transport
    AWAIT_PUBACK    QoS 1, sent whole on this connection
    AWAIT_PUBREC    QoS 2, sent whole on this connection
    RELEASE         QoS 2, PUBREC came on an earlier connection: PUBREL's turn to be sent again
    AWAIT_PUBCOMP   QoS 2, PUBREL sent on this connection; the PUBLISH never goes out again

    QUEUED -> PARTIAL -> FREE                                       QoS 0
                      -> AWAIT_PUBACK -> FREE                       QoS 1
                      -> AWAIT_PUBREC -> AWAIT_PUBCOMP -> FREE      QoS 2
    connection lost: PARTIAL, AWAIT_PUBACK, AWAIT_PUBREC -> QUEUED; AWAIT_PUBCOMP -> RELEASE

Places form a ring in the arena, and entries a ring in the lists: both are given out at the tail
and come back from either end, so that QoS 0 passes freely behind an unacknowledged QoS 1.
Everything here lives with the session; nothing dies with the connection but the cursor.
"""

from mqtt._shim import const
from mqtt.codec import publish_id_at, put_id

_FREE = const(0)
_QUEUED = const(1)
_PARTIAL = const(2)
_AWAIT_PUBACK = const(3)
_AWAIT_PUBREC = const(4)
_RELEASE = const(5)
_AWAIT_PUBCOMP = const(6)
_DUP = const(8)


class Outbox:
    """``size``: bytes of the arena; ``slots``: packets it can hold. Allocates here only."""

    def __init__(self, size, slots):
        self.buf = bytearray(size)
        self.slots = slots
        self.state = [_FREE] * slots
        self.ids = [0] * slots  # packet id; 0 at QoS 0 and where free
        self.handle = [0] * slots
        self.tries = [0] * slots  # connections it was begun on; -1: in a lost session only
        self.at = [0] * slots  # the packet is buf[at : at + size] ...
        self.size = [0] * slots
        self.end = [0] * slots  # ... and owns the arena up to here
        self.when = [0] * slots  # ticks of its last byte on this connection
        self.head = 0  # the oldest entry
        self.count = 0  # entries from head on, done ones between others included
        self.passed = 0  # of these, how many the sending cursor has passed on this connection
        self.tail = 0  # where the next place begins
        self.inflight = 0  # entries in AWAIT_...
        self._handle = 0

    def place(self, size):
        """Offset of ``size`` contiguous free bytes, or -1. Reserves nothing."""
        if not self.count:
            return 0 if size <= len(self.buf) else -1
        if self.count == self.slots:
            return -1
        return self._room(self.tail, self.at[self.head], size)

    def _room(self, tail, head, size):
        if tail > head:
            if len(self.buf) - tail >= size:
                return tail
            return 0 if head >= size else -1
        return tail if head - tail >= size else -1

    def add(self, at, size, end, packet_id):
        """Queue the packet encoded at ``at``, a place just got; returns its handle (1..2^30-1)."""
        i = (self.head + self.count) % self.slots
        self.count += 1
        self.at[i] = at
        self.size[i] = size
        self.end[i] = self.tail = end
        self.ids[i] = packet_id
        self.state[i] = _QUEUED
        self.tries[i] = 0
        self._handle = h = self._handle % 0x3FFFFFFF + 1
        self.handle[i] = h
        return h

    def next(self, window):
        """Index of the entry to send now, or -1. One above QoS 0 waits while ``window`` are in
        flight, and all behind it wait too: order is kept [MQTT-4.6.0-1]."""
        while self.passed < self.count:
            i = (self.head + self.passed) % self.slots
            if self.state[i] != _FREE:
                return i if self.inflight < window or not self.ids[i] else -1
            self.passed += 1
        return -1

    def begin(self, i):
        """Bytes of entry ``i`` begin to leave."""
        self.state[i] = _PARTIAL

    def written(self, i, now):
        """The last byte of entry ``i``, or of its PUBREL, is with the transport. True if it is
        done: QoS 0."""
        self.passed += 1
        if not self.ids[i]:
            self.release(i)
            return True
        if self.state[i] == _RELEASE:
            self.state[i] = _AWAIT_PUBCOMP
        elif self.buf[self.at[i]] & 4:
            self.state[i] = _AWAIT_PUBREC
        else:
            self.state[i] = _AWAIT_PUBACK
        self.when[i] = now
        self.inflight += 1
        return False

    def find(self, packet_id):
        """Index of the entry sent on this connection under this id, its end not yet heard; or
        -1. Mostly the oldest."""
        i = self.head
        for _ in range(self.passed):
            if self.ids[i] == packet_id:
                return i
            i = (i + 1) % self.slots
        return -1

    def received(self, i):
        """PUBREC came for entry ``i``: what it waits for now is PUBCOMP."""
        self.state[i] = _AWAIT_PUBCOMP

    def acked(self, i):
        """PUBACK or PUBCOMP came for entry ``i``: id and place are free again [MQTT-2.3.1-3]."""
        self.inflight -= 1
        self.release(i)

    def give_up(self, i):
        """Entry ``i`` ends without its acknowledgement."""
        if _AWAIT_PUBACK <= self.state[i] != _RELEASE:
            self.inflight -= 1
        self.release(i)

    def release(self, i):
        """Entry ``i`` is done. Places at both ends of the ring come back."""
        self.state[i] = _FREE
        self.ids[i] = 0
        state = self.state
        while self.count and state[self.head] == _FREE:
            self.head = (self.head + 1) % self.slots
            self.count -= 1
            if self.passed:
                self.passed -= 1
        self._trim()

    def _trim(self):
        if not self.count:
            self.tail = 0
            return
        i = (self.head + self.count - 1) % self.slots
        if self.state[i] != _FREE:
            return
        while self.state[i] == _FREE:  # ends at the head, which is not free
            i = (i or self.slots) - 1
            self.count -= 1
        self.tail = self.end[i]
        if self.passed > self.count:
            self.passed = self.count

    def overdue(self, now, limit):
        """True if the oldest sent entry has waited ``limit`` ms or more for its end: PUBACK, or
        PUBCOMP. The time runs from its last byte, so the oldest entry is the first one due."""
        return self.passed > 0 and (now - self.when[self.head]) & 0x3FFFFFFF >= limit

    def replaceable(self, handle):
        """Index of the entry with this handle if not one byte of it was ever sent, else -1."""
        i = self.head
        for _ in range(self.count):
            if self.handle[i] == handle:
                return i if self.state[i] == _QUEUED and not self.tries[i] else -1
            i = (i + 1) % self.slots
        return -1

    def drop_oldest(self, size, handle):
        """Give up the oldest entry of which no byte was ever sent: its handle. 0 if there is
        none, if even all of them would not make ``size`` bytes free, or if it has not that
        ``handle`` (0: any). What is unsent behind it moves up, byte by byte."""
        k = self._sent()
        i = (self.head + k) % self.slots
        if k == self.count or (handle and handle != self.handle[i]):
            return 0
        if not self._fits_behind(k, size):
            return 0
        handle = self.handle[i]
        if k:
            self._close_gap(i, k + 1)
        else:
            self.release(i)
        return handle

    def _fits_behind(self, k, size):
        if not k:
            return size <= len(self.buf)
        return self._room(self._end_before(k), self.at[self.head], size) >= 0

    def _sent(self):
        # Entries from the head on up to the last of which a byte was sent; all others are unsent.
        k = self.count
        while k:
            i = (self.head + k - 1) % self.slots
            if self.state[i] != _QUEUED or self.tries[i]:
                break
            k -= 1
        return k

    def _end_before(self, k):
        # Where the arena is free if only the first k entries stay; the head is not free.
        i = (self.head + k - 1) % self.slots
        while self.state[i] == _FREE:
            i = (i or self.slots) - 1
        return self.end[i]

    def _close_gap(self, i, k):
        # Entry i ends; the k-th and all behind it move up by one.
        at = self.at[i]
        while k < self.count:
            j = (self.head + k) % self.slots
            at = self._move(j, i, at)
            i = j
            k += 1
        self.tail = at
        self.state[i] = _FREE
        self.ids[i] = 0
        self._trim()

    def _move(self, j, i, at):
        # Entry j, unsent, becomes entry i, at an earlier place, or at ``at`` in the ring's order.
        own = self.end[j] - self.at[j]
        if at > self.at[j] and len(self.buf) - at < own:
            at = 0
        self._copy(self.at[j], at, self.size[j])
        self.at[i] = at
        self.size[i] = self.size[j]
        self.end[i] = at + own
        self.ids[i] = self.ids[j]
        self.handle[i] = self.handle[j]
        self.state[i] = _QUEUED
        self.tries[i] = 0
        return at + own

    def _copy(self, at, to, n):
        # To an earlier place, or one apart. A slice would allocate.
        buf = self.buf
        while n:
            buf[to] = buf[at]
            at += 1
            to += 1
            n -= 1

    def lost(self):
        """The connection is over: what was sent and not done waits to go out again."""
        self.passed = 0
        self.inflight = 0
        for i in range(self.slots):
            if self.state[i] == _AWAIT_PUBCOMP:
                self.state[i] = _RELEASE
            elif self.state[i] > _QUEUED and self.state[i] != _RELEASE:
                self.state[i] = _QUEUED
                self.tries[i] = self.tries[i] + 1 if self.tries[i] > 0 else 1

    def mark_again(self, i, dup):
        """Set or clear DUP of entry ``i`` where it was begun before [MQTT-3.3.1-1, -2]. True if it
        was, and is no QoS 0."""
        if not self.tries[i] or self.state[i] != _QUEUED or not self.ids[i]:
            return False
        if not dup:
            self.buf[self.at[i]] &= ~_DUP & 0xFF
            self.tries[i] = -1
        elif self.tries[i] > 0:
            self.buf[self.at[i]] |= _DUP
        return True

    def renumber(self, i, packet_id):
        """Give entry ``i`` another packet id, in place."""
        self.ids[i] = packet_id
        put_id(self.buf, publish_id_at(self.buf, self.at[i]), packet_id)

    def live(self):
        """Packets held: queued, half sent, or awaiting an acknowledgement."""
        n = 0
        for s in self.state:
            if s:
                n += 1
        return n

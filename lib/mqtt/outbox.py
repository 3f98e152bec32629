"""The outbox: one preallocated arena of encoded PUBLISH packets, oldest first. No I/O, no clock.

A packet is encoded once, into its place, and sent from there as often as needed: sending again
sets DUP in place. Its state says what it waits for:

    FREE            no packet (or one that is done, until its neighbours let its place go)
    QUEUED          waits for its first byte to be sent; only such a one may be replaced
    AGAIN           sent, or half sent, on an earlier connection; waits to be sent again
    PARTIAL         some, not all, of its bytes are with the transport
    AWAIT_PUBACK    QoS 1, sent whole on this connection

    QUEUED, AGAIN -> PARTIAL -> FREE (QoS 0) or AWAIT_PUBACK -> FREE
    PARTIAL, AWAIT_PUBACK -> AGAIN when the connection is lost

Places form a ring in the arena, and entries a ring in the lists: both are given out at the tail
and come back from either end, so that QoS 0 passes freely behind an unacknowledged QoS 1.
Everything here lives with the session; nothing dies with the connection but the cursor.
"""

from mqtt._shim import const
from mqtt.codec import publish_id_at, put_id

_FREE = const(0)
_QUEUED = const(1)
_AGAIN = const(2)
_PARTIAL = const(3)
_AWAIT_PUBACK = const(4)
_DUP = const(8)


class Outbox:
    """``size``: bytes of the arena; ``slots``: packets it can hold. Allocates here only."""

    def __init__(self, size, slots):
        self.buf = bytearray(size)
        self.slots = slots
        self.state = [_FREE] * slots
        self.ids = [0] * slots  # packet id; 0 at QoS 0 and where free
        self.handle = [0] * slots
        self.at = [0] * slots  # the packet is buf[at : at + size] ...
        self.size = [0] * slots
        self.end = [0] * slots  # ... and owns the arena up to here
        self.when = [0] * slots  # AWAIT_PUBACK: ticks of its last byte
        self.head = 0  # the oldest entry
        self.count = 0  # entries from head on, done ones between others included
        self.passed = 0  # of these, how many the sending cursor has passed on this connection
        self.tail = 0  # where the next place begins
        self.inflight = 0  # entries in AWAIT_PUBACK
        self._handle = 0

    def place(self, size):
        """Offset of ``size`` contiguous free bytes, or -1. Reserves nothing."""
        if not self.count:
            return 0 if size <= len(self.buf) else -1
        if self.count == self.slots:
            return -1
        tail = self.tail
        head = self.at[self.head]
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
        self._handle = h = self._handle % 0x3FFFFFFF + 1
        self.handle[i] = h
        return h

    def next(self, window):
        """Index of the entry to send now, or -1. A QoS-1 one waits while ``window`` are in
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
        """The last byte of entry ``i`` is with the transport. True if it is done: QoS 0."""
        self.passed += 1
        if not self.ids[i]:
            self.release(i)
            return True
        self.state[i] = _AWAIT_PUBACK
        self.when[i] = now
        self.inflight += 1
        return False

    def find(self, packet_id):
        """Index of the entry that awaits PUBACK for this id, or -1."""
        i = self.head
        for _ in range(self.count):
            if self.ids[i] == packet_id and self.state[i] == _AWAIT_PUBACK:
                return i
            i = (i + 1) % self.slots
        return -1

    def acked(self, i):
        """PUBACK came for entry ``i``: its id and place are free again [MQTT-2.3.1-3]."""
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
        """True if the oldest sent entry has waited ``limit`` ms or more for its PUBACK."""
        if not self.inflight:
            return False
        i = self.head  # the oldest of all is the first one sent
        return self.state[i] == _AWAIT_PUBACK and (now - self.when[i]) & 0x3FFFFFFF >= limit

    def replaceable(self, handle):
        """Index of the entry with this handle if not one byte of it was ever sent, else -1."""
        i = self.head
        for _ in range(self.count):
            if self.handle[i] == handle:
                return i if self.state[i] == _QUEUED else -1
            i = (i + 1) % self.slots
        return -1

    def lost(self):
        """The connection is over: what was sent and not done waits to go out again."""
        self.passed = 0
        self.inflight = 0
        for i in range(self.slots):
            if self.state[i] > _AGAIN:
                self.state[i] = _AGAIN

    def redeliver(self, resume):
        """A connection is up. ``resume``: the broker kept the session, so what goes out again
        does so with its id and DUP [MQTT-4.4.0-1, 3.3.1-1]; else as a new packet with DUP 0, to
        which the caller gives a fresh id (``renumber``)."""
        for i in range(self.slots):
            if self.state[i] == _AGAIN and self.ids[i]:
                if resume:
                    self.buf[self.at[i]] |= _DUP
                else:
                    self.buf[self.at[i]] &= ~_DUP & 0xFF

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

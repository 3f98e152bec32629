"""The subscriptions a client has declared, and how far the broker has followed. No I/O, no clock.

    FREE            no subscription
    NEEDED          declared; SUBSCRIBE is still to be sent
    AWAIT_SUBACK    SUBSCRIBE sent on this connection
    HELD            granted, in a session that has lived on since
    DENIED          SUBACK 0x80; asked for again on the next connection
    LEAVING         UNSUBSCRIBE is still to be sent
    AWAIT_UNSUBACK  UNSUBSCRIBE sent on this connection

A filter counts as held only if its SUBACK came in this run and every later CONNACK said session
present: so the first connection after boot asks for all. Ids handed out are table places + 1.
Declaring and leaving allocate (the encoded packet); the rest does not.
"""

from mqtt._shim import const
from mqtt.codec import make_subscribe, make_unsubscribe, put_id, request_id_at
from mqtt.topics import filter_ok, is_wild, matches

_FREE = const(0)
_NEEDED = const(1)
_AWAIT_SUBACK = const(2)
_HELD = const(3)
_DENIED = const(4)
_LEAVING = const(5)
_AWAIT_UNSUBACK = const(6)

_BAD_FILTER = const(-2)
_BAD_QOS = const(-4)
_FULL = const(-10)
_BUSY = const(-12)


class Subscriptions:
    """Room for ``size`` filters."""

    def __init__(self, size):
        self.size = size
        self.state = [_FREE] * size
        self.filter = [b""] * size
        self.wild = [False] * size
        self.handler = [None] * size
        self.packet = [None] * size  # the encoded request, from declaring until its ack
        self.ids = [0] * size  # packet id while an ack is awaited, else 0
        self.when = [0] * size  # ticks of its last byte, while an ack is awaited; -1: not yet
        self.in_pieces = [False] * size  # its handler takes what exceeds the receive buffer
        self.taking = [False] * size  # and is taking the one now arriving
        self.todo = 0  # places in NEEDED or LEAVING
        self.awaiting = 0  # places in AWAIT_SUBACK or AWAIT_UNSUBACK

    def declare(self, flt, qos, handler, pieces):
        """Want ``flt`` (bytes) at ``qos`` handed to ``handler``. Declaring it again replaces
        handler and QoS. Returns an id > 0, BAD_FILTER, BAD_QOS, FULL or BUSY."""
        if not isinstance(flt, bytes) or not filter_ok(flt, 0, len(flt)):
            return _BAD_FILTER
        if qos != 0 and qos != 1 and qos != 2:
            return _BAD_QOS
        packet = make_subscribe(flt, int(qos))  # first: without the memory for it nothing changes
        i = self._find(flt)
        if i < 0:
            i = self._find(b"")
            if i < 0:
                return _FULL
            self.filter[i] = flt
            self.wild[i] = is_wild(flt)
        elif self.ids[i]:
            return _BUSY  # a request for this filter is under way
        self.handler[i] = handler
        self.in_pieces[i] = pieces
        self.taking[i] = False  # not the rest of one that began before
        self._want(i, _NEEDED, packet)
        return i + 1

    def leave(self, flt):
        """No longer want ``flt``. Returns its id, BAD_FILTER if it was never declared, or BUSY."""
        i = self._find(flt) if isinstance(flt, bytes) and flt else -1
        if i < 0:
            return _BAD_FILTER
        if self.ids[i]:
            return _BUSY
        self._want(i, _LEAVING, make_unsubscribe(flt))
        return i + 1

    def _find(self, flt):
        for i in range(self.size):
            if self.filter[i] == flt:
                return i
        return -1

    def _want(self, i, state, packet):
        if self.state[i] != _NEEDED and self.state[i] != _LEAVING:
            self.todo += 1
        self.state[i] = state
        self.packet[i] = packet

    def next(self):
        """A place whose request is to be sent now, or -1."""
        if self.todo:
            for i in range(self.size):
                if self.state[i] == _NEEDED or self.state[i] == _LEAVING:
                    return i
        return -1

    def begin(self, i, packet_id):
        """The request of place ``i`` begins to leave, under this packet id."""
        packet = self.packet[i]
        put_id(packet, request_id_at(packet), packet_id)
        self.ids[i] = packet_id
        self.when[i] = -1
        self.state[i] = _AWAIT_SUBACK if self.state[i] == _NEEDED else _AWAIT_UNSUBACK
        self.todo -= 1
        self.awaiting += 1

    def age(self, now):
        """How long the oldest request has waited for its ack, ms; 0: none waits."""
        oldest = 0
        for i in range(self.size):
            if self.ids[i] and self.when[i] >= 0:
                oldest = max(oldest, (now - self.when[i]) & 0x3FFFFFFF)
        return oldest

    def acked(self, packet_id, unsub, granted):
        """SUBACK (``unsub`` False, with its code) or UNSUBACK came. Returns the place it was for,
        or -1 if none waits for it [MQTT-2.3.1-7]."""
        want = _AWAIT_UNSUBACK if unsub else _AWAIT_SUBACK
        for i in range(self.size):
            if self.ids[i] == packet_id and self.state[i] == want:
                self.ids[i] = 0
                self.awaiting -= 1
                if unsub:
                    self._free(i)
                else:
                    self.state[i] = _HELD if granted < 3 else _DENIED
                return i
        return -1

    def _free(self, i):
        self.state[i] = _FREE
        self.filter[i] = b""
        self.handler[i] = None
        self.packet[i] = None

    def equals(self, i, m):
        """True if the filter at place ``i`` is the message's very topic, and wanted."""
        flt = self.filter[i]
        return (
            len(flt) == m.topic_end - 2
            and 0 < self.state[i] < _LEAVING
            and not self.wild[i]
            and m.buf.startswith(flt, 2)
        )

    def matches(self, i, m):
        """True if the filter at place ``i`` takes the message's topic, which is valid."""
        if not self.wild[i]:
            return self.equals(i, m)
        return 0 < self.state[i] < _LEAVING and matches(self.filter[i], m.buf, 2, m.topic_end)

    def choose_takers(self, m):
        """Note which handlers take this message in pieces; True if there is one."""
        any_one = False
        for i in range(self.size):
            self.taking[i] = self.in_pieces[i] and self.matches(i, m)
            any_one = any_one or self.taking[i]
        return any_one

    def rewind(self, resume):
        """A connection is over (``resume`` True) or up: ask again for what was not acknowledged,
        and, if the broker has no session (``resume`` False), for what was held."""
        self.todo = self.awaiting = 0
        for i in range(self.size):
            s = self.state[i]
            if s == _AWAIT_SUBACK or s == _DENIED or (s == _HELD and not resume):
                self.state[i] = s = _NEEDED
            elif s == _AWAIT_UNSUBACK:
                self.state[i] = s = _LEAVING
            self.ids[i] = 0
            if s == _NEEDED or s == _LEAVING:
                self.todo += 1

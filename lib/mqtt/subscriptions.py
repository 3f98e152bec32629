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
Allocates in the constructor only.
"""

from mqtt._shim import const
from mqtt.topics import matches

_FREE = const(0)
_NEEDED = const(1)
_AWAIT_SUBACK = const(2)
_HELD = const(3)
_DENIED = const(4)
_LEAVING = const(5)
_AWAIT_UNSUBACK = const(6)
_UNWANTED = const(-1)

_BAD_FILTER = const(-2)
_FULL = const(-10)
_BUSY = const(-12)


class Subscriptions:
    """Room for ``size`` filters."""

    def __init__(self, size):
        self.size = size
        self.used = 0  # places from here on were never used
        self.state = [_FREE] * size
        self.filter = [b""] * size
        self.exact = [_UNWANTED] * size  # bytes of the filter; 0: it has wildcards
        self.qos = [0] * size
        self.handler = [None] * size
        self.pieces = [0] * size  # 1: takes what exceeds the receive buffer; 3: is taking it now
        self.ids = [0] * size  # packet id while an ack is awaited, else 0
        self.todo = 0  # places in NEEDED or LEAVING
        self.awaiting = 0  # places in AWAIT_SUBACK or AWAIT_UNSUBACK
        self.since = 0  # ticks when the waiting began, or the last ack came

    def declare(self, flt, qos, handler, pieces):
        """Want ``flt`` (bytes, valid) at ``qos`` handed to ``handler``. Declaring it again replaces
        handler and QoS. Returns an id > 0, FULL or BUSY."""
        i = self._find(flt)
        if i < 0:
            i = self._find(b"")
            if i < 0:
                return _FULL
            self.filter[i] = flt
            if i == self.used:
                self.used = i + 1
        elif self.ids[i]:
            return _BUSY  # a request for this filter is under way
        self.exact[i] = 0 if b"+" in flt or b"#" in flt else len(flt)
        self.qos[i] = qos
        self.handler[i] = handler
        self.pieces[i] = 1 if pieces else 0  # not the rest of one that began before
        self._want(i, _NEEDED)
        return i + 1

    def leave(self, flt):
        """No longer want ``flt``. Returns its id, BAD_FILTER if it was never declared, or BUSY."""
        i = self._find(flt) if flt else -1
        if i < 0:
            return _BAD_FILTER
        if self.ids[i]:
            return _BUSY
        self.exact[i] = _UNWANTED
        self._want(i, _LEAVING)
        return i + 1

    def _find(self, flt):
        for i in range(self.size):
            if self.filter[i] == flt:
                return i
        return -1

    def _want(self, i, state):
        if self.state[i] != _NEEDED and self.state[i] != _LEAVING:
            self.todo += 1
        self.state[i] = state

    def next(self):
        """A place whose request is to be sent now, or -1."""
        if self.todo:
            for i in range(self.size):
                if self.state[i] == _NEEDED or self.state[i] == _LEAVING:
                    return i
        return -1

    def begin(self, i, packet_id):
        """The request of place ``i`` is on its way, under this packet id."""
        self.ids[i] = packet_id
        self.todo -= 1
        self.awaiting += 1
        self.state[i] = _AWAIT_SUBACK if self.state[i] == _NEEDED else _AWAIT_UNSUBACK

    def wanted(self, i):
        """What the request of place ``i`` asks for: a QoS; -1: UNSUBSCRIBE."""
        return self.qos[i] if self.state[i] == _AWAIT_SUBACK else -1

    def acked(self, packet_id, granted, now):
        """SUBACK with its code came, or UNSUBACK: ``granted`` -1. Returns the place it was for, or
        -1 if none waits for it [MQTT-2.3.1-7]."""
        want = _AWAIT_UNSUBACK if granted < 0 else _AWAIT_SUBACK
        for i in range(self.size):
            if self.ids[i] == packet_id and self.state[i] == want:
                self.ids[i] = 0
                self.awaiting -= 1
                self.since = now
                self.state[i] = _HELD if granted < 3 else _DENIED
                if granted < 0:
                    self.state[i] = _FREE
                    self.filter[i] = b""
                    self.handler[i] = None
                return i
        return -1

    def choose(self, m):
        """Note which handlers take this message in pieces; True if there is one."""
        chosen = False
        for i in range(self.size):
            self.pieces[i] &= 1
            if self.pieces[i] and self._takes(i, m):
                self.pieces[i] = 3
                chosen = True
        return chosen

    def _takes(self, i, m):
        n = self.exact[i]
        if n:
            return n == m.topic_end - m.topic_start and m.buf.startswith(
                self.filter[i], m.topic_start
            )
        return matches(self.filter[i], m.buf, m.topic_start, m.topic_end)

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

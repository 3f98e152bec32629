"""Ids of inbound QoS-2 messages delivered and not yet released (MQTT 3.1.1, 4.3.3). No I/O.

The broker's ids are a space of their own [MQTT-2.3.1-4]. Bounded; an id is never forgotten to make
room, since its message would then be delivered twice. Once there was no room for one, none is taken
until the next connection, so that the order is kept; the client ends the connection when the last
held one is released, and the broker then sends again what was not taken.

In doubt, kept as a negative number, are ids of a session that the broker may have lost unnoticed
(a CONNACK did not reach us). A PUBLISH without DUP under such an id is a new message. What belongs
to the present session the broker takes up again as soon as it is resumed: once it has answered a
SUBSCRIBE since, an id still in doubt makes room where there is none.
"""


class Held:
    """Room for ``size`` ids. Allocates here only."""

    def __init__(self, size):
        self.ids = [0] * size
        self.spare = False  # ids in doubt may make room
        self.stuck = False  # on this connection there was no room for one

    def has(self, packet_id, dup):
        """True if the message under this id was delivered."""
        return packet_id in self.ids or dup and self._put(-packet_id, packet_id)

    def room(self, packet_id):
        """True if take() will find a place."""
        if self.stuck:
            return False
        return 0 in self.ids or -packet_id in self.ids or self._can_oust()

    def take(self, packet_id):
        """Hold this id; False if there is no room, now and for the rest of the connection."""
        if not self.room(packet_id):
            self.stuck = True
            return False
        return (
            self._put(-packet_id, packet_id)
            or self._put(0, packet_id)
            or self._put(min(self.ids), packet_id)
        )

    def drop(self, packet_id):
        """PUBREL came: the id is new again. True if it was the last, and others wait for it."""
        known = self._put(packet_id, 0) or self._put(-packet_id, 0)
        return known and self.stuck and max(self.ids) <= 0

    def doubt(self):
        """The broker may have lost the session that these ids belong to."""
        self.spare = False
        for i in range(len(self.ids)):
            if self.ids[i] > 0:
                self.ids[i] = -self.ids[i]

    def settle(self):
        """The broker has taken up what it knows: ids still in doubt are hardly needed. True if
        only such ids keep others waiting, for which no PUBREL may ever come."""
        self.spare = True
        return self.stuck and len(self.ids) > 0 and max(self.ids) <= 0

    def _can_oust(self):
        return self.spare and len(self.ids) > 0 and min(self.ids) < 0

    def clear(self):
        """The session is lost: so are the broker's ids."""
        for i in range(len(self.ids)):
            self.ids[i] = 0

    def _put(self, old, new):
        for i in range(len(self.ids)):
            if self.ids[i] == old:
                self.ids[i] = new
                return True
        return False

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
        return packet_id in self.ids or dup and self.put(-packet_id, packet_id)

    def room(self, packet_id):
        """The id, or 0, in whose place take() will hold this one; None if there is none."""
        if not self.stuck:
            if -packet_id in self.ids:
                return -packet_id
            if 0 in self.ids:
                return 0
            if self.spare and self.ids and min(self.ids) < 0:
                return min(self.ids)
        return None

    def take(self, packet_id):
        """Hold this id; False if there is no room, now and for the rest of the connection."""
        old = self.room(packet_id)
        self.stuck = old is None
        return not self.stuck and self.put(old, packet_id)

    def drop(self, packet_id):
        """PUBREL came: the id is new again. True if it was the last, and others wait for it."""
        known = self.put(packet_id, 0) or self.put(-packet_id, 0)
        return known and self.stuck and max(self.ids) <= 0

    def settle(self):
        """The broker has taken up what it knows: ids still in doubt are hardly needed. True if
        only such ids keep others waiting, for which no PUBREL may ever come."""
        self.spare = True
        return self.stuck and len(self.ids) > 0 and max(self.ids) <= 0

    def resume(self, sure):
        """A session begins: the ids' own (``sure`` 1), perhaps it (0), or a new one (-1)."""
        ids = self.ids
        for i in range(len(ids)):
            if sure < 0:
                ids[i] = 0
            elif not sure and ids[i] > 0:
                ids[i] = -ids[i]
        if not sure:
            self.spare = False

    def put(self, old, new):
        """``new`` in the place of ``old``; False if that is not there."""
        for i in range(len(self.ids)):
            if self.ids[i] == old:
                self.ids[i] = new
                return True
        return False

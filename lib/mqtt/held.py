"""Ids of inbound QoS-2 messages delivered and not yet released (MQTT 3.1.1, 4.3.3). No I/O.

The broker's ids are a space of their own [MQTT-2.3.1-4]. Bounded; an id is never forgotten to make
room, since its message would then be delivered twice.
"""


class Held:
    """Room for ``size`` ids. Allocates here only."""

    def __init__(self, size):
        self.ids = [0] * size

    def has(self, packet_id):
        """True if the message under this id was delivered."""
        return packet_id in self.ids

    def take(self, packet_id):
        """Hold this id; False if there is no room."""
        return self._put(0, packet_id)

    def drop(self, packet_id):
        """PUBREL came: the id is new again."""
        self._put(packet_id, 0)

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

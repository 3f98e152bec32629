"""The received PUBLISH as handlers see it (MQTT 3.1.1, 3.3): positions in the parser's buffer."""

from mqtt._shim import const
from mqtt.codec import get_u16

_MALFORMED = const(-21)


class Message:
    """One object, reused for every message and valid until the handler returns.

    ``buf[topic_start:topic_end]`` and ``buf[payload_start:payload_end]``, by position: slicing
    would allocate. ``qos`` 0..2, ``retain`` and ``dup`` 0 or 1, ``packet_id`` 0 at QoS 0.
    ``total``: bytes of the whole payload. ``offset``: bytes of it that came before, 0 unless the
    message is taken in pieces; then only the first piece has the topic.
    """

    def __init__(self, buf):
        self.buf = buf
        self.topic_start = 2
        self.topic_end = 2
        self.payload_start = 2
        self.payload_end = 2
        self.qos = 0
        self.retain = 0
        self.dup = 0
        self.packet_id = 0
        self.offset = 0
        self.total = 0

    def load(self, first, length):
        """Decode the PUBLISH with that first byte whose body is buf[0:length].

        Returns 0, or MALFORMED if the fields overrun the body, the topic is empty
        [MQTT-4.7.3-1] or the packet id is 0 [MQTT-2.3.1-1]. Allocates nothing."""
        if length < 3:
            return _MALFORMED
        self.topic_end = at = 2 + get_u16(self.buf, 0)
        self.qos = first >> 1 & 3
        self.retain = first & 1
        self.dup = first >> 3 & 1
        self.packet_id = 0
        if self.qos:
            at += 2
            if at > length:
                return _MALFORMED
            self.packet_id = get_u16(self.buf, at - 2)
            if not self.packet_id:
                return _MALFORMED
        self.topic_start = 2
        self.payload_start = at
        self.payload_end = length
        self.offset = 0
        self.total = length - at
        return _MALFORMED if at > length or self.topic_end == 2 else 0

    def load_piece(self, n, before):
        """A further piece: buf[0:n], with ``before`` bytes of the payload before it."""
        self.offset = before
        self.topic_start = self.topic_end = self.payload_start = 0
        self.payload_end = n

    def topic(self):
        """The topic as new bytes. Allocates."""
        return bytes(self.buf[self.topic_start : self.topic_end])

    def payload(self):
        """The payload as new bytes. Allocates."""
        return bytes(self.buf[self.payload_start : self.payload_end])

"""The received PUBLISH as handlers see it (MQTT 3.1.1, 3.3): positions in a parser's buffer."""

from mqtt._shim import const

_MALFORMED = const(-21)


class Message:
    """One object, reused for every message and valid until the handler returns.

    ``buf[topic_start:topic_end]`` and ``buf[payload_start:payload_end]``, by position: slicing
    would allocate. ``buf`` itself may be another one at the next call. ``qos`` 0..2, ``retain``
    and ``dup`` 0 or 1, ``packet_id`` 0 at QoS 0. ``total``: bytes of the whole payload.
    ``offset``: bytes of it that came before, 0 unless the message is taken in pieces; then only
    the first piece has the topic.
    """

    def __init__(self, buf):
        self.buf = buf
        self.topic_start = self.topic_end = self.payload_start = self.payload_end = 0
        self.first = 0x30  # the packet's first byte, of which are:
        self.qos = self.retain = self.dup = 0
        self.packet_id = self.offset = self.total = 0
        self.headless = False  # in pieces: the topic left no room in the first
        self.judged = self.taken = False  # see delivery.py

    def topic(self):
        """The topic as new bytes. Allocates."""
        return bytes(self.buf[self.topic_start : self.topic_end])

    def payload(self):
        """The payload as new bytes. Allocates."""
        return bytes(self.buf[self.payload_start : self.payload_end])


def load(m, p, first, length):
    """Decode the PUBLISH with that first byte whose body of ``length`` bytes begins in the parser
    at ``p.start``; as much of it as is there.

    Returns 0, or MALFORMED if the fields overrun the body, the topic is empty [MQTT-4.7.3-1] or
    the packet id is 0 [MQTT-2.3.1-1]. Allocates nothing."""
    if length < 3:
        return _MALFORMED
    if first != m.first:
        m.first = first
        m.qos = first >> 1 & 3
        m.retain = first & 1
        m.dup = first >> 3 & 1
    m.buf = buf = p.buf
    at = p.start
    length += at  # from here on: where the body ends
    n = buf[at] << 8 | buf[at + 1]
    if not n:
        return _MALFORMED
    at += 2
    m.topic_start = at
    at += n
    m.topic_end = at
    m.packet_id = m.offset = 0
    if first & 6:
        at += 2
        if at <= p.end:
            n = buf[at - 2] << 8 | buf[at - 1]
            if not n:
                return _MALFORMED
            m.packet_id = n
    m.payload_start = at
    m.payload_end = p.end
    m.total = length - at
    return 0 if at <= length else _MALFORMED

"""A broker in memory at the other end of a Wire: decodes, remembers, answers by its policy.

Every packet that comes is kept in `seen` (peer.Packet) and must follow the standard: a violation
raises, and so fails the test.
"""

import peer
from check import eq, true


class Broker:
    """Answers when `serve()` is called; the policy is in attributes that a test may change.

        present   session-present flag of the next CONNACKs
        refuse    CONNACK return code
        mute      set of packet kinds that are taken but not answered
        grants    filter -> granted QoS or 0x80; others get what they asked for

    `delivered`: (topic, payload) of each message it passed on. At QoS 2 the first PUBLISH under an
    id counts, and the id is held until PUBREL, over connections too while it has a session.
    """

    def __init__(self, wire):
        self.wire = wire
        self.seen = []
        self.connection = 0
        self.present = 0
        self.refuse = 0
        self.mute = set()
        self.grants = {}
        self.delivered = []
        self.held = set()
        self._data = b""
        self._greeted = False
        self._over = False

    def serve(self):
        """Take in and answer whatever the client has written. Returns the count of packets."""
        if self.wire.opens != self.connection:
            self.connection = self.wire.opens
            self._data = b""
            self._greeted = self._over = False
        self._data += self.wire.written()
        count = 0
        while True:
            found = peer.decode(self._data)
            if found is None:
                return count
            packet, used = found
            self._data = self._data[used:]
            self._take(packet)
            count += 1

    def _take(self, packet):
        true(not self._over, "nothing is sent after DISCONNECT [MQTT-3.14.4-2]")
        eq(
            packet.kind == peer.CONNECT,
            not self._greeted,
            "CONNECT is the first packet, and once [MQTT-3.1.0-1, -2]",
        )
        self._greeted = True
        self.seen.append(packet)
        self._over = packet.kind == peer.DISCONNECT
        self._remember(packet)
        if packet.kind not in self.mute:
            if self._over:
                self.wire.end()
            answer = self.answer_to(packet)
            if answer and self.wire.is_open:
                self.wire.send(answer)

    def _remember(self, packet):
        kind = packet.kind
        if kind == peer.CONNECT and not (self.present and not packet.clean):
            self.held.clear()
        elif kind == peer.PUBREL:
            self.held.discard(packet.id)
        elif kind == peer.PUBLISH and (packet.qos < 2 or packet.id not in self.held):
            self.delivered.append((packet.topic, packet.payload))
            if packet.qos == 2:
                self.held.add(packet.id)

    def answer_to(self, packet):
        """The bytes a well-behaved broker sends back, or None."""
        kind = packet.kind
        if kind == peer.CONNECT:
            return peer.connack(0 if self.refuse else self.present, self.refuse)
        if kind == peer.SUBSCRIBE:
            codes = [self.grants.get(name, qos) for name, qos in packet.filters]
            return peer.suback(packet.id, *codes)
        if kind == peer.UNSUBSCRIBE:
            return peer.unsuback(packet.id)
        if kind == peer.PINGREQ:
            return peer.pingresp()
        if kind == peer.PUBLISH and packet.qos == 1:
            return peer.puback(packet.id)
        if kind == peer.PUBLISH and packet.qos == 2:
            return peer.pubrec(packet.id)
        if kind == peer.PUBREC:
            return peer.pubrel(packet.id)
        if kind == peer.PUBREL:
            return peer.pubcomp(packet.id)
        return None

    def of(self, kind):
        """All packets of that kind so far."""
        return [packet for packet in self.seen if packet.kind == kind]

    def ids(self, kind=peer.PUBLISH):
        """Packet id of each packet of that kind so far, PUBLISHes at QoS 0 left out."""
        return [packet.id for packet in self.of(kind) if packet.id]

    def publishes(self):
        """(topic, payload, qos, dup) of each PUBLISH so far."""
        return [(p.topic, p.payload, p.qos, p.dup) for p in self.of(peer.PUBLISH)]

    def payloads(self):
        """Payload of each PUBLISH so far."""
        return [p.payload for p in self.of(peer.PUBLISH)]

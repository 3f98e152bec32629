"""Helper: a broker that answers its first connections as badly as told, and the rest well.

`answers` holds one entry for each bad connection: the bytes that follow its CONNECT (b"" for
silence), after which the broker closes. Every later connection is served as the standard says.
What the node publishes is kept in `messages`.
"""

import contextlib
import json
import socket
import threading

from tests.support.pure import peer


class RudeBroker:
    """Listens on `port` of the loopback until close()."""

    def __init__(self, answers=()):
        self.answers = list(answers)
        self.messages = []  # (topic, payload) of every PUBLISH
        self.acked = set()  # packet ids of our PUBLISHes that were acknowledged
        self.connections = 0
        self.violations = []
        self._node = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def send(self, data):
        """Bytes to the node, on the connection that is served now."""
        self._node.sendall(data)

    def tell(self, topic, payload, packet_id):
        """A QoS-1 PUBLISH to the node."""
        self.send(peer.publish(topic.encode(), payload, 1, packet_id))

    def said(self, topic):
        """Payloads published on `topic` so far."""
        return [payload for name, payload in self.messages if name == topic.encode()]

    def health(self, topic):
        """The newest health message, {} before the first."""
        said = self.said(topic)
        return json.loads(said[-1]) if said else {}

    def close(self):
        """Free the port."""
        for sock in (self._listener, self._node):
            if sock is not None:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
                sock.close()

    def _serve(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with sock, contextlib.suppress(OSError):
                if self.answers:
                    self._be_rude(sock, self.answers.pop(0))
                else:
                    self._node = sock
                    self._be_kind(sock)

    def _be_rude(self, sock, answer):
        assert sock.recv(1024)[:1] == b"\x10"
        sock.sendall(answer)
        sock.shutdown(socket.SHUT_WR)  # its bytes arrive, whatever of ours is still unread
        while sock.recv(1024):
            pass

    def _be_kind(self, sock):
        data = b""
        while chunk := sock.recv(4096):
            data += chunk
            try:
                while found := peer.decode(data):
                    packet, used = found
                    data = data[used:]
                    if answer := self._answer(packet):
                        sock.sendall(answer)
            except peer.Violation as violation:
                self.violations.append(str(violation))
                return

    def _answer(self, packet):
        kind = packet.kind
        if kind == peer.PUBLISH:
            self.messages.append((packet.topic, packet.payload))
            return peer.puback(packet.id) if packet.qos else b""
        if kind == peer.PUBACK:
            self.acked.add(packet.id)
        if kind == peer.CONNECT:
            return peer.connack()
        if kind == peer.SUBSCRIBE:
            return peer.suback(packet.id, *(qos for _, qos in packet.filters))
        return peer.pingresp() if kind == peer.PINGREQ else b""

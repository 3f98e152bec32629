"""What really passed between node and broker: an observer of the wire, and its ledger.

The proxy hands every chunk to ``Wire.tap``. An MQTT 3.1.1 decoder of its own (it shares nothing
with lib/mqtt) turns them into packets, and the ledger follows each QoS-1 message of the node from
its first PUBLISH to its PUBACK, across connections:

- A PUBLISH with an id that is unacknowledged in this session, the same topic and the same
  payload, is the same message again.
- After CONNACK with session present 0 the broker knows nothing of the open ones. A PUBLISH then
  is matched with the oldest of them that has its topic and payload, whatever its id.
- A PUBLISH with DUP whose id was acknowledged last with that content had its PUBACK lost on the
  way: the same message again.
- Everything else is a new message.

Times are time.monotonic() of this process, the same clock the judge uses, taken before a chunk
was handed on: what the judge saw of a message is never older than the message.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from tools.proxy import UP

CONNECT, CONNACK, PUBLISH, PUBACK = 1, 2, 3, 4
SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 8, 9, 12, 13, 14

NAMES = {
    CONNECT: "CONNECT",
    CONNACK: "CONNACK",
    PUBLISH: "PUBLISH",
    PUBACK: "PUBACK",
    SUBSCRIBE: "SUBSCRIBE",
    SUBACK: "SUBACK",
    PINGREQ: "PINGREQ",
    PINGRESP: "PINGRESP",
    DISCONNECT: "DISCONNECT",
}


@dataclass
class Message:
    """One QoS-1 message of the node."""

    topic: str
    payload: bytes
    first: float  # when its first PUBLISH was handed to the broker
    last: float  # its newest PUBLISH
    sends: int = 1
    acked: float | None = None


@dataclass
class Packet:
    """One control packet, as far as the ledger needs it."""

    kind: int
    flags: int
    body: bytes

    @property
    def dup(self) -> bool:
        return bool(self.flags & 8)

    @property
    def qos(self) -> int:
        return self.flags >> 1 & 3

    def publish(self) -> tuple[str, int, bytes]:
        """Topic, packet id (0 with QoS 0) and payload of a PUBLISH."""
        end = 2 + int.from_bytes(self.body[:2], "big")
        topic = self.body[2:end].decode()
        if self.qos == 0:
            return topic, 0, self.body[end:]
        return topic, int.from_bytes(self.body[end : end + 2], "big"), self.body[end + 2 :]

    def packet_id(self) -> int:
        return int.from_bytes(self.body[:2], "big")


class Decoder:
    """Packets from chunks of any size. ``broken`` holds once the bytes are no MQTT."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.broken = False

    def feed(self, data: bytes) -> list[Packet]:
        self._buffer += data
        packets = []
        while (packet := self._next()) is not None:
            packets.append(packet)
        return packets

    def _next(self) -> Packet | None:
        length, shift = 0, 0
        for at in range(1, 5):
            if self.broken or at >= len(self._buffer):
                return None
            byte = self._buffer[at]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return self._take(at + 1, length)
        self.broken = True
        return None

    def _take(self, start: int, length: int) -> Packet | None:
        if len(self._buffer) < start + length:
            return None
        first = self._buffer[0]
        body = bytes(self._buffer[start : start + length])
        del self._buffer[: start + length]
        return Packet(first >> 4, first & 15, body)


@dataclass
class Counts:
    """Packets handed on, by name, in each direction; and connections the broker accepted."""

    up: Counter = field(default_factory=Counter)
    down: Counter = field(default_factory=Counter)
    connects: int = 0
    refusals: int = 0
    resent: int = 0
    broken: int = 0


class Wire:
    """The observer. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.messages: list[Message] = []  # in the order of their first PUBLISH
        self._open: dict[int, Message] = {}
        self._orphans: list[Message] = []  # open when the broker had lost the session
        self._done: dict[int, Message] = {}  # last acknowledged under this id
        self._decoders: dict[tuple[int, str], Decoder] = {}
        self._lock = threading.Lock()

    def tap(self, link: int, direction: str, data: bytes, now: float) -> None:
        """Take in a chunk; the proxy calls this in its thread."""
        with self._lock:
            decoder = self._decoders.setdefault((link, direction), Decoder())
            for packet in decoder.feed(data):
                self._see(direction == UP, packet, now)
            if decoder.broken:
                self.counts.broken += 1

    def snapshot(self) -> list[Message]:
        """The messages so far. The objects are live; the list is the caller's."""
        with self._lock:
            return list(self.messages)

    def unacknowledged(self) -> list[Message]:
        """Messages without a PUBACK so far."""
        return [message for message in self.snapshot() if message.acked is None]

    def _see(self, up: bool, packet: Packet, now: float) -> None:
        counts = self.counts.up if up else self.counts.down
        counts[NAMES.get(packet.kind, str(packet.kind))] += 1
        if up and packet.kind == PUBLISH and packet.qos == 1:
            self._published(packet, now)
        elif not up and packet.kind == PUBACK:
            self._acknowledged(packet.packet_id(), now)
        elif not up and packet.kind == CONNACK:
            self._connected(packet.body[0] & 1, packet.body[1])

    def _connected(self, session_present: int, code: int) -> None:
        if code:
            self.counts.refusals += 1
            return
        self.counts.connects += 1
        if not session_present:
            self._orphans += self._open.values()
            self._orphans.sort(key=lambda message: message.first)
            self._open.clear()
            self._done.clear()

    def _published(self, packet: Packet, now: float) -> None:
        topic, number, payload = packet.publish()
        message = self._known(topic, number, payload, packet.dup)
        if message is None:
            message = Message(topic, payload, now, now)
            self.messages.append(message)
        else:
            message.sends += 1
            message.last = now
            self.counts.resent += 1
        replaced = self._open.get(number)
        if replaced is not None and replaced is not message:
            self._orphans.append(replaced)
        self._open[number] = message

    def _known(self, topic: str, number: int, payload: bytes, dup: bool) -> Message | None:
        for message in (self._open.get(number), self._done.get(number) if dup else None):
            if message is not None and (message.topic, message.payload) == (topic, payload):
                return message
        for at, message in enumerate(self._orphans):
            if (message.topic, message.payload) == (topic, payload):
                return self._orphans.pop(at)
        return None

    def _acknowledged(self, number: int, now: float) -> None:
        message = self._open.pop(number, None)
        if message is not None:
            self._done[number] = message
            if message.acked is None:
                message.acked = now

"""The other end of every account: a stand-in for a broker whose answers come one at a time.

A count of instructions is the same in every run only if the client finds the same bytes at the
same places. So the partner answers `DELAY_S` after it has a packet, which is longer than a client
under valgrind takes from its write to the end of the step; and it tells the probe, on a second
connection, that something is there to be read. Waiting so costs every client the same.

The second connection (it begins with "!") also asks: each byte "0", "1" or "2" is one PUBLISH of
that QoS to the client. Towards the probe goes one "." for each packet sent to the client, and one
at the beginning.

One client at a time. `counts`: packets received, by type (the upper four bits of the first byte).
"""

import asyncio
import collections
import contextlib
import socket
import threading

from tools.bench.board.traffic import PAYLOAD, TOPIC

DELAY_S = 0.006
LAST_S = 2

_CONNECT, _PUBLISH, _PUBREC, _PUBREL, _SUBSCRIBE, _PINGREQ = 1, 3, 5, 6, 8, 12


class Partner:
    """A context manager; `port` is a free one of the loopback."""

    def __init__(self):
        self.counts = collections.Counter()
        self.port = 0
        self.client = self.probe = None  # transports
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="partner", daemon=True)
        self._gone = threading.Event()
        self._next_id = 0

    def __enter__(self):
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *exc):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self):
        start = self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        server = self._loop.run_until_complete(start)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for transport in (self.client, self.probe):
            if transport:
                transport.abort()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def all_came(self):
        """Whether everything that the client wrote before it ended is counted."""
        return self._gone.wait(LAST_S)

    def take_client(self, transport):
        self.client = transport
        self._gone.clear()

    def lost(self, transport):
        if transport is self.client:
            self.client = None
            self._gone.set()

    def obey(self, asked):
        for byte in asked:
            self._next_id = self._next_id % 65535 + 1
            self.send(_publish(byte - ord("0"), self._next_id))

    def take(self, first, body):
        self.counts[first >> 4] += 1
        answer = _answer(first, body)
        if answer:
            self._loop.call_later(DELAY_S, self.send, answer)

    def send(self, packet):
        if self.client:
            self.client.write(packet)
        if self.probe:
            self.probe.write(b".")


class _Connection(asyncio.Protocol):
    """The client's or the probe's: its first byte tells."""

    def __init__(self, partner):
        self.partner = partner
        self.transport = None
        self.received = bytearray()

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, error):
        self.partner.lost(self.transport)

    def data_received(self, data):
        partner = self.partner
        if partner.probe is self.transport:
            partner.obey(data)
        elif not self.received and data[:1] == b"!" and partner.client is not self.transport:
            partner.probe = self.transport
            self.transport.write(b".")
            partner.obey(data[1:])
        else:
            self._converse(data)

    def _converse(self, data):
        # Some clients write a packet in pieces, and would wait for the delayed ack of TCP.
        sock = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        self.received += data
        while packet := _cut(self.received):
            if packet[0] >> 4 == _CONNECT:
                self.partner.take_client(self.transport)
            self.partner.take(*packet)


def _cut(received):
    """Take the first whole packet out: (first byte, body), or None."""
    value = shift = 0
    for at in range(1, len(received)):
        value |= (received[at] & 127) << shift
        shift += 7
        if received[at] < 128:
            break
    else:
        return None
    if len(received) <= at + value:
        return None
    packet = received[0], bytes(received[at + 1 : at + 1 + value])
    del received[: at + 1 + value]
    return packet


def _publish(qos, packet_id):
    body = len(TOPIC).to_bytes(2, "big") + TOPIC
    if qos:
        body += packet_id.to_bytes(2, "big")
    body += PAYLOAD
    return bytes([0x30 | qos << 1, len(body)]) + body


def _answer(first, body):
    kind = first >> 4
    if kind == _CONNECT:
        return b"\x20\x02\x00\x00"
    if kind == _SUBSCRIBE:
        return b"\x90\x03" + body[:2] + body[-1:]
    if kind == _PINGREQ:
        return b"\xd0\x00"
    if kind == _PUBREC:
        return b"\x62\x02" + body
    if kind == _PUBREL:
        return b"\x70\x02" + body
    if kind == _PUBLISH and first & 6:
        after_topic = 2 + int.from_bytes(body[:2], "big")
        return (b"\x40\x02" if first & 2 else b"\x50\x02") + body[after_topic : after_topic + 2]
    return None

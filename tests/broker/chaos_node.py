"""The node of the chaos test, run by MicroPython's Unix port: numbers up, numbers down.

argv: port, in-flight window. Publishes 0, 1, 2, ... on up/1 at QoS 1 and on up/2 at QoS 2, as the
outbox takes them, and takes down/#. Lines out: "connected <session present>", "closed <reason>
<detail>", "got <topic> <number>", "drained <count on up/1> <count on up/2>", and at the end the
counters as JSON. Lines in: "finish" (publish no more, report when the outbox is empty), "exit".
"""

import json
import select
import sys

from mqtt import CLOSED, CONNECTED, FAILED, Client, Reconnect
from mqtt.clock import elapsed, ticks_ms
from mqtt.tcp import TcpTransport

EACH_MS = 4
COUNTERS = (
    "sent acked resent failed uncertain received unmatched oversize withheld handler_errors stray "
    "malformed connects closes pings"
)


class Stream:
    """Numbers on one topic."""

    def __init__(self, client, topic, qos):
        self.publication = client.prepare(topic, 8, qos=qos)
        self.count = 0

    def send(self):
        digits = b"%d" % self.count
        at = self.publication.start
        self.publication.buf[at : at + len(digits)] = digits
        if self.publication.send(len(digits)) > 0:
            self.count += 1


def event(kind, a, b):
    if kind == CONNECTED:
        print("connected", a)
    elif kind == CLOSED:
        print("closed", a, b)
    elif kind == FAILED:
        print("failed", a, b)


def take(msg):
    print("got", msg.topic().decode(), msg.payload().decode())


def obey(commands, node):
    if not commands.poll(1):
        return
    line = sys.stdin.readline().strip()
    node.finishing = True
    if line != "finish":
        node.going = False


class Node:
    def __init__(self, port, window):
        transport = TcpTransport("127.0.0.1", port)
        self.client = Client(
            "chaos",
            transport,
            clean_session=False,
            keepalive=2,
            tx_size=2048,
            connect_timeout_ms=1500,
            ack_timeout_ms=1500,
            max_inflight=window,
            max_held=1000,  # Mosquitto 2.0 exceeds its own window after reconnects
        )
        self.client.on_event = event
        self.client.subscribe(b"down/#", 2, take)
        self.link = Reconnect(self.client, [transport], 50, 300)
        self.streams = [Stream(self.client, "up/%d" % qos, qos) for qos in (1, 2)]
        self.going = True
        self.finishing = self.told = False

    def run(self):
        commands = select.poll()
        commands.register(sys.stdin, select.POLLIN)
        last = ticks_ms()
        self.link.start()
        while self.going:
            self.link.step(ticks_ms())
            obey(commands, self)
            if self.finishing:
                self.report()
            elif elapsed(last) >= EACH_MS:
                last = ticks_ms()
                for stream in self.streams:
                    stream.send()
        print(json.dumps({name: getattr(self.client, name) for name in COUNTERS.split()}))

    def report(self):
        if not self.told and not self.client.queued:
            self.told = True
            print("drained", self.streams[0].count, self.streams[1].count)


Node(int(sys.argv[1]), int(sys.argv[2])).run()

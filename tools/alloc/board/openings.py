"""Runs on the Unix port: a client that connects and is down again, over and over. What is left?

    openings.py lost|ended PORT TIMES

`lost`: the broker ends each connection, every second time by a reset; `ended`: the client does,
once it is up. Prints a JSON object: `levels`, the bytes held after a collection when the 1st
connection is over, the 10th, the 100th ..., and the last; `least` and `most`, the bytes that one
connection takes from the heap, from connect() to CLOSED with the collector off, by the cheaper and
by the dearer of the two ends; `greeted` and `closes`, how often it was connected, and down again.
"""

import gc
import json
import sys

from mqtt import CONNECTED, DOWN, Client
from mqtt.clock import ticks_ms
from mqtt.tcp import TcpTransport

_FEW = 20  # connections over which bytes are counted


class Probe:
    """Counts what happens. Every name is there from the start."""

    def __init__(self, how, port):
        self.ends = how == "ended"
        self.client = Client(b"probe", TcpTransport("127.0.0.1", port), keepalive=60)
        self.client.on_event = self.event
        self.client.subscribe(b"probe/#", 1, self.event)
        self.greeted = 0
        self.before = self.took = self.turn = 0
        self.least = [0, 0]  # of every second connection, and of the others

    def event(self, kind, a, b):
        if kind == CONNECTED:
            self.greeted += 1
            if self.ends:
                self.client.disconnect()

    def once(self):
        """A connection, from connect() to CLOSED."""
        client = self.client
        client.connect()
        while client.state != DOWN:
            client.step(ticks_ms())

    def counted(self):
        gc.collect()
        gc.disable()
        self.before = gc.mem_alloc()
        self.once()
        self.took = gc.mem_alloc() - self.before
        gc.enable()
        self.turn ^= 1  # they end in two ways by turns; a slow one looks for its end more often
        self.least[self.turn] = min(self.least[self.turn] or self.took, self.took)


def level():
    gc.collect()
    return gc.mem_alloc()


def main(how, port, times):
    probe = Probe(how, port)
    probe.once()
    levels = [0] * 8  # made before the first is taken
    mark = 1
    at = 0
    for k in range(1, times + 1):
        probe.once()
        if k == mark:
            levels[at] = level()
            at += 1
            mark *= 10
    last = level()
    for _ in range(_FEW):
        probe.counted()
    found = {
        "levels": levels[:at] + [last],
        "least": min(probe.least),
        "most": max(probe.least),
        "greeted": probe.greeted,
        "closes": probe.client.closes,
    }
    print(json.dumps(found))


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

"""A connected client under measure: one step, again and again, with the broker's turn between."""

import heap
from check import eq, true
from mqtt import UP
from story import MASK, Story

TIMES = 110  # per measure; every operation is counted to have happened at least 100 times


class Rig:
    """A connected story with one measured step; `work` is what the program does before it."""

    def __init__(self, work=None, each_ms=7, **options):
        options.setdefault("tx_size", 1024)
        self.story = Story(**options)
        self.client = self.story.client
        self.client.on_event = self.event
        self.story.broker.connection = 0
        self.work = work
        self.each_ms = each_ms
        self.payload = bytearray(b"payload:0000")
        self.events = [0] * 8
        self.handled = 0
        self.bytes_in = 0
        self.last_qos = 0
        self.handler = self.handle
        self.client.subscribe(b"cmd/relay/set", 1, self.handler)
        self.client.subscribe(b"cmd/+/all", 0, self.handler)
        self.client.subscribe(b"tree/#", 1, self.handler)
        self.zero = self.client.prepare(b"out/zero", 40)
        self.one = self.client.prepare(b"out/one", 40, qos=1)
        self.two = self.client.prepare(b"out/two", 40, qos=2)
        self.newest = self.client.prepare(b"out/newest", 40, qos=1, replace=True)
        self.story.now = MASK - each_ms * 60  # the clock wraps within the measured steps
        self.story.connect()

    def event(self, kind, a, b):
        self.events[kind] += 1

    def handle(self, msg):
        self.handled += 1
        self.last_qos = msg.qos
        at = msg.payload_start
        while at < msg.payload_end:
            self.bytes_in += msg.buf[at]
            at += 1

    def step(self):
        if self.work:
            self.work()
        self.client.step(self.story.now)

    def counts(self):
        client = self.client
        return client.handler_errors + client.malformed

    def measure(self, world=None, breaks=False):
        """TIMES steps each way; `world()` is the broker's own doing before each. Unless `breaks`,
        the connection has to live through it."""

        def before():
            self.story.now = (self.story.now + self.each_ms) & MASK
            self.story.broker.serve()
            if world:
                world()

        closes = self.client.closes
        report = heap.measure(self.step, TIMES, self.counts, before)
        true(breaks or self.client.closes == closes, "the connection broke")
        true(report.clean(), "%r" % report)
        eq(self.client.state, UP)

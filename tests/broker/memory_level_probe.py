"""Run by the 32-bit build, which has no sockets: a client over a link in memory, connected and lost
again and again, each time with messages in flight. level() belongs into a run of its own."""

import gc

from mqtt import ACKED, CONNECTED, DOWN, UP, Client
from probe import Link

TOPIC = b"probe/state"


class Losing(Link):
    """Hangs up when told so."""

    lost = False

    def open(self):
        self.lost = False
        return Link.open(self)

    def readinto(self, buf, n):
        return 0 if self.lost else Link.readinto(self, buf, n)

    def write(self, buf, off, n):
        return n if self.lost else Link.write(self, buf, off, n)


class Probe:
    def __init__(self):
        self.now = 0x3FFFF000  # soon before the clock's wrap
        self.link = Losing()
        self.client = Client(b"probe", self.link, clean_session=False)
        self.client.on_event = self.event
        self.client.subscribe(TOPIC, 1, self.event)
        self.counts = [0] * 8

    def event(self, kind, a=0, b=0):
        if isinstance(kind, int):
            self.counts[kind] += 1

    def step(self):
        self.now = self.now + 7 & 0x3FFFFFFF
        self.client.step(self.now)

    def lose(self, times):
        """So many connections, from connect() to CLOSED."""
        client = self.client
        for _ in range(times):
            client.connect()
            while client.state != UP or client.inflight:
                self.step()
            self.link.lost = True  # these PUBLISHes are sent again on the next one
            client.publish(TOPIC, b"in flight", None, 1)
            client.publish(TOPIC, b"and another", None, 1)
            while client.state != DOWN:
                self.step()


made = Probe()


def lose(times):
    made.lose(times)


def level():
    print(gc.mem_alloc())


def report():
    print(made.counts[CONNECTED], made.counts[ACKED], made.client.resent, made.client.closes)

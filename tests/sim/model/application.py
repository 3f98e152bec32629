"""The application: the real client under Reconnect, publishing, subscribing, and misbehaving.

Everything it does with the client's public face it tells the judge; it reads nothing else of it.
"""

import sys

from inside import inside, number_from
from mqtt import BUSY, DOWN, FULL, TOO_LARGE, Client, Reconnect

TOPICS = (b"a", b"t/x", b"t/longer/name")
FILTERS = (b"c/1", b"c/2", b"c/+", b"c/#", b"#", b"+/2")
LARGE = b"big/#"  # taken in pieces, and never given up
COMMANDS = (b"c/1", b"c/2", b"c/3", b"c", b"d/2", b"$x/2", b"big/1")


class OwnFault(Exception):
    """What a handler raises on purpose."""


class Node:
    """Of one run."""

    def __init__(self, world):
        self.world = world
        self.judge = world.judge
        plan = world.plan
        self.client = Client(b"sim", world.links[0], **plan.options())
        number_from(self.client, world.chance.pick((1, 65530, world.chance.between(1, 65535))))
        self.client.on_event = self._event
        self.client.eager = plan.eager
        bits = world.chance.bits
        self.driver = Reconnect(self.client, world.links, plan.first_ms, plan.max_ms, bits)
        self.leaving = False  # disconnect() was called on this connection
        self.accepted = self.refused = self.raised = 0
        self.declared = []  # (filter, tag, pieces)
        self.ids = {}  # id of a subscription -> filter
        self.denied = {}  # filters whose last SUBACK was 0x80
        self.todo = 0  # messages of the burst still to publish
        self.kinds = 0  # how: see _publish()
        self.prepared = [
            self.client.prepare(b"p/1", 40, 1, False, True),
            self.client.prepare(b"p/2", 30, 2, True, False),
            self.client.prepare(b"p/0", 50, 0, False, True),
        ]
        self.subscribe(LARGE, 2, True)
        for flt in FILTERS[: world.chance.between(1, 4)]:
            self.subscribe(flt, world.chance.below(3), False)

    # Publishing.

    def burst(self, n):
        """Publish `n` messages: some now, the rest from the events that follow."""
        self.todo += n
        self._meddle()
        self.kinds = self.world.chance.pick((0, 0, 1, 2, 3, 4))
        self._some(self.world.chance.between(1, n))

    def _meddle(self):
        # Ids far apart in time meet seldom: have the next one be in use, or shortly before one that
        # is, now and then.
        c = self.world.chance
        used = sorted(self.judge.requests) or self.judge.out.ids()
        if used and c.percent(30):
            number_from(self.client, (c.pick(used) - 1 - c.below(3)) % 65535 + 1)

    def _some(self, n):
        while n and self.todo:
            n -= 1
            self.todo -= 1
            if not self.publish():
                return

    def publish(self, qos=-1):
        """One message. False if it was refused."""
        c = self.world.chance
        if qos < 0:
            if not self.kinds:
                return self._send(c.pick(self.prepared))
            # kinds 1..3: all of one QoS; 4: mixed
            qos = self.kinds - 1 if self.kinds < 4 else c.below(3)
        topic = c.pick(TOPICS)
        size = c.pick((0, 3, 10, 20, 60, 150))
        retain = c.percent(20)
        number, data = self._payload(size)
        length = None
        if c.percent(20):
            length = len(data)
            data += b"beyond"
        self.client.transport.call_begins()
        handle = self.client.publish(topic, data, length, qos, retain)
        return self._told(handle, number, topic, data[:length], qos, retain)

    def _payload(self, size):
        out = self.judge.out
        number = out.numbers
        out.numbers += 1
        return number, self.world.payload(b"o", number, size)

    def _send(self, p):
        k = self.prepared.index(p)
        number, data = self._payload(self.world.chance.below(20))
        p.buf[p.start : p.start + len(data)] = data
        self.client.transport.call_begins()
        handle = p.send(len(data))
        qos = (1, 2, 0)[k]
        return self._told(handle, number, (b"p/1", b"p/2", b"p/0")[k], data, qos, k == 1)

    def _fill(self):
        # Until there is no room, then a newer one of each kind: what was begun must stay.
        self.kinds = self.world.chance.between(1, 4)
        n = 80
        while n and self.publish():
            n -= 1
        for p in self.prepared:
            self._send(p)

    def _told(self, handle, number, topic, data, qos, retain):
        taken = self._answered(handle, number, topic, data, qos, retain)
        self.client.transport.call_ends()
        return taken

    def _answered(self, handle, number, topic, data, qos, retain):
        w = self.world
        w.awake = True
        if handle < 0:
            self.refused += 1
            if handle == FULL:
                w.count("publishes refused, outbox full")
            elif handle != TOO_LARGE:
                w.fail("codes", "publish gave %d" % handle)
            return False
        self.accepted += 1
        if w.tracing:
            w.say("   publish %d q%d: handle %d" % (number, qos, handle))
        self.judge.out.accepted(handle, number, topic, data, qos, 1 if retain else 0)
        return True

    # Subscribing.

    def subscribe(self, flt, qos, pieces):
        """Declare a filter."""
        tag = "%s" % flt.decode()
        handler = self._handler(tag)
        got = self.client.subscribe(flt, qos, handler, pieces)
        if got > 0:
            self.ids[got] = flt
            self.judge.held.pop(flt, None)
            self._undeclare(flt)
            self.declared.append((flt, tag, pieces))
            self.world.count("subscriptions changed")
        elif got != BUSY and got != FULL:
            self.world.fail("codes", "subscribe gave %d" % got)
        self.world.awake = True

    def unsubscribe(self, flt):
        """Take a filter back."""
        got = self.client.unsubscribe(flt)
        if got > 0:
            self._undeclare(flt)
            self.world.count("subscriptions changed")
        self.world.awake = True

    def _undeclare(self, flt):
        self.declared = [d for d in self.declared if d[0] != flt]

    def change(self):
        """Another set of subscriptions."""
        c = self.world.chance
        flt = c.pick(FILTERS)
        self.judge.inn.changed(flt)
        if c.percent(60):
            self.subscribe(flt, c.below(3), False)
        else:
            self.unsubscribe(flt)

    def _handler(self, tag):
        def handler(msg):
            self._guarded(self._handle, tag, msg, 0)

        return handler

    def _guarded(self, what, a, b, c):
        # The client catches whatever is raised here; a fault of the simulation must be seen.
        try:
            what(a, b, c)
        except OwnFault:
            raise
        except Exception as error:
            if hasattr(sys, "print_exception"):
                sys.print_exception(error)
            self.world.fail("simulation", "%s: %s" % (type(error).__name__, error))
            if self.world.tracing:
                raise

    def _handle(self, tag, msg, _):
        w = self.world
        c = w.chance
        self.client.transport.catch_up()
        if not self.judge.inn.handled(tag, msg):
            return
        if c.percent(20):
            self.publish(c.below(3))
        if w.calm:
            return
        if c.percent(4):
            self.change()
        if c.percent(4) and (self.client.step(0) != BUSY or self.client.connect() != BUSY):
            w.fail("codes", "step() or connect() inside a handler is not BUSY")
        if c.percent(2) and self.client.state > DOWN:
            self.stop()
        if c.percent(5):
            self.raised += 1
            w.count("handlers that raised")
            raise OwnFault()

    # Events.

    def _event(self, kind, a, b):
        self._guarded(self._hear, kind, a, b)

    def _hear(self, kind, a, b):
        w = self.world
        if w.tracing:
            w.say(
                "   event %s %d %d"
                % (["", "CONNECTED", "ACKED", "FAILED", "SUBACK", "UNSUBACK", "CLOSED"][kind], a, b)
            )
        link = self.client.transport
        link.catch_up()
        if kind == 4:
            flt = self.ids.get(a, b"?")
            self.denied[flt] = b > 2
            self.judge.suback(flt, b)
        self.judge.event(kind, a, b, link)
        if kind == 6:
            self.leaving = False
            self.judge.begun_at = -1
            if w.chance.percent(4) and not w.calm:
                self._fill()
        elif kind == 2 or kind == 3:
            self._some(2)
            if w.chance.percent(1) and not w.calm:
                self.stop()

    # Leaving.

    def stop(self):
        """An orderly end, and a new start a little later."""
        w = self.world
        self.driver.stop()
        if self.client.state > DOWN:
            self.leaving = True
        w.count("orderly ends")
        w.awake = True
        w.later(w.t + w.chance.pick((0, 10, 600, 5000)), self.start, None)

    def start(self, _):
        """Want a connection."""
        self.driver.start()
        self.world.awake = True

    def final(self):
        """Counters agree with what was told and seen, and nothing is left."""
        judge = self.judge
        out = judge.out
        inn = judge.inn
        c = self.client
        pairs = (
            ("sent + resent", c.sent + c.resent, out.whole),
            ("acked", c.acked, out.n_acked),
            ("failed", c.failed, out.n_failed),
            ("uncertain", c.uncertain, out.n_uncertain),
            ("dropped", c.dropped, out.n_dropped),
            ("replaced", c.replaced, self.world.tally.get("publishes replaced", 0)),
            ("refused", c.refused, self.refused),
            ("received", c.received, inn.received),
            ("unmatched", c.unmatched, inn.unmatched),
            ("oversize", c.oversize, inn.oversize),
            ("withheld", c.withheld, inn.withheld),
            ("handler_errors", c.handler_errors, self.raised),
            ("connects", c.connects, judge.connects),
            ("closes", c.closes, judge.closes),
            ("malformed", c.malformed, judge.malformed),
            ("stray", c.stray, out.strays),
            ("queued", c.queued, 0),
            ("inflight", c.inflight, 0),
        )
        for name, got, want in pairs:
            if got != want:
                self.world.fail("counters", "%s is %d, must be %d" % (name, got, want))
        if c.pings < judge.pings:
            self.world.fail("counters", "pings %d, seen %d" % (c.pings, judge.pings))
        self._leaks()

    def _leaks(self):
        o = inside(self.client, "outbox")
        left = [inside(o, name) for name in ("count", "passed", "inflight", "tail", "lone")]
        left += (max(inside(o, "ids")), max(inside(self.client, "held", "ids")))
        if max(left):
            self.world.fail("no leak", "outbox and held: %r" % (left,))
        s = inside(self.client, "subscriptions")
        left = [inside(s, "todo"), inside(s, "awaiting"), max(inside(s, "ids"))]
        names = ("acks_to", "left", "dropped_first", "done_first", "news")
        left += [inside(self.client, name) for name in names]
        if max(left):
            self.world.fail("no leak", "requests and acks: %r" % (left,))
        subs = [flt for flt, _ in self.world.server.session.subs]
        declared = [flt for flt, _, _ in self.declared]
        wanted = [flt for flt in declared if not self.denied.get(flt)]
        if [f for f in subs if f not in declared] or [f for f in wanted if f not in subs]:
            self.world.fail("subscriptions", "the broker has %r, wanted: %r" % (subs, wanted))

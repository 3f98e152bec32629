"""Judges a run while it runs: what the client writes, reads, tells, and how long it takes.

Knows nothing of the client's insides: it sees the bytes that pass the transport, the calls of the
application and the events. outward.py and inward.py keep the two accounts of messages.
"""

import peer
from ends import SLACK, cause
from inward import Inward
from outward import Outward

HOUR = 3600000


class Judge:
    """Of one run."""

    def __init__(self, world):
        self.world = world
        self.plan = world.plan
        self.fail = world.fail
        self.out = Outward(world, self)
        self.inn = Inward(world, self)
        self.conn = None
        self.up = False  # CONNECTED was told
        self.over = True  # CLOSED was told
        self.illegal = -1  # number of the connection on which the broker broke the rules
        self.must_close = -1  # the same, read to its last byte
        self.refused = 0  # CONNACK code read
        self.requests = {}  # packet id -> (filter or None, when)
        self.unheard = 0  # CONNECTs written since a CONNACK was read
        self.pinged_at = -1
        self.pings = 0
        self.last_ping = -HOUR
        self.spoke_at = 0  # the last packet written whole
        self.excuse = 0  # ms in which the client could not write, since then
        self.greeted = self.parted = False  # CONNECT, DISCONNECT written whole
        self.begun_at = 0  # connect() was called
        self.connects = self.closes = self.malformed = 0
        self.subacks = []  # (filter, code) the client has read and must tell of
        self.held = {}  # filter -> True: granted in this session
        self.matched = {}

    def matches(self, flt, topic):
        """Section 4.7, by levels."""
        key = (flt, topic)
        if key not in self.matched:
            self.matched[key] = _matches(flt.split(b"/"), topic.split(b"/"))
        return self.matched[key]

    # Connections.

    def opened(self, conn):
        """The transport opened."""
        if not self.over and self.conn is not None and not self.conn.closed:
            self.fail("transport", "a second connection while one is open")
        self.conn = conn
        self.over = self.up = self.greeted = self.parted = False
        self.requests = {}
        self.pinged_at = -1
        self.last_ping = -HOUR
        self.refused = 0
        self.excuse = 0
        self.spoke_at = self.world.t
        self.subacks = []
        self.out.opened()
        self.inn.opened()

    def ended(self, conn):
        """The client closed the transport."""
        self.out.ended(conn.rest)

    # Bytes written: every packet, whether it arrives or not.

    def sent(self, conn, p, raw):
        """The client wrote a packet to its last byte."""
        kind = p.kind
        w = self.world
        if w.tracing:
            w.say("-> %s" % show(p), conn)
        if self.parted:
            return self.fail("legal packets", "%r after DISCONNECT" % p)
        if (kind == peer.CONNECT) == self.greeted:
            return self.fail("legal packets", "%r; CONNECT is the first packet, and once" % p)
        w.mix(kind, self.spoke_at)
        self._spoke()
        if kind == peer.PUBLISH:
            if not self.up:
                return self.fail("legal packets", "PUBLISH before CONNACK")
            return self.out.sent_publish(conn, p, raw)
        if kind == peer.PUBACK:
            return self.inn.sent(self.inn.ack, p.id, "PUBACK")
        if kind == peer.PUBREC:
            return self.inn.sent(self.inn.rec, p.id, "PUBREC")
        if kind == peer.PUBCOMP:
            return self.inn.sent(self.inn.comp, p.id, "PUBCOMP")
        if kind == peer.PUBREL:
            return self.out.sent_pubrel(conn, p.id)
        return self._sent_other(kind, p)

    def _sent_other(self, kind, p):
        if kind == peer.CONNECT:
            self.greeted = True
            self.unheard += 1
            if (p.client_id, p.keepalive, p.clean) != (
                b"sim",
                self.plan.keepalive,
                self.plan.clean,
            ):
                self.fail("legal packets", "CONNECT is not as configured: %r" % p)
        elif kind == peer.PINGREQ:
            self.pings += 1
            if self.world.t - self.last_ping < self.plan.keepalive * 500:
                self.fail("keep alive", "a PINGREQ that nobody needs")
            self.last_ping = self.world.t
            if self.pinged_at < 0:
                self.pinged_at = self.world.t
        elif kind == peer.DISCONNECT:
            self.parted = True
        elif kind == peer.SUBSCRIBE:
            flt = p.filters[0][0]
            self._request(p.id, flt)
            if flt in self.held:
                self.fail("subscriptions", "%r is held and was asked for again" % flt)
        elif kind == peer.UNSUBSCRIBE:
            self._request(p.id, None)
            self.held.pop(p.filters[0], None)

    def _request(self, pid, flt):
        if pid in self.requests or pid in self.out.in_use:
            self.fail("packet ids", "a request takes id %d, which is in use" % pid)
        self.requests[pid] = flt, self.world.t

    def _spoke(self):
        limit = self.plan.keepalive * 1000
        if limit and self.up:
            gap = self.world.t - self.spoke_at - self.excuse
            if gap > limit + SLACK:
                self.fail("keep alive", "%d ms between packets" % gap)
        self.spoke_at = self.world.t
        self.excuse = 0

    # Packets read.

    def got(self, conn, kind, pid, more):
        """The client read a packet to its last byte."""
        w = self.world
        if w.tracing:
            w.say(
                "<- %s %s %s" % (peer.NAMES[kind], pid or "", more if more is not None else ""),
                conn,
            )
        if conn.closed or self.parted or w.node.leaving:
            return None  # read past on the way out
        w.mix(kind + 16, pid)
        self.inn.settled()
        if kind == peer.PUBLISH:
            return self.inn.got_publish(conn, more)
        if kind == peer.PUBACK:
            return self.out.got_puback(conn, pid)
        if kind == peer.PUBREC:
            return self.out.got_pubrec(conn, pid)
        if kind == peer.PUBCOMP:
            return self.out.got_pubcomp(conn, pid)
        if kind == peer.PUBREL:
            return self.inn.got_pubrel(pid)
        return self._got_other(conn, kind, pid, more)

    def _got_other(self, conn, kind, pid, more):
        if kind == peer.CONNACK:
            self._got_connack(pid, more)
        elif kind == peer.PINGRESP:
            self.pinged_at = -1
        elif kind == peer.SUBACK or kind == peer.UNSUBACK:
            if kind == peer.SUBACK:
                self.inn.settle()
            flt, _ = self.requests.pop(pid, (None, 0))
            if kind == peer.SUBACK and flt:
                self.subacks.append((flt, more))
                if more < 3:
                    self.held[flt] = True
        else:
            self.illegal = self.must_close = conn.no  # see trouble.py

    def _got_connack(self, code, more):
        if code:
            self.refused = code
            self.unheard -= 1
            return
        present, session = more
        if present and not self.plan.clean:
            if not session.known:
                self.world.count("sessions lost unnoticed")
                self.out.lost_unnoticed()
            if self.unheard > 1:
                self.world.count("sessions resumed in doubt")
                self.held = {}
                self.inn.in_doubt()
            self.out.resumed()
        else:
            self.held = {}
            self.out.lost_session()
            self.inn.lost_session()
        session.known = True
        self.unheard = 0

    def arrived(self, p):
        """A message of the client's reached the other side."""
        self.out.arrived(p)

    def accepted(self, note):
        """A message to the client was answered to the end."""
        self.inn.accepted(note)

    # Events.

    def connected(self, present):
        """CONNECTED."""
        self.connects += 1
        if self.up or self.over:
            self.fail("events", "CONNECTED twice, or without a connection")
        self.up = True
        self.spoke_at = self.world.t

    def closed(self, reason, detail, link):
        """CLOSED: there must be a cause, and the transport must be closed."""
        self.closes += 1
        if link.is_open:
            self.fail("transport", "CLOSED, and still open")
        why = cause(self, reason, detail, link)
        if why:
            self.fail("no end without cause", "CLOSED(%d, %d): %s" % (reason, detail, why))
        if self.up:
            self.world.count("disconnections")
        self.over = True
        self.up = False

    def oldest(self):
        """Age of the oldest unanswered publish or request; -1: none."""
        ages = [self.out.oldest(self.conn)]
        ages += [self.world.t - when for _, when in self.requests.values()]
        return max(ages)

    def event(self, kind, a, b, link):
        """What on_event was told."""
        self.world.mix(kind + 32, a)
        if kind == 2:
            self.out.acked(a, b)
        elif kind == 3:
            self.out.given_up(a, b)
        elif kind == 1:
            self.connected(a)
        elif kind == 6:
            self.closed(a, b, link)

    def suback(self, flt, code):
        """SUBACK was told of this filter."""
        if not self.subacks or self.subacks.pop(0) != (flt, code):
            self.fail("subscriptions", "SUBACK %r %d told, and never came" % (flt, code))

    # After each step.

    def stepped(self, link, idle):
        """A step is over. `idle`: it could read and write all it wanted."""
        self.out.stepped()
        self.inn.settled()
        if self.subacks:
            self.fail("subscriptions", "untold: %r" % self.subacks)
        if not self.up or self.over or not idle:
            return
        if (self.inn.owes() or self.out.rel) and not self.parted and not self.world.node.leaving:
            self.fail(
                "answers", "owed and not sent: %r" % [self.inn.ack, self.inn.rec, self.out.rel]
            )
        if self.must_close == self.conn.no and not self.world.node.leaving:
            self.fail("no fault of the peer is passed over", "still up")
        self._punctual()

    def _punctual(self):
        w = self.world
        limit = self.plan.ack_timeout + SLACK + w.late
        keep = self.plan.keepalive * 1000
        if w.node.leaving:
            return
        if self.oldest() > limit:
            self.fail("time-outs", "unanswered for %d ms" % self.oldest())
        if self.pinged_at >= 0 and w.t - self.pinged_at > limit:
            self.fail("time-outs", "PINGRESP overdue by far")
        if keep and w.t - self.spoke_at - self.excuse > keep + SLACK:
            self.fail("keep alive", "%d ms without a packet" % (w.t - self.spoke_at))


def _matches(flt, topic):
    if topic[0][:1] == b"$" and flt[0] != topic[0]:
        return False  # [MQTT-4.7.2-1]
    for k in range(len(flt)):
        if flt[k] == b"#":
            return True
        if k >= len(topic):
            return False
        if flt[k] != b"+" and flt[k] != topic[k]:
            return False
    return len(flt) == len(topic)


def show(p):
    """A packet for the trace."""
    if p.kind == peer.PUBLISH:
        text = "PUBLISH %d q%d%s%s" % (
            p.id,
            p.qos,
            " DUP" if p.dup else "",
            " retain" if p.retain else "",
        )
        return text + " %r %r" % (p.topic, p.payload[:8])
    return repr(p)

"""Everything that goes wrong, in turn: a shuffled deck of all kinds, again and again.

A kind is counted where it takes effect, which for some is later than where it is arranged; one
that does not apply at the moment stays in the deck.
"""

import peer
from link import ECONNREFUSED

NO_ROUTE = -113


class Trouble:
    """Of one run."""

    def __init__(self, world):
        self.world = world
        self.chance = world.chance
        self.deck = []
        self.refuse_until = 0
        self.hangs = 0
        self.kinds = [
            self.reset, self.cut_sent, self.cut_received, self.half_out, self.half_in, self.half_both,
            self.broker_closes, self.restart, self.restart_empty, self.forget, self.refuse,
            self.hang, self.refuse_connect, self.silent_connack, self.stuck, self.stuck_long,
            self.no_pong, self.no_acks, self.block, self.block_long, self.trickle, self.stop,
            self.hold, self.rogue, self.illegal, self.change, self.late, self.cut_at_end,
        ]  # fmt: skip

    def fate(self):
        """What an open() meets: (ms or -1 for never, errno or 0)."""
        w = self.world
        if not w.server.up or w.t < self.refuse_until:
            w.count("connections refused")
            return self.chance.below(300), self.chance.pick((ECONNREFUSED, NO_ROUTE))
        if self.hangs:
            self.hangs -= 1
            w.count("connections never made")
            return -1, 0
        return self.chance.pick((0, 3, w.delay(), w.delay() * 2)), 0

    def strike(self):
        """The next trouble."""
        if not self.deck:
            self.deck = list(self.kinds)
            self.chance.shuffle(self.deck)
        for k in range(len(self.deck)):
            kind = self.deck[k]
            if kind() is not False:
                self.deck.pop(k)
                if self.world.tracing:
                    self.world.say("!! %s" % getattr(kind, "__name__", kind))
                return

    def at_wrap(self, _):
        """The clock is about to wrap: something with a time-out."""
        self.chance.pick(
            (self.no_acks, self.half_in, self.hang, self.block_long, self.stuck_long, self.late)
        )()

    def heal(self):
        """The network and the broker are well from now on; what is half-open stays so."""
        self.refuse_until = self.hangs = 0
        s = self.world.server
        s.up = True
        s.refusals = 0
        s.silent_next = False
        s.stuck_until = 0
        self.world.node.driver.hold = False

    def _conn(self):
        # The connection that the client has, and that nothing has befallen yet.
        c = self.world.link_conn()
        if c and not (c.error or c.eof or c.gone or c.up_dead or c.down_dead):
            return c
        return None

    def _busy(self):
        # Troubles in the middle of something need something going on.
        c = self.chance
        self.world.node.burst(c.between(2, 12))
        self.world.commands(c.between(1, 6))

    # The connection.

    def reset(self):
        c = self._conn()
        if not c:
            return False
        self._busy()
        return self._soon(self._reset, c)

    def _soon(self, what, conn):
        w = self.world
        w.later(w.t + self.chance.below(w.plan.latency * 3 + 5), what, conn)

    def _reset(self, conn):
        if not conn.error:
            self.world.count("resets")
            conn.cut(self.chance.percent(70), self.chance.percent(50))

    def cut_sent(self):
        c = self._conn()
        if not c:
            return False
        c.cut_up_in = self.chance.below(200)
        return self._busy()

    def cut_received(self):
        c = self._conn()
        if not c:
            return False
        c.cut_down_in = self.chance.between(1, 100)
        return self._busy()

    def cut_at_end(self):
        # A reset just when the next acknowledgements would go out.
        c = self._conn()
        if not c:
            return False
        self.world.commands(self.chance.between(1, 8))
        c.cut_up_in = self.chance.between(1, 30)
        return None

    def _half(self, up, down, name):
        c = self._conn()
        if not c or not (self.world.plan.keepalive or up):
            return False
        self._busy()
        c.up_dead = c.up_dead or up
        c.down_dead = c.down_dead or down
        self.world.count(name)
        return None

    def half_out(self):
        return self._half(True, False, "half-open, sending")

    def half_in(self):
        return self._half(False, True, "half-open, receiving")

    def half_both(self):
        return self._half(True, True, "half-open, both ways")

    def block(self):
        return self._block(self.chance.between(1, self.world.plan.ack_timeout // 2), "short blocks")

    def block_long(self):
        return self._block(self.world.plan.ack_timeout * 3, "long blocks")

    def _block(self, ms, name):
        c = self._conn()
        w = self.world
        if not c:
            return False
        c.block_until = w.t + ms
        w.count(name)
        w.later(c.block_until, w.wake, None)
        if self.chance.percent(50):
            w.node.change()
        return self._busy()

    def trickle(self):
        c = self._conn()
        if not c:
            return False
        c.trickle = self.chance.pick((1, 1, 2, 3, 7))
        self.world.count("connections byte by byte")
        return self._busy()

    def late(self):
        w = self.world
        ms = self.chance.between(1, 300)
        w.late = max(w.late, ms)
        w.asleep_until = w.t + ms
        w.count("steps delayed")
        return self._busy()

    # The broker.

    def broker_closes(self):
        c = self._conn()
        if not c:
            return False
        self._busy()
        self.world.count("ends by the broker")
        return self._soon(self.world.server.close, c)

    def restart(self):
        return self._down("broker restarts, sessions kept")

    def restart_empty(self):
        s = self.world.server
        if not s.session or self.world.plan.clean:
            return False
        self._busy()
        self._soon(self._empty, None)
        return None

    def _empty(self, _):
        self.world.server.forget()
        self.world.server.silent_next = self.chance.percent(40)
        self._down("broker restarts, sessions lost")

    def _down(self, name):
        w = self.world
        s = w.server
        if not s.up:
            return False
        self._busy()
        s.up = False
        c = s.conn
        if c:
            # A dying broker's machine resets; a dying machine says nothing.
            if self.chance.percent(70):
                c.cut(True, self.chance.percent(50))
            else:
                c.up_dead = c.down_dead = c.gone = True
            s.conn = None
        w.count(name)
        w.later(w.t + self.chance.pick((100, 3000, 60000)), self._back, None)
        return None

    def _back(self, _):
        self.world.server.up = True

    def forget(self):
        s = self.world.server
        if not s.session or self.world.plan.clean:
            return False
        if s.conn:
            self._busy()
            s.conn.cut(True)
            s.conn = None
        s.forget()
        s.silent_next = self.chance.percent(70)
        self.world.count("sessions forgotten")
        return None

    def refuse(self):
        self.refuse_until = self.world.t + self.chance.pick((500, 5000, 60000))
        return self._reconnect()

    def hang(self):
        self.hangs += self.chance.between(1, 3)
        return self._reconnect()

    def refuse_connect(self):
        s = self.world.server
        s.refuse_next = self.chance.between(1, 6)
        s.refusals = self.chance.between(1, 3)
        return self._reconnect()

    def silent_connack(self):
        self.world.server.silent_next = True
        return self._reconnect()

    def _reconnect(self):
        c = self._conn()
        if c:
            self._busy()
            self._soon(self._reset, c)

    def stuck(self):
        return self._stuck(self.chance.between(1, 1500))

    def stuck_long(self):
        return self._stuck(self.world.plan.ack_timeout * self.chance.between(1, 3))

    def _stuck(self, ms):
        s = self.world.server
        s.stuck_until = max(s.stuck_until, self.world.t + ms)
        self.world.count("broker stuck")
        return self._busy()

    def no_pong(self):
        c = self._conn()
        if not c or not self.world.plan.keepalive:
            return False
        c.no_pong = True
        return None

    def no_acks(self):
        c = self._conn()
        if not c:
            return False
        c.no_acks = True
        self.world.count("acks withheld")
        return self._busy()

    def rogue(self):
        # Acks for ids that nobody uses: odd, and to be answered as the standard says.
        c = self._conn()
        judge = self.world.judge
        if not c or c is not self.world.server.conn:
            return False
        pid = self.chance.between(1000, 60000)
        if pid in judge.out.in_use or pid in judge.requests:
            return False
        kind = self.chance.pick((peer.PUBACK, peer.PUBREC, peer.PUBREL, peer.PUBCOMP))
        make = {
            peer.PUBACK: peer.puback,
            peer.PUBREC: peer.pubrec,
            peer.PUBREL: peer.pubrel,
            peer.PUBCOMP: peer.pubcomp,
        }
        c.push(make[kind](pid), kind, pid)
        self.world.count("acks for unknown ids")
        return None

    def illegal(self):
        # What no broker may send: the client must end the connection.
        c = self._conn()
        if not c or c is not self.world.server.conn:
            return False
        choices = (
            b"\x00\x00", b"\xf0\x00", b"\x36\x05\x00\x01ax\x01", b"\x60\x02\x00\x01", b"\x41\x02\x00\x01",
            b"\x20\x02\x00\x00", b"\x40\x02\x00\x00", b"\x90\x03\x00\x01\x03", b"\x30\x02\x00\x00",
            b"\x32\x05\x00\x01a\x00\x00", b"\x30\x05\x00\x01+xx", b"\x30\xff\xff\xff\xff\x01",
            b"\xd0\x01x", b"\x82\x02\x00\x01", b"\x10\x00", b"\x62\x03\x00\x01x",
        )  # fmt: skip
        packet = self.chance.pick(choices)
        c.push(packet, 0, 0, len(packet))
        self.world.count("illegal packets")
        return None

    # The application.

    def stop(self):
        if not self.world.node.client.state:
            return False
        self._busy()
        return self.world.node.stop()

    def hold(self):
        w = self.world
        w.node.driver.hold = True
        w.count("holds")
        w.later(w.t + self.chance.pick((1000, 30000)), self._unhold, None)
        return self._reconnect()

    def _unhold(self, _):
        self.world.node.driver.hold = False
        self.world.awake = True

    def change(self):
        self.world.node.change()

"""Everything that goes wrong, in turn: a shuffled deck of all kinds, again and again.

A kind is counted where it takes effect, which for some is later than where it is arranged; one
that does not apply at the moment stays in the deck.
"""

from mischief import Mischief

ECONNREFUSED, NO_ROUTE = -111, -113


class Trouble(Mischief):
    """Of one run."""

    def __init__(self, world):
        self.world = world
        self.chance = world.chance
        self.deck = []
        self.refuse_until = 0
        self.hangs = 0
        self.kinds = [
            self.reset, self.cut_sent, self.cut_received, self.half_out, self.half_in,
            self.half_both, self.broker_closes, self.restart, self.restart_empty, self.forget,
            self.refuse, self.hang, self.refuse_connect, self.silent_connack, self.stuck,
            self.stuck_long, self.no_pong, self.no_acks, self.block, self.block_long,
            self.trickle, self.stop, self.hold, self.rogue, self.illegal, self.change, self.late,
            self.cut_at_end,
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
        s.retained = {}  # or every new session of a reconnect would bring them again
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
        # And, while its request is under way, something that needs packet ids.
        w = self.world
        w.node.change()
        w.later(w.t + 1, w.node.burst, self.chance.between(1, 5))

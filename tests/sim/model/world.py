"""One run: everything that one seed decides, on virtual time, until all is quiet and judged.

Events wait in a heap by time; the client is stepped when its transport has something for it, when
the application did something, and by its own deadline(), never otherwise: a wrong deadline shows.
"""

import heapq
import sys

from application import COMMANDS, Node
from chance import Chance
from judge import Judge
from link import Link
from plan import Plan
from server import Server
from trouble import Trouble

MASK = (1 << 30) - 1
FILL = bytes([k * 7 % 95 + 32 for k in range(256)])
STATES = ("DOWN", "OPENING", "CONNECTING", "UP", "CLOSING")
SPIN = 60  # steps in a row, at one time, that move nothing
STORM = 50000  # steps at one time, whatever they move
CALM = 60000 * 20  # ms in which something must move on, until all is at rest


class World:
    """`say(text)` is given each line of the trace, if there is one."""

    def __init__(self, seed, scale=100, trace=None):
        self.seed = seed
        self.trace = trace
        self.tracing = trace is not None
        self.failure = None  # (property, text) of the first failure
        self.t = 0
        self.chance = Chance(seed)
        self.plan = Plan(self.chance, scale)
        self.tick0 = MASK - self.plan.wrap_at
        self.tally = {}
        self.digest = seed & MASK
        self.calm = False
        self.awake = False
        self.asleep_until = 0
        self.late = 0
        self.due = -1
        self.steps_now = 0
        self.stepped_at = -1
        self.mark = -1  # where the last step left things
        self.still = 0  # steps since then that moved nothing
        self._heap = []
        self._pushed = 0
        self.conns = 0
        self.trouble = Trouble(self)
        self.judge = Judge(self)
        self.server = Server(self)
        self.links = [Link(self) for _ in range(self.plan.links)]
        self.node = Node(self)
        self.steps = 0
        self.stepping = False  # the client is within its step()

    # For the others.

    def count(self, name):
        """One more of these."""
        self.tally[name] = self.tally.get(name, 0) + 1

    def fail(self, prop, text):
        """A property does not hold; the first one counts."""
        if self.failure is None:
            self.failure = prop, text
            if self.tracing:
                self.say("## %s: %s" % (prop, text))

    def say(self, text, conn=None):
        """A line of the trace."""
        if self.trace:
            where = " #%d" % conn.no if conn else ""
            self.trace("%10.3f%s %s" % (self.t / 1000, where, text))

    def mix(self, a, b):
        """Into the fingerprint of the run."""
        self.digest = (self.digest * 31 + a * 7919 + b + self.t) & MASK

    def later(self, at, what, arg):
        """Call what(arg) at that time."""
        self._pushed += 1
        heapq.heappush(self._heap, (at, self._pushed, what, arg))

    def wake(self, _):
        """The client is stepped at once."""
        self.awake = True

    def delay(self):
        """One way through the network."""
        return self.plan.latency + self.chance.below(self.plan.jitter + 1)

    def link_conn(self):
        """The connection the client has, or None."""
        link = self.node.client.transport
        return link.conn if link.is_open else None

    def payload(self, mark, number, size):
        """A payload that says which it is, and is known to its last byte."""
        start = number * 11 % 100
        return mark + b"%d:" % number + FILL[start : start + size]

    def number_of(self, payload):
        """Which payload it is; -1: none of ours."""
        end = payload.find(b":")
        return int(payload[1:end]) if end > 1 and payload[1:end].isdigit() else -1

    def ticks(self):
        """The clock that the client is shown."""
        return (self.tick0 + self.t) & MASK

    def commands(self, n):
        """The other side publishes `n` messages."""
        c = self.chance
        for _ in range(n):
            size = c.pick((0, 5, 12, 12, 40, 150))
            topic = c.pick(COMMANDS)
            if topic == b"big/1":
                size = c.pick((20, 100, 150))
            self.server.publish(topic, size, c.below(3), c.percent(5))

    # The run.

    def run(self):
        """All of it. True if every property held."""
        self._arrange()
        self.node.start(None)
        self._until(self.plan.length)
        if not self.failure:
            self._settle()
        if not self.failure:
            self.judge.out.final()
            self.judge.inn.final()
            self.node.final()
        return self.failure is None

    def _arrange(self):
        c = self.chance
        plan = self.plan
        for _ in range(plan.bursts):
            self.later(c.below(plan.length), self._burst, None)
        for _ in range(plan.faults):
            self.later(c.below(plan.length), self._strike, None)
        # Something has to be under way when the clock wraps.
        self.later(max(0, plan.wrap_at - c.below(3000)), self.trouble.at_wrap, None)

    def _burst(self, _):
        c = self.chance
        if c.percent(65):
            self.node.burst(c.between(1, self.plan.burst))
        if c.percent(65):
            self.commands(c.between(1, self.plan.burst))

    def _strike(self, _):
        self.trouble.strike()

    def _until(self, end):
        heap = self._heap
        while self.failure is None:
            at = heap[0][0] if heap else end + 1
            step_at = self.t if self.awake else self.due
            if step_at >= 0:
                if step_at < self.asleep_until:
                    step_at = self.asleep_until
                if step_at < at:
                    at = step_at
            if at > end:
                self.t = end
                return
            if at > self.t:
                self._pass(at)
            while heap and heap[0][0] <= at:
                _, _, what, arg = heapq.heappop(heap)
                self._call(what, arg)
            if (self.awake or 0 <= self.due <= self.t) and self.t >= self.asleep_until:
                self._step()

    def _call(self, what, arg):
        try:
            what(arg)
        except Exception as error:
            self._raised("no call raises", error)

    def _raised(self, prop, error):
        if self.tracing and hasattr(sys, "print_exception"):
            sys.print_exception(error)
        self.fail(prop, "%s: %s" % (type(error).__name__, error))

    def _pass(self, at):
        if (self.tick0 + self.t) & MASK > (self.tick0 + at) & MASK:
            self.count("clock wraps")
        self.t = at

    def _step(self):
        node = self.node
        link = node.client.transport
        link.reads = link.writes = link.opens = 0
        link.full = False
        self.awake = False
        self.steps += 1
        self.stepping = True
        try:
            state = node.driver.step(self.ticks())
        except Exception as error:
            self._raised("no call raises", error)
            return
        self.stepping = False
        if state == 1 and self.judge.begun_at < 0:
            self.judge.begun_at = self.t
        link = node.client.transport
        if link.is_open and link.readable() and (link.reads or not link.full):
            self.awake = True  # not while its answers wait for a full transport
        link.catch_up()
        idle = not self.awake and not (link.full or (link.conn and link.conn.blocked_at >= 0))
        self.judge.stepped(link, idle and self.t >= self.asleep_until)
        self._deadline(node.driver)
        self._progress(link.conn, state)

    def _progress(self, conn, state):
        mark = self.t * 10 + state + self.conns
        if conn:
            mark += conn.written + conn.read
        self.still = self.still + 1 if mark == self.mark else 0
        self.mark = mark
        self.steps_now = self.steps_now + 1 if self.stepped_at == self.t else 0
        self.stepped_at = self.t
        if self.steps_now > STORM:
            self.fail("no spin", "%d steps at one time" % STORM)
        if self.still > SPIN:
            self.fail("no spin", "%d steps at one time moved nothing" % SPIN)

    def _deadline(self, driver):
        d = driver.deadline()
        if not -1 <= d <= MASK:
            self.fail("deadline", "%d is no tick value" % d)
        if d < 0:
            self.due = -1
        else:
            d = (d - self.ticks()) & MASK
            self.due = self.t if d >> 29 else self.t + d

    def _settle(self):
        # No new troubles, no new work but a probe; then nothing may be left undone.
        self.calm = True
        self.trouble.heal()
        self.node.todo = 0
        self.node.start(None)
        end = self.t + CALM
        most = 0
        while self.failure is None:
            self.node.publish(1)
            self._until(self.t + 10000)
            if self._quiet():
                return
            if self.judge.up and self._stuck():
                self.count("reconnects for what was withheld")
                self.server.close(self.server.conn)
            if self.judge.inn.dealt_with > most:
                most = self.judge.inn.dealt_with
                end = self.t + CALM
            if self.t > end:
                self.fail("recovery", self._undone())

    def _stuck(self):
        s = self.server
        return s.session and s.conn and [n for n in s.session.flight if n.withheld]

    def _quiet(self):
        s = self.server
        if not self.judge.up or not s.session or not s.conn or self.judge.requests:
            return False
        if s.session.flight or s.session.queue or s.session.received:
            return False
        return not self._undone() and self.node.client.queued == 0

    def _undone(self):
        waiting = [m for m in self.judge.out.mails if m.end is None]
        left = "" if self.judge.up else "not connected; "
        if waiting:
            left += "unfinished: %r " % waiting[:3]
        if self.server.session and self.server.session.flight:
            left += "to the client: %r" % self.server.session.flight[:3]
        return left

"""One configured device in its place: when it is read, what is published, what it is told.

The device knows its hardware and its payload; the slot knows time, topic and client. A device is
dirty while it holds something not yet accepted by the outbox, and the mark stays until it is.
Sampling is the one place where foreign code may raise: it is caught here and counted, so a broken
device kind stops only itself. Nothing here allocates after set-up.
"""

from mqtt._shim import const
from node.clock import later, since

_RAISED = const(-99)  # sample() raised an exception
_FIRST_MS = const(2000)  # sensors want 2 s after power-up
_STAGGER_MS = const(400)  # so that slow reads do not fall into one step


class Slot:
    """`device`, called `name`, is the `index`-th of the `node`. `outlet`: a publication, or only a
    topic for a device whose states never replace each other."""

    def __init__(self, node, device, name, outlet, index):
        self.device = device
        self.name = name
        self.fresh = False  # read, and not yet offered to the outbox
        self.sampled = device.every > 0
        self._node = node
        self._outlet = outlet
        self._interval = device.every * 1000
        self._due = later(node.clock.now, _FIRST_MS + index * _STAGGER_MS)
        self._regular = self._due  # the next read of the interval's grid, if that is another
        self._last = -1  # when it was read; -1 = never
        self._bad = 0  # failures in a row

    def step(self, now):
        """Let the device's own time run. True when a reading is due."""
        device = self.device
        if hasattr(device, "tick") and device.tick(now):
            self._node.log.say("I", self.name, device.note(), ", its time is up")
        return self.sampled and since(now, self._due) >= 0

    def hurry(self, now):
        """Read as soon as the sensor allows."""
        if self.sampled and self._last >= 0 and since(self._due, now) > 0:
            earliest = later(self._last, self.device.GAP_MS)
            self._due = self._regular = now if since(now, earliest) >= 0 else earliest

    def read(self, now):
        """Sample, tell failures, and plan the next read."""
        waiting = self.device.dirty
        code = self._sample(now)
        self._last = now
        self._plan(now, code)
        if code:
            self._failed(code)
            return
        self.fresh = True
        self._node.lost += waiting
        if self._bad:
            self._node.log.say("I", self.name, "reads again, after failures: ", self._bad)
            self._bad = 0

    def publish(self, out):
        """Hand the state to the client. Its answer: a handle, or a negative code."""
        device = self.device
        to = self._outlet
        self.fresh = False
        if device.replace:
            out.open(to.buf, to.start)
            device.encode(out)
            code = to.send(out.at - to.start)
        else:
            out.open()
            device.encode(out)
            code = self._node.send(to, device.qos, device.retain)
        if code > 0:
            device.dirty = False
        return code

    def _sample(self, now):
        with self._node.guard:
            return self.device.sample(now)
        return _RAISED

    def _plan(self, now, code):
        # A failed read of the grid is followed by one more as soon as the sensor allows.
        gap = self.device.GAP_MS
        again = code and self._due == self._regular and self._interval >= 2 * gap
        if self._due == self._regular:
            self._regular = later(self._regular, self._interval)
        if since(self._regular, now) < gap:
            self._regular = later(now, gap)  # late, or as often as the sensor allows
        self._due = later(now, gap) if again else self._regular

    def _failed(self, code):
        why = self._node.guard.name
        if code == _RAISED:
            self._node.errors += 1
        else:
            why = self.device.why(code)
        # The 1st, 2nd, 4th, 8th ... failure in a row makes a line: a broken sensor does not flood.
        self._bad += 1
        if not self._bad & self._bad - 1:
            self._node.log.say("W", self.name, why, "; failures in a row: ", self._bad)

    def obey(self, msg):
        """The handler of the device's commands."""
        node = self._node
        # A retained one may be days old, and comes again at every reconnect.
        why = "it is retained; publish commands without retain"
        if not msg.retain:
            why = self._command(msg, node.clock.now)
        if why:
            node.bad_commands += 1
            node.log.say("W", self.name, "command refused: ", why)
        else:
            node.log.say("I", self.name, self.device.note(), ", by command")

    def _command(self, msg, now):
        code = self.device.command(msg.buf, msg.payload_start, msg.payload_end, now)
        return self.device.why(code) if code else ""

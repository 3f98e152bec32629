"""One configured device in its place: when it is read, what is published, what it is told.

The device knows its hardware and its payload; the slot knows time, topic and client. A device is
dirty while it holds something not yet accepted by the outbox, and the mark stays until it is.
Sampling is the one place where foreign code may raise: it is caught here and counted, so a broken
device kind stops only itself. Nothing here allocates after set-up.
"""

from mqtt._shim import const
from node.clock import later, since
from node.guard import Guard

RAISED = -99  # sample() raised an exception

_FIRST_MS = const(2000)  # sensors want 2 s after power-up
_STAGGER_MS = const(400)  # so that slow reads do not fall into one step


class Slot:
    """`index` is the place among the devices; the rest are the node's parts."""

    def __init__(self, device, name, topic, index, client, clock, log):
        self.device = device
        self.name = name
        self.pub = client.prepare(
            topic + b"state", device.SIZE, device.qos, device.retain, device.replace
        )
        self.lost = 0  # readings overwritten before the outbox had room
        self.refused = 0  # commands refused
        self.fresh = False  # read, and not yet offered to the outbox
        self.guard = Guard()
        self.sampled = device.every > 0
        self.timed = hasattr(device, "tick")
        self._interval = device.every * 1000
        self._due = later(clock.now, _FIRST_MS + index * _STAGGER_MS)
        self._regular = self._due  # the next read of the interval's grid
        self._last = -1  # when it was read; -1 = never
        self._again = False  # the next read is the early one after a failure
        self._bad = 0  # failures in a row
        self._clock = clock
        self._log = log
        if hasattr(device, "command"):
            client.subscribe(topic + b"set", 1, self._obey)

    def due(self, now):
        """True when a reading is due."""
        return self.sampled and since(now, self._due) >= 0

    def hurry(self, now):
        """Read as soon as the sensor allows."""
        if self.sampled and self._last >= 0 and since(self._due, now) > 0:
            earliest = later(self._last, self.device.GAP_MS)
            self._due = now if since(now, earliest) >= 0 else earliest
            self._regular = self._due
            self._again = False

    def read(self, now):
        """Sample and plan the next read. 0, or the sensor's error, or RAISED."""
        waiting = self.device.dirty
        code = self._sample(now)
        self._last = now
        self._plan(now, code)
        if code:
            self._failed(code)
            return code
        self.fresh = True
        if waiting:
            self.lost += 1
        if self._bad:
            self._log.say("I", self.name, "reads again, after failures: ", self._bad)
            self._bad = 0
        return 0

    def tick(self, now):
        """Let a device's own time run."""
        if self.device.tick(now):
            self._log.say("I", self.name, self.device.note(), ", its time is up")

    def publish(self, out):
        """Hand the state to the client. Its answer: a handle, or a negative code."""
        pub = self.pub
        self.fresh = False
        out.open(pub.buf, pub.start)
        self.device.encode(out)
        code = pub.send(out.at - pub.start)
        if code > 0:
            self.device.dirty = False
        return code

    def _sample(self, now):
        with self.guard:
            return self.device.sample(now)
        return RAISED

    def _plan(self, now, code):
        gap = self.device.GAP_MS
        if not self._again:
            self._regular = later(self._regular, self._interval)
        if since(self._regular, now) < gap:
            self._regular = later(now, gap)  # late, or as often as the sensor allows
        self._again = code != 0 and not self._again and self._interval >= 2 * gap
        self._due = later(now, gap) if self._again else self._regular

    def _failed(self, code):
        # The 1st, 2nd, 4th, 8th ... failure in a row makes a line: a broken sensor does not flood.
        self._bad += 1
        if self._bad & (self._bad - 1):
            return
        why = self.guard.name if code == RAISED else self.device.why(code)
        self._log.say("W", self.name, why, "; failures in a row: ", self._bad)

    def _obey(self, msg):
        if msg.retain:
            # It may be days old, and comes again at every reconnect.
            self._refuse("it is retained; publish commands without retain")
            return
        code = self.device.command(msg.buf, msg.payload_start, msg.payload_end, self._clock.now)
        if code:
            self._refuse(self.device.why(code))
        else:
            self._log.say("I", self.name, self.device.note(), ", by command")

    def _refuse(self, why):
        self.refused += 1
        self._log.say("W", self.name, "command refused: ", why)

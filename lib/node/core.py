"""The node itself: joins radio, MQTT client and devices. `step(now)` is the only orchestrator.

One step: time, radio, client (commands arrive here), devices, publishing, watchdog. At most one
sensor is read in a step, because a read may hold the interpreter for 270 ms.

State lives in four places: the connection and the session (both in the client), the devices, and
the configuration, which is only read while this object is made (node.setup). Marks say what is
still to be told (`device.dirty`, `greet`, `health.due`); a mark falls only when the outbox has
accepted the message, so a full outbox delays and never forgets.

step() allocates nothing; only opening a connection does, in the transport, and for that the node
collects once when it is connected. Exceptions of a device's sample() and of handlers are caught
and counted where they happen; any other one leaves step() and is counted by node.app.
"""

from mqtt import Client, Reconnect
from mqtt._shim import const
from node.clock import Clock, later, since
from node.guard import Guard
from node.health import Health
from node.jsonout import Writer
from node.log import Log
from node.radio import Radio
from node.reasons import closed_text
from node.service import Service
from node.slots import Slot

_CONNECTED = const(1)
_ACKED = const(2)
_SUBACK = const(4)
_CLOSED = const(6)
_UP = const(3)
_REFUSED = const(0x80)
_FULL = const(-10)
_SOON_MS = const(500)  # health after a connect
_HEALTHY_S = const(60)  # a node that got so far has not crashed at its start
_ROW = const(4)  # of node.kept


class Node:
    """Made by node.build(). `errors` counts exceptions caught by the node and must stay 0; `lost`
    readings overwritten before the outbox had room; `bad_commands` those refused."""

    # What node.setup adds.
    out: Writer  # with room for the largest message
    radio: Radio
    client: Client
    link: Reconnect
    health: Health
    service: Service
    slots: list[Slot]
    status: bytes  # the topic
    places: list[str]  # of the brokers, for the log
    kept: bytearray | None  # of node.kept; None once the row of crashes has ended

    def __init__(self, board, put, watchdog):
        self.board = board
        self.clock = Clock(board.ticks())
        self.log = Log(self.clock, put)
        self.guard = Guard()
        self.errors = 0
        self.lost = 0
        self.bad_commands = 0
        self.config_faults = 0
        self.greet = False  # `online` is to be published
        self.parting = 0  # handle of `offline`; -1 once it is acknowledged
        self._watchdog = watchdog
        self._ended = 0  # a connection ended in this step, with this reason ...
        self._detail = 0  # ... and detail
        self._unmatched = 0  # messages for nobody, and too large ones, as last told
        self._oversize = 0
        self._full_at = -1  # messages in the outbox when it refused one; -1 = it has room
        self._accepted = False  # the client has taken something in this step

    def step(self, now):
        """Do all that is due. `now`: 0..2^30-1, wrapping. Allocates nothing in steady state."""
        self.clock.advance(now)
        self.link.hold = not self.radio.step(now)
        self.network(now)
        self._read_devices(now)
        self.publish(now)
        if self._watchdog:
            self._watchdog.feed()
        if self.kept and self.clock.seconds >= _HEALTHY_S:
            self.kept[_ROW] = 0
            self.board.memory(self.kept)
            self.kept = None

    def network(self, now):
        """One step of the client, and a word about what it met."""
        client = self.client
        self.link.step(now)
        if self._ended:
            self._say_ended(closed_text(self._ended, self._detail))
        if client.unmatched != self._unmatched:
            self._unmatched = client.unmatched
            self._warn("ignored, on a topic not subscribed to; so far: ", client.unmatched)
        if client.oversize != self._oversize:
            self._oversize = client.oversize
            self._warn("ignored, larger than mqtt.rx_size; so far: ", client.oversize)

    def _warn(self, text, number):
        self.log.say("W", "mqtt", text, number)

    def _say_ended(self, why):
        self._ended = 0
        detail = self._detail if why.endswith(" ") else ""
        self.log.say("W", "mqtt", why, detail, "; next try in ms: ", self.link.wait_ms)

    def on_event(self, kind, a, b):
        """The client's. A connection is told here; its end later, when the next try is known."""
        if kind == _CONNECTED:
            # Opening the connection allocated; from here on the heap must stand still.
            self.board.collect()
            self.health.level = self.board.heap()
            self.greet = True
            self._full_at = -1
            self._retell(_SOON_MS)
            self.log.say("I", "mqtt", "connected to ", self.places[self.link.index])
        elif kind == _CLOSED:
            self._ended = a
            self._detail = b
        elif kind == _SUBACK and b == _REFUSED:
            self._warn("the broker refused subscription number ", a)
        elif kind == _ACKED and a == self.parting:
            self.parting = -1

    def _retell(self, ms):
        # The broker may have lost what it retained.
        self.health.due = later(self.clock.now, ms)
        for slot in self.slots:
            if slot.device.retain:
                slot.device.dirty = True

    def report(self):
        """Publish every state and health; read every sensor as soon as it allows."""
        self._retell(0)
        for slot in self.slots:
            slot.hurry(self.clock.now)

    def _read_devices(self, now):
        read = False
        for slot in self.slots:
            if slot.step(now) and not read:
                read = True
                slot.read(now)

    def publish(self, now):
        """Hand over what is marked; what the client took is on the wire in the same step."""
        client = self.client
        self._accepted = False
        if client.queued < self._full_at:
            self._full_at = -1
        if self._full_at < 0:
            if self.greet:
                self.greet = self._offer(self.send_status(b"online")) <= 0
            if self.service.answer >= 0:
                self._offer(self.service.publish(self.out))
        for slot in self.slots:
            self._publish_slot(slot)
        if client.state == _UP and since(now, self.health.due) >= 0 and self.health.send(now):
            self._accepted = True
        if self._accepted:
            self.link.step(now)

    def _publish_slot(self, slot):
        device = slot.device
        # Asking a full outbox again would only count refusals. What is retained is only of use
        # when it is new: it waits for the connection.
        if (
            device.dirty
            and (slot.fresh or self._full_at < 0)
            and (not device.retain or self.client.state == _UP)
        ):
            self._offer(slot.publish(self.out))

    def _offer(self, code):
        if code > 0:
            self._accepted = True
        elif code == _FULL:
            self._full_at = self.client.queued
        else:
            self.errors += 1
            self.log.say("E", "mqtt", "a message was refused, code ", code)
        return code

    def send_status(self, text):
        """Publish `online` or `offline`. The client's answer."""
        return self.client.publish(self.status, text, None, 1, True)

    def send(self, topic, qos, retain):
        """Publish what is written in `out`. The client's answer."""
        return self.client.publish(topic, self.out.buf, self.out.at, qos, retain)

    def safe(self):
        """Bring every device to the state that harms least."""
        for slot in self.slots:
            if hasattr(slot.device, "safe"):
                slot.device.safe()

"""The node itself: joins radio, MQTT client and devices. `step(now)` is the only orchestrator.

One step: time, radio, client (commands arrive here), devices, publishing, watchdog. At most one
sensor is read in a step, because a read may hold the interpreter for 270 ms.

State lives in four places: the connection and the session (both in the client), the devices, and
the configuration, which is only read while this object is made. Marks say what is still to be
told (`device.dirty`, `_greet`, `_health_due`); a mark falls only when the outbox has accepted the
message, so a full outbox delays and never forgets.

step() allocates nothing; only opening a connection does, in the transport, and for that the node
collects once when it is connected. Exceptions of a device's sample() and of handlers are caught
and counted where they happen; any other one leaves step() and is counted by node.app.
"""

from mqtt import Client, Reconnect
from mqtt._shim import const
from node.clock import Clock, later, since
from node.health import Health
from node.jsonout import Writer
from node.log import Log
from node.radio import Radio
from node.reasons import closed_text
from node.service import Service
from node.slots import RAISED, Slot

_CONNECTED = const(1)
_ACKED = const(2)
_SUBACK = const(4)
_CLOSED = const(6)
_UP = const(3)
_REFUSED = const(0x80)
_FULL = const(-10)
_SOON_MS = const(500)  # health after a connect


class Node:
    """Made by node.build(). `errors` counts exceptions caught by the node and must stay 0."""

    def __init__(self, config, board, put=None):
        self.board = board
        self.clock = Clock(board.ticks())
        self.log = Log(self.clock, put)
        self.out = Writer()
        self.errors = 0
        self.config_faults = len(config["problems"])
        topic = ("%s/%s/" % (config["prefix"], config["node"])).encode()
        wifi = config["wifi"]
        self.radio = Radio(board.wlan(wifi["hostname"]), wifi["ssid"], wifi["password"], self.log)
        self._connection(config["mqtt"], board, topic, len(config["devices"]))
        self.service = Service(self, topic, config["node"])
        self.slots = [self._slot(entry, topic) for entry in config["devices"]]
        self._status = self.client.prepare(topic + b"status", 7, 1, True)
        self.health = Health(self)
        self._health = self.client.prepare(topic + b"health", self.health.size)
        self._health_ms = config["health"]["every"] * 1000
        self._health_at = self.clock.now
        self._fresh = False  # connected in this step
        self._ended = 0  # a connection ended in this step, with this reason ...
        self._detail = 0  # ... and detail
        self._unmatched = 0  # messages for nobody, and too large ones, as last told
        self._oversize = 0
        self._greet = False  # `online` is to be published
        self._parting = 0  # handle of `offline`; -1 once it is acknowledged
        self._full_at = -1  # messages in the outbox when it refused one; -1 = it has room
        self._watchdog = board.watchdog(config["watchdog"]["timeout"])

    def _connection(self, c, board, topic, devices):
        self._brokers = c["brokers"]
        transports = [board.transport(broker["host"], broker["port"]) for broker in self._brokers]
        self.client = Client(
            c["client_id"],
            transports[0],
            keepalive=c["keepalive"],
            clean_session=c["clean_session"],
            username=c["username"],
            password=c["password"],
            will=(topic + b"status", b"offline", 1, True),
            rx_size=c["rx_size"],
            tx_size=c["tx_size"],
            max_inflight=c["max_inflight"],
            connect_timeout_ms=c["connect_timeout"] * 1000,
            ack_timeout_ms=c["ack_timeout"] * 1000,
            max_subscriptions=devices + 1,
        )
        self.client.on_event = self._event
        self.link = Reconnect(
            self.client, transports, c["retry_first"] * 1000, c["retry_max"] * 1000, board.random
        )
        self.link.hold = True
        self.link.start()

    def _slot(self, entry, topic):
        device = entry["class"](entry, self.board)
        topic += entry["name"].encode() + b"/"
        return Slot(device, entry["name"], topic, entry["index"], self.client, self.clock, self.log)

    def step(self, now):
        """Do all that is due. `now`: 0..2^30-1, wrapping. Allocates nothing in steady state."""
        self.clock.advance(now)
        self._network(now)
        self._devices(now)
        if self._publish(now):
            self.link.step(now)  # on the wire in the same step
        if self._watchdog:
            self._watchdog.feed()

    def _network(self, now):
        self.link.hold = not self.radio.step(now)
        self.link.step(now)
        if self._ended:
            self._say_ended()
        if self._fresh:
            self._welcome(now)
        if self.client.unmatched != self._unmatched or self.client.oversize != self._oversize:
            self._say_ignored(self.client.unmatched, self.client.oversize)
        if self.service.report:
            self.service.report = False
            self._report(now)

    def _welcome(self, now):
        # Opening the connection allocated; from here on the heap must stand still.
        self._fresh = False
        self.board.collect()
        self.health.level = self.board.heap()
        self._greet = True
        self._full_at = -1
        self._health_at = later(now, _SOON_MS)
        for slot in self.slots:
            if slot.device.retain:
                slot.device.dirty = True  # the broker may have lost what it retained
        self._say_connected()

    def _report(self, now):
        self._health_at = now
        for slot in self.slots:
            slot.hurry(now)
            if slot.device.retain:
                slot.device.dirty = True

    def _devices(self, now):
        read = False
        for slot in self.slots:
            if slot.timed:
                slot.tick(now)
            if not read and slot.due(now):
                read = True
                if slot.read(now) == RAISED:
                    self.errors += 1

    def _publish(self, now):
        """Hand over what is marked. True if the client accepted something."""
        if self._full_at >= 0 and self.client.queued < self._full_at:
            self._full_at = -1
        some = self._full_at < 0 and self._publish_node()
        some = self._publish_devices() or some
        if self.client.state == _UP and since(now, self._health_at) >= 0:
            some = self._send_health(now) or some
        return some

    def _publish_devices(self):
        some = False
        for slot in self.slots:
            if self._tellable(slot) and self._publish_slot(slot):
                some = True
        return some

    def _publish_slot(self, slot):
        return self._accepted(slot.publish(self.out))

    def _tellable(self, slot):
        device = slot.device
        if not device.dirty or (self._full_at >= 0 and not slot.fresh):
            return False  # asking a full outbox again would only count refusals
        # What is retained is only of use when it is new: it waits for the connection.
        return not device.retain or self.client.state == _UP

    def _publish_node(self):
        some = False
        if self._greet:
            some = self._accepted(self._send_status(b"online"))
            self._greet = not some
        if self.service.answer >= 0:
            some = self._accepted(self.service.publish(self.out)) or some
        return some

    def _send_health(self, now):
        out = self.out
        self.health.take()
        out.open(self._health.buf, self._health.start)
        out.fill(self.health.template, self.health.values)
        done = self._health.send(out.at - self._health.start) > 0
        # The largest message of all: that it has no room says nothing about the others.
        self._health_at = later(now, self._health_ms if done else 1000)
        return done

    def _send_status(self, text):
        self.out.open(self._status.buf, self._status.start)
        self.out.text(text)
        return self._status.send(len(text))

    def _accepted(self, code):
        if code > 0:
            return True
        if code == _FULL:
            self._full_at = self.client.queued
        else:
            self.errors += 1
            self.log.say("E", "mqtt", "a message was refused, code ", code)
        return False

    def _event(self, kind, a, b):
        if kind == _CONNECTED:
            self._fresh = True
        elif kind == _CLOSED:
            self._ended = a
            self._detail = b
        elif kind == _SUBACK and b == _REFUSED:
            self.log.say("W", "mqtt", "the broker refused subscription number ", a)
        elif kind == _ACKED and a == self._parting:
            self._parting = -1

    def _say_connected(self):
        broker = self._brokers[self.link.index]
        self.log.say("I", "mqtt", "connected to ", broker["host"], " port ", broker["port"])

    def _say_ended(self):
        why = closed_text(self._ended, self._detail)
        detail = self._detail if why.endswith(" ") else ""
        self.log.say("W", "mqtt", why, detail, "; next try in ms: ", self.link.wait_ms)
        self._ended = 0

    def _say_ignored(self, unmatched, oversize):
        if unmatched != self._unmatched:
            self._unmatched = unmatched
            self.log.say("W", "mqtt", "ignored, on a topic not subscribed to; so far: ", unmatched)
        if oversize != self._oversize:
            self._oversize = oversize
            self.log.say("W", "mqtt", "ignored, larger than mqtt.rx_size; so far: ", oversize)

    def safe(self):
        """Bring every device to the state that harms least."""
        for slot in self.slots:
            if hasattr(slot.device, "safe"):
                slot.device.safe()

    def part(self, now):
        """Like step(), on the way out: True once the broker has acknowledged `offline`."""
        self._greet = False
        self.clock.advance(now)
        self.link.step(now)
        self._publish(now)
        if self._parting == 0:
            self._parting = max(0, self._send_status(b"offline"))
        return self._parting < 0

"""The client under measurement: connect, subscribe, go round, and say goodbye.

Rules of this module:
- Only the public names of lib/mqtt (docs/mqtt.md) are used.
- `turn()` is the loop's one pass: it steps the client, and every 50 ms looks whether somebody
  wants the end. It never sleeps: the time of a pass is the resolution of what is measured.
"""

import phase
from mqtt import ACKED, CLOSED, CONNECTED, DOWN, FAILED, SUBACK, UNSUBACK, UP, Client
from mqtt.clock import ticks_ms
from mqtt.tcp import TcpTransport

LOOK_MS = 50
GOODBYE_MS = 3000


class Link:
    """`settings`: see meter.py. `stop`: a Stop, looked at every 50 ms."""

    def __init__(self, settings, stop):
        largest = max(settings["sizes"])
        window = max(settings["windows"])
        topic = settings["topic"]
        packet = largest + len(topic) + 16
        self.closed = None  # (reason, detail) of CLOSED
        self.stop = stop
        self.granted = {}  # subscription id -> QoS, or 0x80
        self.phase = None
        self._topic = topic
        self._unsubscribed = 0
        self._began = ticks_ms()
        self._looked = self._began
        self._limit_ms = settings["seconds"] * 1000
        self.client = Client(
            settings["client_id"],
            TcpTransport(settings["host"], settings["port"]),
            keepalive=30,
            username=settings["user"],
            password=settings["password"],
            rx_size=min(packet, 65535),
            tx_size=min(packet * window + 64, 65535),
            max_inflight=window,
            connect_timeout_ms=settings["timeout_ms"],
            ack_timeout_ms=settings["timeout_ms"],
            max_subscriptions=3,
        )
        self.client.on_event = self._event

    def elapsed_ms(self):
        """Since this object was made."""
        return ticks_ms() - self._began & phase.MASK

    def left_ms(self):
        """Of the time for the whole run; below 0 when it is over."""
        return self._limit_ms - self.elapsed_ms()

    def turn(self):
        """One pass. False once there is no connection any more."""
        now = ticks_ms()
        self.client.step(now)
        if now - self._looked & phase.MASK >= LOOK_MS:
            self._looked = now
            self.stop.look()
        return self.closed is None

    def going(self):
        """May something new be begun?"""
        return self.closed is None and not self.stop.asked and self.left_ms() > 0

    def connect(self):
        """Connect; the milliseconds it took, or None (see `closed`, `stop`)."""
        since = ticks_ms()
        self.client.connect()
        while self.client.state != UP and not self.stop.asked:
            if not self.turn():
                return None
        return None if self.stop.asked else ticks_ms() - since & phase.MASK

    def subscribe(self, qualities):
        """Subscribe to one topic for each QoS; {QoS: granted}, or None when cut off."""
        asked = {}
        for qos in qualities:
            asked[qos] = self.client.subscribe(self.topic(qos), qos, self._message)
        while len(self.granted) < len(asked):
            if not self.turn():
                return None
        return {qos: self.granted[asked[qos]] for qos in asked}

    def topic(self, qos):
        """The topic of one QoS."""
        return "%s/%d" % (self._topic, qos)

    def goodbye(self, qualities):
        """Unsubscribe and disconnect. True when both were carried out in order."""
        if self.client.state == UP:
            for qos in qualities:
                self.client.unsubscribe(self.topic(qos))
            self._until(lambda: self._unsubscribed == len(qualities))
        self.client.disconnect()
        self._until(lambda: self.client.state == DOWN)
        return self.closed == (0, 0) and self._unsubscribed == len(qualities)

    def _until(self, done):
        since = ticks_ms()
        while not done() and ticks_ms() - since & phase.MASK < GOODBYE_MS:
            if not self.turn():
                return

    def _message(self, msg):
        if self.phase is not None:
            self.phase.take(msg)

    def _event(self, kind, a, b):
        if kind == ACKED:
            self.phase.note_acked(a)
        elif kind == FAILED:
            self.phase.note_failed(a)
        elif kind == SUBACK:
            self.granted[a] = b
        elif kind == UNSUBACK:
            self._unsubscribed += 1
        elif kind == CLOSED:
            self.closed = (a, b)
        elif kind == CONNECTED:
            self.closed = None

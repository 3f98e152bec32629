"""An independent MQTT client (paho) beside the node: what it saw, when it was listening.

It is connected to the broker directly, not through the proxy, so that what it reports is what the
broker really carried. It subscribes everything below the node's prefix with QoS 1 and keeps each
message with its time, and the intervals in which its subscription held.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import paho.mqtt.client as paho


@dataclass
class Arrival:
    """One message as it came from the broker."""

    time: float
    topic: str
    payload: bytes
    retained: bool  # sent from the store at subscribing, not live
    dup: bool


@dataclass
class Listening:
    """An interval in which every message had to reach us; end None while it lasts."""

    start: float
    end: float | None = None


@dataclass
class Seen:
    """Everything the judge remembers."""

    arrivals: list[Arrival] = field(default_factory=list)
    listening: list[Listening] = field(default_factory=list)


class Judge:
    """start() returns at once; wait(...) for what must have happened."""

    def __init__(self, port: int, prefix: str) -> None:
        self.seen = Seen()
        self.errors: list[str] = []
        self._prefix = prefix
        self._port = port
        self._changed = threading.Condition()
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id="judge", protocol=paho.MQTTv311
        )
        self._client.reconnect_delay_set(0.05, 0.2)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    def start(self) -> None:
        self._client.connect_async("127.0.0.1", self._port, keepalive=30)
        self._client.loop_start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes) -> None:
        """Send with QoS 1, now or, if the broker is away, when it is back."""
        self._client.publish(topic, payload, qos=1)

    @property
    def connected(self) -> bool:
        """True while the subscription holds."""
        with self._changed:
            return bool(self.seen.listening) and self.seen.listening[-1].end is None

    def arrivals(self, since: int = 0) -> list[Arrival]:
        """Arrivals from number `since` on, oldest first."""
        with self._changed:
            return self.seen.arrivals[since:]

    def count(self) -> int:
        """How many arrivals there were."""
        with self._changed:
            return len(self.seen.arrivals)

    def intervals(self) -> list[Listening]:
        """The listening intervals so far."""
        with self._changed:
            return [Listening(one.start, one.end) for one in self.seen.listening]

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until condition() holds, checking at every event; False after `seconds`."""
        end = time.monotonic() + seconds
        while not condition():
            left = end - time.monotonic()
            if left <= 0:
                return False
            with self._changed:
                self._changed.wait(min(left, 0.05))
        return True

    def _on_connect(self, client, userdata, flags, reason, properties) -> None:
        if reason.is_failure:
            self.errors.append(f"the broker refused the judge: {reason}")
        else:
            client.subscribe(f"{self._prefix}/#", qos=1)

    def _on_subscribe(self, client, userdata, mid, reasons, properties) -> None:
        if any(reason.is_failure for reason in reasons):
            self.errors.append(f"the broker refused the judge's subscription: {reasons}")
            return
        with self._changed:
            self.seen.listening.append(Listening(time.monotonic()))
            self._changed.notify_all()

    def _on_disconnect(self, client, userdata, flags, reason, properties) -> None:
        with self._changed:
            if self.seen.listening and self.seen.listening[-1].end is None:
                self.seen.listening[-1].end = time.monotonic()
            self._changed.notify_all()

    def _on_message(self, client, userdata, message) -> None:
        arrival = Arrival(
            time.monotonic(), message.topic, message.payload, message.retain, message.dup
        )
        with self._changed:
            self.seen.arrivals.append(arrival)
            self._changed.notify_all()

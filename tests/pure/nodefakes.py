"""A board, a broker and a clock for tests of lib/node: everything below the seams, in memory.

What the node calls during a step allocates nothing, so that a whole node can be measured on it.
"""

import peer
from broker import Broker
from node import build
from node.config import check
from node.start import start
from wire import Wire

MASK = (1 << 30) - 1
START = MASK - 2500  # soon before the clock's wrap


class Pin:
    """An output; `levels` is every level it ever had."""

    def __init__(self, level):
        self.level = level
        self.changes = 0

    def value(self, level):
        if level != self.level:
            self.changes += 1
        self.level = level


class Dht:
    """A sensor: `temperature` and `humidity` in tenths, `fault` one of "", "silent", "checksum",
    "raise"; `raw` replaces the whole frame."""

    def __init__(self):
        self.temperature = 214
        self.humidity = 480
        self.fault = ""
        self.raw = None
        self.reads = 0

    def read(self, frame):
        self.reads += 1
        if self.fault == "silent":
            return -1
        if self.fault == "raise":
            raise RuntimeError("driver")
        if self.raw:
            frame[:] = self.raw
        else:
            self._encode(frame)
        return 0

    def _encode(self, frame):
        t = self.temperature
        frame[0] = self.humidity >> 8
        frame[1] = self.humidity & 255
        frame[2] = (-t >> 8 | 128) if t < 0 else t >> 8
        frame[3] = (-t if t < 0 else t) & 255
        frame[4] = (frame[0] + frame[1] + frame[2] + frame[3]) & 255
        if self.fault == "checksum":
            frame[4] ^= 1


class Wlan:
    """The station: what the next polls answer is set by the test."""

    def __init__(self):
        self.is_up = False
        self.code = 1000
        self.signal = -60
        self.auto = True  # a join succeeds at once
        self.error = 0
        self.joins = 0
        self.leaves = 0
        self.ssid = self.password = None

    def join(self, ssid, password):
        self.joins += 1
        self.ssid = ssid
        self.password = password
        if self.auto:
            self.is_up = True
        return self.error

    def leave(self):
        self.leaves += 1
        self.is_up = False

    def up(self):
        return self.is_up

    def status(self):
        return 1010 if self.is_up else self.code

    def rssi(self):
        return self.signal


class Watchdog:
    def __init__(self):
        self.feeds = 0

    def feed(self):
        self.feeds += 1


class Board:
    """The seams of node.board.Board. `now` is the time; sleep() moves it and serves the broker."""

    chip = "ESP32"

    def __init__(self):
        self.now = START
        self.pins = {}
        self.sensors = {}
        self.station = Wlan()
        self.wires = []
        self.watch = None
        self.hostname = None
        self.collects = 0
        self.bytes = 30000
        self.resets = 0
        self.cause = "power-on"
        self._rtc = bytearray(512)  # what outlives a reset
        self._rtc_size = 0
        self.secrets = {}
        self.pressed = ()  # pins of the buttons that are held
        self.calls = []  # names of what was asked of the hardware, in order
        self.on_sleep = None

    def random(self, bits):
        return 0

    def ticks(self):
        return self.now

    def sleep(self, ms):
        self.now = (self.now + ms) & MASK
        if self.on_sleep:
            self.on_sleep()

    def collect(self):
        self.collects += 1

    def heap(self):
        return self.bytes

    def reset(self):
        self.resets += 1

    def reset_cause(self):
        return self.cause

    def memory(self, data=None):
        if data is None:
            return bytes(self._rtc[: self._rtc_size])
        self._rtc_size = len(data)
        self._rtc[: self._rtc_size] = data

    def held(self, pin):
        self.calls.append("held")
        return pin in self.pressed

    def secret(self, key):
        return self.secrets.get(key)

    def kinds(self):
        return ["dht22", "relay"]

    def output(self, pin, level):
        self.calls.append("output")
        self.pins[pin] = Pin(level)
        return self.pins[pin]

    def dht(self, pin):
        self.sensors[pin] = Dht()
        return self.sensors[pin]

    def wlan(self, hostname):
        self.calls.append("wlan")
        self.hostname = hostname
        return self.station

    def transport(self, host, port):
        self.wires.append(Wire())
        return self.wires[-1]

    def watchdog(self, seconds):
        self.calls.append("watchdog")
        self.watch = Watchdog() if seconds else None
        return self.watch


def example():
    """A configuration as JSON gives it: one sensor, two relays, short intervals."""
    return {
        "node": "n1",
        "prefix": "sn",
        "wifi": {"ssid": "home", "password": "secret-1"},
        "mqtt": {"brokers": [{"host": "broker", "port": 1883}], "keepalive": 30},
        "health": {"every": 60},
        "watchdog": {"timeout": 120},
        "safe_mode": {},
        "devices": [
            {"kind": "dht22", "name": "air", "pin": 4, "every": 10},
            {"kind": "relay", "name": "fan", "pin": 16},
            {"kind": "relay", "name": "pump", "pin": 17, "active_low": True},
        ],
    }


class Bench:
    """A whole node on a Board, with a Broker at the end of its first wire. Configured by `data`,
    or started from the file `path`. `board`: one that has been on before."""

    def __init__(self, data=None, put=None, path=None, board=None):
        self.board = board or Board()
        first = len(self.board.wires)
        self.text = []
        put = put or self._put
        if path:
            self.node = start(path, self.board, put)
        else:
            self.node = build(check(data or example(), self.board), self.board, put)
        self.wire = self.board.wires[first]
        self.broker = Broker(self.wire)
        self.ids = 0

    def _put(self, piece):
        self.text.append(str(piece))

    @property
    def log(self):
        """All log lines so far, as one text."""
        return "".join(self.text)

    def step(self, ms=10):
        """One step of the node after `ms`, then the broker's turn."""
        self.board.now = (self.board.now + ms) & MASK
        self.node.step(self.board.now)
        self.broker.serve()

    def run(self, ms, each=10):
        """Steps for so long."""
        while ms > 0:
            self.step(each)
            ms -= each

    def connect(self):
        """Up to the retained `online`."""
        self.run(300)
        assert self.said("status") == [b"online"], self.log
        return self

    def said(self, suffix):
        """Payloads published on sn/n1/<suffix> so far."""
        topic = b"sn/n1/" + suffix.encode()
        return [p.payload for p in self.broker.of(peer.PUBLISH) if p.topic == topic]

    def tell(self, suffix, payload, qos=1, retain=0, dup=0):
        """The broker delivers a message; the node takes some steps."""
        self.ids += 1
        topic = b"sn/n1/" + suffix.encode()
        self.wire.send(peer.publish(topic, payload, qos, self.ids, retain, dup))
        self.run(50)

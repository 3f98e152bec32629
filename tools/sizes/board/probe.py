"""Runs on the 32-bit build: prints how much heap the client, and the whole node, hold.

The fakes are made before the first measurement, so their share is not counted.
"""

import gc
import sys

import micropython

_TOPIC = b"steadynode/greenhouse-1/fan/set"


class Link:
    """A transport with a broker behind it that says yes to everything and keeps nothing."""

    def __init__(self):
        self.answers = bytearray(256)
        self.have = 0
        self.taken = 0
        self.count = 0

    def open(self):
        self.have = self.taken = 0
        return True

    def close(self):
        pass

    def readinto(self, buf, n):
        left = self.have - self.taken
        if not left:
            return None
        n = min(n, left)
        for k in range(n):
            buf[k] = self.answers[self.taken + k]
        self.taken += n
        return n

    def write(self, buf, off, n):
        end = off + n
        while off < end:
            off = self._packet(buf, off)
        return n

    def _packet(self, buf, off):
        first = buf[off]
        at = off + 1
        length = buf[at] & 127
        while buf[at] > 127:
            at += 1
            length |= (buf[at] & 127) << 7
        at += 1
        if first == 0x10:
            self.say(b"\x20\x02\x00\x00")
        elif first == 0x82:
            self.say(b"\x90\x03")
            self.say(buf[at : at + 2])
            self.say(b"\x01")
        elif first & 0xF6 == 0x32:
            topic = buf[at] << 8 | buf[at + 1]
            self.count += 1
            self.say(b"\x40\x02")
            self.say(buf[at + 2 + topic : at + 4 + topic])
        return at + length

    def say(self, data):
        if self.have == self.taken:
            self.have = self.taken = 0
        self.answers[self.have : self.have + len(data)] = data
        self.have += len(data)

    def command(self, payload):
        self.say(bytes([0x30, 2 + len(_TOPIC) + len(payload), 0, len(_TOPIC)]) + _TOPIC + payload)


class Board:
    """The seams of node.board.Board, with a sensor that always reads 21.4 degrees and 48 %."""

    chip = "ESP32"

    def __init__(self, link):
        self.now = 1000
        self.link = link
        self.frame = b"\x01\xe0\x00\xd6\xb7"

    def ticks(self):
        return self.now

    def random(self, bits):
        return 0

    def collect(self):
        gc.collect()

    def heap(self):
        return gc.mem_alloc()

    def reset_cause(self):
        return "power-on"

    def memory(self, data=None):
        return b""

    def kinds(self):
        return ()

    def output(self, pin, level):
        return self

    def value(self, level):
        pass

    def dht(self, pin):
        return self

    def read(self, frame):
        frame[:] = self.frame
        return 0

    def wlan(self, hostname):
        return self

    def join(self, ssid, password):
        return 0

    def up(self):
        return True

    def status(self):
        return 1010

    def rssi(self):
        return -60

    def transport(self, host, port):
        return self.link

    def watchdog(self, seconds):
        return None


# What lives from stage to stage, each place made before the base is taken.
link = Link()
board = Board(link)
kept: dict[str, object] = {"client": None, "node": None, "base": 0}


def base():
    """From here on it counts."""
    micropython.qstr_info()
    kept["base"] = gc.mem_alloc()


def held():
    """Bytes since then."""
    print(gc.mem_alloc() - kept["base"])


def report():
    """The same in a line, with the modules of lib/ that are loaded; and how it is with names."""
    size = gc.mem_alloc() - kept["base"]
    names = [name for name in sys.modules if name.split(".")[0] in ("mqtt", "node")]
    print("held", size, " ".join(names))
    micropython.qstr_info()


def import_client():
    import mqtt  # noqa: F401


def run_client(rx_size=512, tx_size=512, inflight=8, subscriptions=8, held=32):
    """One subscription, connected, 100 messages on."""
    import mqtt

    kept["client"] = made = mqtt.Client(
        "probe",
        link,
        rx_size=rx_size,
        tx_size=tx_size,
        max_inflight=inflight,
        max_subscriptions=subscriptions,
        max_held=held,
    )
    made.subscribe(_TOPIC, 1, _nothing)
    made.connect()
    for now in range(200):
        made.step(now)
        made.publish(b"probe/state", b"0123456789", None, 1)
    assert made.state == mqtt.UP and made.acked > 100


def forget():
    """As docs/mqtt.md says: a program that has done its set-up needs these no more."""
    import mqtt

    # Not hasattr(): the package would look for a module of that name, and load it.
    del sys.modules["mqtt.options"], mqtt.options
    kept["client"].step(201)
    assert kept["client"].publish(b"probe/state", b"0123456789", None, 1) > 0


def write_config(text):
    with open("config.json", "w") as file:
        file.write(text)


def start_node():
    """The node of config.json, set-up modules given back as app.run() does."""
    import node.app  # noqa: F401
    from node.start import forget, start

    kept["node"] = start("config.json", board, _nothing)
    forget(kept["node"])


def run_node():
    """50 minutes, 100 readings, a command every 30 s."""
    node = kept["node"]
    for k in range(3000):
        board.now += 1000
        if k % 30 == 5:
            link.command(b"TOGGLE")
        node.step(board.now)
    assert node.client.acked > 100 and node.client.received > 90 and not node.errors


def _nothing(_):
    pass

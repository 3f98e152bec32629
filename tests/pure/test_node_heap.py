"""Nothing allocates: the whole node under the heap lock, on every runtime that can measure.

Only the node's steps are measured; broker and test have the heap to themselves in between. A step
is held three ways: by heap_lock (an allocation raises), by gc.mem_alloc(), and where the build has
it by micropython.mem_total(), which also sees what was freed again. An `except` could swallow the
lock's MemoryError, so the window is played once with the lock and once without, when the bytes
stay behind. CPython has no such measures and only plays the window, so that the counts hold there
too.
"""

import gc
import json

import peer
from check import eq, raises, true
from nodefakes import MASK, Bench, Board, example

try:
    import io

    import micropython

    TAPE = io.StringIO(4096)
except (ImportError, TypeError):  # CPython has no such module, or no such StringIO
    micropython = TAPE = None

TIMES = 110


def level():
    return gc.mem_alloc() if micropython else 0


def total():
    return micropython.mem_total() if hasattr(micropython, "mem_total") else 0


def to_tape(piece):
    """Print a piece of the log as a board would, into one buffer."""
    if TAPE is None:
        return
    print(piece, end="", file=TAPE)
    if TAPE.tell() > 3000:
        TAPE.seek(0)


class Meter:
    """Runs a node step by step and adds up what the steps left behind and took."""

    def __init__(self, data, board=None):
        self.bench = Bench(data, to_tape, board=board)
        self.left = 0
        self.taken = 0
        self._level = 0
        self._total = 0
        self.measure = False
        self.lock = True

    def step(self, ms):
        bench = self.bench
        bench.board.now = (bench.board.now + ms) & MASK
        if self.measure:
            self._guarded(bench.node, bench.board.now)
        else:
            bench.node.step(bench.board.now)
        bench.broker.serve()

    def _guarded(self, node, now):
        gc.disable()
        if micropython and self.lock:
            micropython.heap_lock()
        try:
            self._measured(node, now)
        finally:
            if micropython and self.lock:
                micropython.heap_unlock()
            gc.enable()

    def _measured(self, node, now):
        self._total = total()
        self._level = level()
        node.step(now)
        self.left += level() - self._level
        self.taken += total() - self._total

    def run(self, ms, each=50):
        while ms > 0:
            self.step(each)
            ms -= each


def busy():
    """A node with all it can do every second: QoS 0 and QoS 1 readings, health, pings."""
    data = example()
    data["devices"][0]["every"] = 2
    data["devices"].append({"kind": "dht22", "name": "soil", "pin": 5, "every": 2, "qos": 0})
    data["health"]["every"] = 2
    data["mqtt"]["keepalive"] = 1
    return data


def play(meter, rounds):
    """Each round: a command of every kind, good and bad, a timer that runs out, and two seconds."""
    bench = meter.bench
    for _ in range(rounds):
        for suffix, payload, retain in (
            ("fan/set", b"TOGGLE", 0),
            ("fan/set", b'{"for":1, "state":"ON"}', 0),
            ("pump/set", b"ON", 0),
            ("pump/set", b"OFF", 0),
            ("pump/set", b"\xff" * 40, 0),
            ("pump/set", b'{"state":"ON","fro":1}', 0),
            ("pump/set", b"ON", 1),
            ("cmd", b"identify", 0),
            ("cmd", b"report", 0),
            ("nowhere", b"ON", 0),
            ("fan/set", b"ON" * 300, 0),  # larger than rx_size
        ):
            bench.ids = bench.ids % 60000 + 1
            topic = b"sn/n1/" + suffix.encode()
            meter.bench.wire.send(peer.publish(topic, payload, 1, bench.ids, retain))
        meter.run(2000, 100)


def warmed_up(data, board=None):
    meter = Meter(data, board)
    meter.run(3000)
    play(meter, 2)
    meter.bench.broker.seen.clear()
    meter.measure = True
    return meter


def test_the_whole_node_allocates_nothing_in_any_of_its_steps():
    meter = warmed_up(busy())
    node = meter.bench.node
    play(meter, TIMES)
    meter.lock = False
    play(meter, 30)
    eq((meter.left, meter.taken), (0, 0), "bytes left behind, bytes asked for")
    eq(node.errors, 0)
    eq(node.client.handler_errors, 0)
    eq(node.client.connects, 1)
    said = meter.bench.said
    for suffix in ("air/state", "soil/state", "fan/state", "pump/state", "cmd/result", "health"):
        true(len(said(suffix)) >= 100, "%s: %d" % (suffix, len(said(suffix))))
    of = meter.bench.broker.of
    true(len(of(peer.PUBACK)) >= 100)
    true(sum(p.qos == 0 for p in of(peer.PUBLISH)) >= 100)
    true(sum(p.qos == 1 for p in of(peer.PUBLISH)) >= 100)
    health = json.loads(said("health")[-1])
    true(health["bad_commands"] >= 300)
    true(health["unmatched"] >= 100 and health["oversize"] >= 100)
    true(meter.bench.board.pins[16].changes >= 200)


def test_health_with_the_longest_crash_in_it_allocates_nothing():
    data = example()
    data["health"]["every"] = 1
    board = Board()
    report = {"boot": 1, "reset": "hard", "error": 'ValueError: "\\' + "\n" * 300}
    board.memory(b"SN1\0\0\1\0\1\0" + json.dumps(report).encode())
    meter = warmed_up(data, board)
    meter.run(TIMES * 1000, 100)
    eq((meter.left, meter.taken), (0, 0))
    said = meter.bench.said("health")
    true(len(said) >= 100, len(said))
    crash = json.loads(said[-1])["crash"]
    eq((crash[:14], len(json.dumps(crash))), ('ValueError: "\\', 96))


def test_a_quiet_node_that_only_pings_allocates_nothing():
    data = example()
    data["mqtt"]["keepalive"] = 1
    data["devices"] = data["devices"][1:]
    meter = warmed_up(data)
    meter.run(TIMES * 1000, 250)
    eq((meter.left, meter.taken), (0, 0))
    true(len(meter.bench.broker.of(peer.PINGREQ)) >= 100)


def test_broken_sensors_allocate_nothing():
    data = busy()
    data["health"]["every"] = 60
    meter = warmed_up(data)
    for fault in ("silent", "checksum"):
        for sensor in meter.bench.board.sensors.values():
            sensor.fault = fault
        meter.run(TIMES * 2000, 500)
    eq((meter.left, meter.taken), (0, 0))
    counts = meter.bench.node.slots[0].device.counts
    true(counts[2] >= 100 and counts[3] >= 100, counts)


def test_a_radio_that_comes_and_goes_allocates_nothing():
    meter = warmed_up(example())
    station = meter.bench.board.station
    station.auto = False
    for k in range(TIMES):
        station.is_up = False
        station.code = 202 if k & 1 else 201
        meter.run(100)
        station.is_up = True
        meter.run(100)
    eq((meter.left, meter.taken), (0, 0))
    true(station.joins >= 100)


def test_a_full_outbox_allocates_nothing():
    data = busy()
    data["mqtt"]["ack_timeout"] = 600
    data["mqtt"]["keepalive"] = 0
    meter = warmed_up(data)
    meter.bench.broker.mute.add(peer.PUBLISH)
    play(meter, 40)
    eq((meter.left, meter.taken), (0, 0))
    client = meter.bench.node.client
    true(client.replaced >= 1 and client.refused >= 1, (client.replaced, client.refused))


class Leaky:
    """Stands for the radio: allocates in every step, openly or behind an except of its own."""

    def __init__(self, radio, swallow):
        self.radio = radio
        self.swallow = swallow
        self.kept = None

    def step(self, now):
        if self.swallow:
            try:
                self.kept = bytearray(600)
            except MemoryError:
                pass
        else:
            self.kept = bytearray(600)
        return self.radio.step(now)

    def rssi(self):
        return self.radio.rssi()


def leaking(swallow):
    meter = warmed_up(example())
    meter.bench.node.radio = Leaky(meter.bench.node.radio, swallow)
    return meter


def test_the_meter_catches_an_allocation_by_the_lock():
    if micropython:
        raises(MemoryError, leaking(False).step, 20)


def test_the_meter_catches_an_allocation_by_what_is_left():
    meter = leaking(False)
    meter.lock = False
    meter.step(20)
    if micropython:
        true(meter.left >= 600)
    if hasattr(micropython, "mem_total"):
        true(meter.taken >= 600)


def test_the_meter_catches_an_allocation_whose_error_is_swallowed():
    meter = leaking(True)
    meter.lock = False
    meter.step(20)
    if micropython:
        true(meter.left >= 600)

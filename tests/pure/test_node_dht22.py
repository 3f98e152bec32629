"""node.devices.dht22: decoding the frame, and what a broken sensor does."""

from check import eq, true
from node.devices.dht22 import Device
from node.jsonout import Writer
from nodefakes import Bench, Board, example

ENTRY = {"pin": 4, "every": 10, "qos": 1}


def sensor():
    """(device, its wire)"""
    board = Board()
    return Device(ENTRY, board), board.sensors[4]


def frame(*head):
    return bytes(head) + bytes((sum(head) & 255,))


def payload(device):
    out = Writer()
    buf = bytearray(Device.SIZE)
    out.open(buf, 0)
    device.encode(out)
    eq(out.overflow, 0)
    return bytes(buf[: out.at])


def test_a_frame_of_the_data_sheet_is_decoded():
    # AM2302 data sheet, example: 65.2 % and 35.1 degrees; and the negative one, -10.1 degrees.
    device, wire = sensor()
    wire.raw = bytes((0x02, 0x8C, 0x01, 0x5F, 0xEE))
    eq(device.sample(0), 0)
    eq(payload(device), b'{"temperature":35.1,"humidity":65.2}')
    wire.raw = frame(0x02, 0x8C, 0x80, 0x65)
    eq(device.sample(0), 0)
    eq(payload(device), b'{"temperature":-10.1,"humidity":65.2}')


def test_every_temperature_and_the_ends_of_humidity_come_through():
    device, wire = sensor()
    for tenths in range(-400, 801):
        wire.temperature = tenths
        wire.humidity = 1000 if tenths & 1 else 0
        eq(device.sample(0), 0)
        eq(device.values, [tenths, wire.humidity])
    eq(device.counts, [1201, 0, 0, 0, 0])


def test_minus_zero_is_zero():
    device, wire = sensor()
    wire.raw = frame(0, 0, 0x80, 0)
    eq(device.sample(0), 0)
    eq(payload(device), b'{"temperature":0.0,"humidity":0.0}')


def test_the_longest_payload_fits():
    device, wire = sensor()
    wire.temperature, wire.humidity = -400, 1000
    device.sample(0)
    eq(payload(device), b'{"temperature":-40.0,"humidity":100.0}')


def test_every_wrong_bit_is_a_wrong_checksum():
    good = frame(0x02, 0x8C, 0x01, 0x5F)
    for bit in range(40):
        device, wire = sensor()
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        wire.raw = bytes(bad)
        true(device.sample(0) < 0)
        eq(device.counts, [0, 1, 0, 1, 0])
        eq(device.dirty, False)


def test_silence_and_impossible_values_are_counted_apart():
    device, wire = sensor()
    wire.fault = "silent"
    true("no answer" in device.why(device.sample(0)))
    wire.fault = ""
    for head in ((0x03, 0xE9, 0, 0), (0, 0, 0x03, 0x21), (0, 0, 0x81, 0x91), (255, 255, 255, 255)):
        wire.raw = frame(*head)
        true("outside" in device.why(device.sample(0)), head)
    wire.raw = None
    wire.fault = "checksum"
    true("checksum" in device.why(device.sample(0)))
    eq(device.counts, [0, 6, 1, 1, 4])


def test_a_dead_line_that_reads_as_zeros_is_not_told_from_a_reading():
    # Five zero bytes have a valid checksum; the driver reports a dead line as a timeout instead.
    device, wire = sensor()
    wire.raw = bytes(5)
    eq(device.sample(0), 0)


def run_with(fault, ms):
    bench = Bench().connect()
    bench.board.sensors[4].fault = fault
    bench.run(ms)
    return bench


def test_the_first_read_waits_two_seconds_for_the_sensor():
    bench = Bench()
    bench.run(1990)
    eq(bench.board.sensors[4].reads, 0)
    bench.run(30)
    eq(bench.board.sensors[4].reads, 1)


def test_reads_keep_their_interval():
    bench = Bench().connect()
    bench.run(61000)
    eq(bench.board.sensors[4].reads, 6)
    eq(len(bench.said("air/state")), 6)


def test_a_two_second_sensor_is_never_read_sooner():
    data = example()
    data["devices"][0]["every"] = 2
    bench = Bench(data)
    last = None
    for _ in range(4000):
        before = bench.board.sensors[4].reads
        bench.step(7)
        if bench.board.sensors[4].reads != before:
            if last is not None:
                true((bench.board.now - last) & 0x3FFFFFFF >= 2000)
            last = bench.board.now
    true(bench.board.sensors[4].reads >= 13)


def test_a_failed_read_is_tried_once_more_after_two_seconds():
    bench = run_with("silent", 2000)
    eq(bench.board.sensors[4].reads, 1)
    bench.run(1900)
    eq(bench.board.sensors[4].reads, 2)
    bench.run(6000)
    eq(bench.board.sensors[4].reads, 2)
    bench.board.sensors[4].fault = ""
    bench.run(2500)
    eq(bench.board.sensors[4].reads, 3)
    eq(bench.said("air/state"), [b'{"temperature":21.4,"humidity":48.0}'])
    true("reads again, after failures: 2" in bench.log)


def test_a_broken_sensor_does_not_flood_the_log():
    bench = run_with("checksum", 600000)
    true(bench.board.sensors[4].reads > 100)
    true(bench.log.count("wrong checksum") < 9, bench.log)
    eq(bench.said("air/state"), [])
    eq(bench.node.errors, 0)


def test_failures_are_in_the_health_message():
    bench = run_with("silent", 61000)
    health = bench.said("health")[-1]
    true(b'"air":{"ok":0,"failed":12,"timeout":12,"checksum":0,"range":0}' in health, health)


def test_a_driver_that_raises_stops_only_itself_and_is_counted():
    bench = run_with("raise", 10000)
    eq(bench.node.errors, 2)
    true("RuntimeError driver" in bench.log)
    bench.tell("fan/set", b"ON")
    eq(bench.said("fan/state"), [b"OFF", b"ON"])

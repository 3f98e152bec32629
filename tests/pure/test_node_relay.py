"""Relays: commands, time to switch off, state, and what is refused."""

from check import eq, true
from node.devices.relay import Device
from nodefakes import Bench, Board, example

MASK = (1 << 30) - 1


def relay(safe="OFF", active_low=False):
    """(device, its pin)"""
    board = Board()
    return Device({"pin": 16, "safe": safe, "active_low": active_low}, board), board.pins[16]


def order(device, payload, now=0):
    return device.command(bytearray(payload), 0, len(payload), now)


def test_a_relay_starts_at_its_safe_level():
    for safe, low, level in (
        ("OFF", False, 0),
        ("OFF", True, 1),
        ("ON", False, 1),
        ("ON", True, 0),
    ):
        device, pin = relay(safe, low)
        eq((device.on, int(pin.level)), (safe == "ON", level))


def test_commands_drive_the_pin():
    for low in (False, True):
        device, pin = relay(active_low=low)
        for payload, on in ((b"ON", 1), (b"ON", 1), (b"TOGGLE", 0), (b"TOGGLE", 1), (b"OFF", 0)):
            device.dirty = False
            eq(order(device, payload), 0)
            eq((device.on, pin.level != low, device.dirty), (bool(on), bool(on), True), payload)


def test_a_refused_command_changes_nothing():
    device, pin = relay()
    order(device, b'{"state":"ON","for":9}')
    device.dirty = False
    true(order(device, b'{"state":"OFF","for":3}') < 0)
    eq((device.on, device.left, device.dirty, pin.changes), (True, 9, False, 1))


def test_a_timed_relay_switches_off_at_its_second_across_the_wrap():
    device, pin = relay()
    start = MASK - 1500
    order(device, b'{"state":"ON","for":3}', start)
    for ms in range(0, 3000, 10):
        eq(device.tick((start + ms) & MASK), False)
        eq(pin.level, True)
    eq(device.tick((start + 3000) & MASK), True)
    eq((device.on, pin.level, device.left), (False, False, 0))
    eq(device.tick((start + 9000) & MASK), False)


def test_a_time_longer_than_the_clocks_period_is_counted_out():
    device, pin = relay()
    now = MASK - 5
    order(device, b'{"state":"ON","for":2592000}', now)  # 30 days; the clock wraps after 12.4
    for _ in range(2591):
        now = (now + 1000000) & MASK
        device.tick(now)
    eq((device.on, device.left), (True, 1000))
    now = (now + 999999) & MASK
    eq(device.tick(now), False)
    eq(device.tick((now + 1) & MASK), True)
    eq(device.on, False)


def test_a_late_step_switches_off_at_once():
    device, pin = relay()
    order(device, b'{"state":"ON","for":3}', 0)
    eq(device.tick(60000), True)
    eq(pin.level, False)


def test_any_further_command_ends_the_time():
    device, pin = relay()
    order(device, b'{"state":"ON","for":3}', 0)
    order(device, b"ON", 1000)
    eq(device.tick(9000), False)
    eq(device.on, True)
    order(device, b'{"state":"ON","for":3}', 9000)
    order(device, b'{"state":"ON","for":5}', 11000)
    eq(device.tick(15000), False)
    eq(device.tick(16000), True)


def test_safe_ends_the_time_and_restores_the_safe_level():
    device, pin = relay("ON")
    order(device, b"OFF")
    device.safe()
    eq((device.on, pin.level), (True, True))


def test_the_state_follows_a_command_in_the_same_step():
    bench = Bench().connect()
    bench.run(1000)
    bench.broker.seen.clear()
    bench.tell("fan/set", b"ON")
    eq(bench.said("fan/state"), [b"ON"])
    publish = [p for p in bench.broker.seen if p.kind == 3][0]
    eq((publish.qos, publish.retain), (1, 1))
    eq(bench.board.pins[16].level, True)
    true("fan: ON, by command" in bench.log)


def test_a_timed_command_publishes_both_states():
    bench = Bench().connect()
    bench.tell("pump/set", b'{"state":"ON","for":2}')
    eq(bench.board.pins[17].level, False)  # active low
    bench.run(2100)
    eq(bench.said("pump/state"), [b"OFF", b"ON", b"OFF"])
    eq(bench.board.pins[17].level, True)
    true("pump: OFF, its time is up" in bench.log)


def test_a_retained_command_is_ignored_and_told():
    bench = Bench().connect()
    bench.tell("fan/set", b"ON", retain=1)
    eq(bench.board.pins[16].level, False)
    true("retained" in bench.log)
    eq(bench.node.bad_commands, 1)


def test_bad_payloads_are_counted_and_told_and_the_node_goes_on():
    bench = Bench().connect()
    bad = (
        b"",
        b"\xff\xfe",
        b"{",
        b"[1]",
        b'{"state":1}',
        b"on",
        b"x" * 400,
        b'{"state":"ON","for":0}',
    )
    for payload in bad:
        before = len(bench.log)
        bench.tell("fan/set", payload)
        true("fan: command refused: " in bench.log[before:], payload)
    eq(bench.node.bad_commands, len(bad))
    bench.tell("fan/set", b"x" * 2000)  # larger than rx_size: the client reads past it
    eq(bench.node.client.oversize, 1)
    true("W mqtt: ignored, larger than mqtt.rx_size; so far: 1" in bench.log, bench.log)
    bench.tell("fan/set", b"ON")
    eq(bench.said("fan/state")[-1], b"ON")
    eq(bench.node.errors + bench.node.client.handler_errors, 0)
    bench.run(60000, 50)
    true(b'"bad_commands":8,"oversize":1' in bench.said("health")[-1])


def test_every_payload_of_two_bytes_is_survived():
    device, _ = relay()
    payload = bytearray(2)
    for first in range(256):
        for second in (0, 10, 32, 34, 44, 48, 58, 78, 79, 123, 125, 127, 128, 255):
            payload[0], payload[1] = first, second
            code = device.command(payload, 0, 2, 0)
            eq(code == 0, bytes(payload) == b"ON", payload)


def test_a_full_outbox_keeps_the_state_until_there_is_room():
    data = example()
    data["mqtt"]["tx_size"] = 1024
    data["mqtt"]["max_inflight"] = 1
    bench = Bench(data).connect()
    bench.run(1000)
    bench.broker.mute.add(3)  # PUBLISHes stay unacknowledged
    for _ in range(20):
        bench.tell("fan/set", b"TOGGLE")
        bench.tell("pump/set", b"TOGGLE")
    bench.tell("fan/set", b"ON")
    bench.tell("pump/set", b"OFF")
    true(bench.node.client.refused > 0)
    true(bench.node.client.refused < 10, "asking a full outbox again and again only counts")
    bench.broker.mute.clear()
    bench.run(12000)  # the ack timeout ends the connection, the next one carries all
    eq(bench.said("fan/state")[-1], b"ON")
    eq(bench.said("pump/state")[-1], b"OFF")
    eq(bench.node.client.failed, 0)

"""The stand-ins' steady-state calls leave nothing on the heap, by every measure the build has."""

import pytest

from tests.tools.board import run

# heap_lock catches what stays and what is freed at once; mem_alloc what an exception leaves; and
# mem_total (Unix port) frames that go to the heap, and requests that failed under the lock.
MEASURE = """
import gc, micropython, machine, network, time
wlan = network.WLAN(network.STA_IF); wlan.active(True); wlan.connect('home', 'secret')
relay = machine.Pin(16, machine.Pin.OUT, value=0)
dog = machine.WDT(timeout=60000)
sensor = machine.Pin(4); buf = bytearray(5)
failed = error = k = before = total = 0
def step():
    global failed
    {body}
def measure():
    global error, k, before, total
    for k in range({warm}): step()
    gc.collect(); gc.disable()
    before = gc.mem_alloc(); total = micropython.mem_total()
    micropython.heap_lock()
    try:
        for k in range(200): step()
    except MemoryError:
        error = 1
    micropython.heap_unlock()
    total = micropython.mem_total() - total; before = gc.mem_alloc() - before
    print(error, before, total, failed)
while {wait}: time.sleep_ms(5)
measure()
"""
READ = "try: machine.dht_readinto(sensor, buf)\n    except OSError: failed = failed + 1"
UP = "not wlan.isconnected()"
BODIES = {
    "pins": "relay.value(1); relay.value(); relay.off(); relay.toggle(); relay(1); relay()",
    "watchdog": "dog.feed()",
    "joining again": "wlan.disconnect(); wlan.connect('home', 'secret')",
    "wifi": "wlan.isconnected(); wlan.status(); wlan.status('rssi'); wlan.active()",
    "sensor": READ,
}


@pytest.mark.parametrize("name", BODIES)
def test_a_steady_call_allocates_nothing(micropython, board, name):
    script = MEASURE.format(body=BODIES[name], wait=UP, warm=20)
    assert run(micropython, script, board.path) == ["0 0 0 0"]


def test_the_first_read_of_a_sensor_allocates_nothing(micropython, board):
    script = MEASURE.format(body=READ, wait=UP, warm=0)
    assert run(micropython, script, board.path) == ["0 0 0 0"]


@pytest.mark.parametrize("warm", [0, 20])
def test_a_failing_sensor_allocates_nothing(micropython, board, warm):
    board.fault_schedule(timeout_every=2, checksum_every=3)
    script = MEASURE.format(body=READ, wait=UP, warm=warm)
    failures = (200 + warm) // 2
    assert run(micropython, script, board.path) == [f"0 0 0 {failures}"]


def test_asking_for_a_signal_without_a_network_allocates_nothing(micropython, board):
    board.wifi(present=False)
    body = "try: wlan.status('rssi')\n    except OSError: failed = failed + 1"
    script = MEASURE.format(body=body, wait="False", warm=0)
    assert run(micropython, script, board.path) == ["0 0 0 200"]


@pytest.mark.parametrize(
    "trouble", [{"present": False}, {"password_ok": False}, {"address": False}]
)
def test_a_radio_that_cannot_join_allocates_nothing(micropython, board, trouble):
    board.wifi(join_ms=1, **trouble)
    body = "wlan.isconnected(); wlan.status()"
    script = MEASURE.format(body=body, wait="False", warm=20)
    assert run(micropython, script, board.path) == ["0 0 0 0"]


def test_the_measure_sees_an_allocation(micropython, board):
    script = MEASURE.format(body="failed = failed; bytearray(40)", wait=UP, warm=20)
    locked, kept, total, _ = run(micropython, script, board.path)[0].split()
    assert locked == "1"
    assert int(total) > 0


def test_without_a_board_file_it_allocates_nothing_either(micropython):
    body = f"relay.toggle(); dog.feed(); wlan.isconnected(); wlan.status()\n    {READ}"
    assert run(micropython, MEASURE.format(body=body, wait=UP, warm=20)) == ["0 0 0 0"]

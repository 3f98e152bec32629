"""The simulated radio in every state a node must tell apart, as the ESP32 port shows them."""

import pytest

from tests.tools.board import Running, run

# How long joining takes where the state meanwhile must be seen: a busy machine may look late.
JOIN_MS = 500

# Prints "isconnected status" whenever either changes.
WATCH = """
import network, time
w = network.WLAN(network.STA_IF)
w.active(True)
{setup}
w.connect('home', 'secret')
last = None
while True:
    now = '%s %d' % (w.isconnected(), w.status())
    if now != last:
        last = now
        print(now)
    time.sleep_ms(2)
"""
ONCE = "w.config(reconnects=0)"


def test_joining_takes_its_time_and_ends_with_an_address(micropython, board):
    board.wifi(join_ms=JOIN_MS)
    script = f"""
import network, time
w = network.WLAN(network.WLAN.IF_STA)
network.hostname('greenhouse-1')
print(w.active(), w.status()); w.active(True)
t = time.ticks_ms(); w.connect('home', 'secret')
print(time.ticks_diff(time.ticks_ms(), t) < {JOIN_MS})
print(w.isconnected(), w.status(), w.ifconfig()[0])
while not w.isconnected(): time.sleep_ms(1)
print(time.ticks_diff(time.ticks_ms(), t) >= {JOIN_MS})
print(w.status(), w.status('rssi'), w.ifconfig()[0])
"""
    board.wifi(rssi=-71)
    assert run(micropython, script, board.path) == [
        "False 1000",
        "True",
        "False 1001 0.0.0.0",
        "True",
        "1010 -71 192.0.2.20",
    ]
    assert board.hostname() == "greenhouse-1"


def test_an_absent_access_point_is_201_and_the_driver_goes_on_trying(micropython, board):
    board.wifi(join_ms=JOIN_MS, present=False)
    with Running(micropython, WATCH.format(setup=""), board.path) as running:
        assert [running.line(), running.line()] == ["False 1001", "False 201"]
        board.wifi(present=True)
        assert running.line() == "True 1010"


def test_a_wrong_password_is_a_handshake_timeout_first_and_then_202(micropython, board):
    board.wifi(join_ms=JOIN_MS, password_ok=False)
    with Running(micropython, WATCH.format(setup=""), board.path) as running:
        assert [running.line(), running.line()] == ["False 1001", "False 202"]
    with Running(micropython, WATCH.format(setup=ONCE), board.path) as running:
        assert [running.line(), running.line()] == ["False 1001", "False 15"]


def test_without_an_address_it_stays_connecting_with_a_signal(micropython, board):
    board.wifi(join_ms=JOIN_MS, address=False)
    script = WATCH.format(setup="").replace(
        "    time.sleep_ms(2)",
        "    time.sleep_ms(2)\n"
        "    try:\n        print('signal', w.status('rssi'))\n"
        "    except OSError as e: pass",
    )
    with Running(micropython, script, board.path) as running:
        assert running.line() == "False 1001"
        assert running.line() == "signal -58"
        board.wifi(address=True)
        running.until("True 1010")


@pytest.mark.parametrize(
    ("setup", "seen"),
    [("", ["False 1001", "False 201"]), (ONCE, ["False 200"])],
    ids=["driver-reconnects", "one-try"],
)
def test_a_lost_access_point_is_noticed_late_and_told(micropython, board, setup, seen):
    board.wifi(join_ms=JOIN_MS, notice_ms=200)
    with Running(micropython, WATCH.format(setup=setup), board.path) as running:
        running.until("True 1010")
        board.wifi(present=False)
        assert [running.line() for _ in seen] == seen


def test_a_short_gap_of_the_access_point_goes_unnoticed(micropython, board):
    board.wifi(notice_ms=60000)
    script = WATCH.format(setup="").replace(
        "    time.sleep_ms(2)", "    time.sleep_ms(2)\n    if now[0] == 'T': print('still')"
    )
    with Running(micropython, script, board.path) as running:
        running.until("still")
        board.wifi(present=False)
        for _ in range(20):
            assert running.line() == "still"
        board.wifi(present=True)
        for _ in range(20):
            assert running.line() == "still"


def test_connect_while_connecting_raises_as_the_driver_does(micropython, board):
    script = """
import network
w = network.WLAN()
def attempt():
    try: w.connect('home', 'secret'); print('began')
    except OSError as e: print(e)
attempt(); w.active(True); attempt(); attempt(); w.disconnect(); print(w.status()); attempt()
try: w.status('rssi')
except OSError as e: print(e)
"""
    assert run(micropython, script, board.path) == [
        "Wifi Not Started",
        "began",
        "Wifi Internal State Error",
        "1000",
        "began",
        "Wifi Not Connected",
    ]

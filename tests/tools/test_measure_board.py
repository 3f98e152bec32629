"""`make measure PORT=...`: from a board, as far as a board can be had behind a pty."""

import fcntl
import hashlib
import json
import os
import signal
import struct
import termios
import time

import pytest

from tests.broker import brokers
from tests.support.ptyboard import PtyBoard
from tests.support.pure_plugin import leave_out
from tests.tools.board import eventually
from tests.tools.test_measure import Measured
from tools.sim.boardfile import BoardFile

NODE = "import time\nprint('the node starts')\nwhile True:\n    time.sleep_ms(5)\n"
CONFIG = {"node": "n", "wifi": {"ssid": "the-network", "password": "its-key"}}
QUICK = ("--qos", "1", "--sizes", "16", "--rate", "20", "--samples", "20", "--burst", "100")


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory):
    if brokers.MOSQUITTO is None:
        leave_out("tests with Mosquitto: not installed (sudo apt-get install mosquitto)")
    broker = brokers.Mosquitto(tmp_path_factory.mktemp("mosquitto")).start()
    yield broker
    broker.stop()


@pytest.fixture
def board(micropython, tmp_path):
    """A board on which a node runs; its Wi-Fi answers at once."""
    files = tmp_path / "flash"
    files.mkdir()
    (files / "main.py").write_text(NODE)
    (files / "config.json").write_text(json.dumps(CONFIG))
    with BoardFile.create(tmp_path / "state") as state:
        state.wifi(join_ms=30, notice_ms=30, rssi=-61)
        with PtyBoard(files, runs=True, state=state) as board:
            eventually(lambda: board.said("the node starts"), "the node")
            yield board


def start(board, port, folder, *arguments):
    return Measured(folder, f"127.0.0.1:{port}", "--port", board.port, *QUICK, *arguments)


def contents(folder):
    """path -> hash of all that is in the folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
    }


def node_starts_again(board, since):
    eventually(lambda: board.said("the node starts", since), "the node's new start")


def test_a_board_measures_over_its_own_wifi_and_keeps_no_trace(board, mosquitto, tmp_path):
    before, since = contents(board.folder), len(board.output)
    done = start(board, mosquitto.port, tmp_path / "out").wait()
    assert done.code == 0, done.text
    assert done.report["client"]["where"] == "board"
    assert done.report["radio"]["rssi_dbm"] == -61
    assert [one["loss"] for one in done.every()] == [0, 0, 0]
    assert {one["heap_bytes"] for one in done.every()} == {0}
    assert board.state.watchdog_feeds() > 10
    node_starts_again(board, since)
    assert contents(board.folder) == before
    for secret in ("the-network", "its-key"):
        assert secret not in done.text + json.dumps(done.report)


def test_a_board_out_of_reach_of_its_network_says_so_and_goes_on(board, mosquitto, tmp_path):
    board.state.wifi(present=False)
    since = len(board.output)
    done = start(board, mosquitto.port, tmp_path / "out").wait()
    assert done.code == 1
    assert 'no access point "the-network" in reach' in done.text
    assert "WIFI_SSID" in done.text
    node_starts_again(board, since)


def in_the_nvs(board, **secrets):
    """The board's password is where `make flash` puts it."""
    wifi = {"ssid": "the-network", "password": {"nvs": "wifi_password"}}
    (board.folder / "config.json").write_text(json.dumps({"node": "n", "wifi": wifi}))
    board.state.keep({("steadynode", key): value.encode() for key, value in secrets.items()})


def test_the_password_is_the_node_s_also_where_it_is_kept_in_the_nvs(board, mosquitto, tmp_path):
    in_the_nvs(board, wifi_password="its-key")
    done = start(board, mosquitto.port, tmp_path / "out").wait()
    assert done.code == 0, done.text
    assert done.report["radio"]["rssi_dbm"] == -61
    assert "its-key" not in done.text + json.dumps(done.report)


def test_a_secret_that_the_board_does_not_have_is_named_with_the_way_out(board, tmp_path):
    in_the_nvs(board, mqtt_password="another")
    done = start(board, 1, tmp_path / "out").wait()
    assert done.code == 1
    assert 'the board has no secret "wifi_password"' in done.text
    assert "make flash" in done.text and "WIFI_PASSWORD" in done.text
    assert "Traceback" not in done.text


def test_ctrl_c_ends_the_program_on_the_board_in_order(board, mosquitto, tmp_path):
    since = len(board.output)
    run = start(board, mosquitto.port, tmp_path / "out", "--rate", "1")
    eventually(lambda: board.said('"begin"', since), "a measurement")
    signalled = time.monotonic()
    run.process.send_signal(signal.SIGINT)
    done = run.wait()
    assert time.monotonic() - signalled < 30
    assert (done.code, done.report["ended"], done.report["goodbye"]) == (130, "stopped", True)
    node_starts_again(board, since)


def as_a_terminal(path, flags):
    """Opens a port so that it does not become this process's terminal."""
    return os.open(path, flags | os.O_NOCTTY)


def waiting(port):
    """How many bytes have arrived at that port and were not read yet."""
    return struct.unpack("i", fcntl.ioctl(port, termios.FIONREAD, bytes(4)))[0]


def test_a_cable_pulled_in_the_middle_keeps_what_was_measured(board, mosquitto, tmp_path):
    since = len(board.output)
    slow = ("--sizes", "16,64", "--rate", "2", "--samples", "4")
    with open(board.port, "rb", buffering=0, opener=as_a_terminal) as port:
        run = start(board, mosquitto.port, tmp_path / "out", *slow)
        eventually(lambda: board.output.count(b'"is": "begin"', since) > 3, "a fourth measurement")
        # What waits in the port when the cable is pulled is lost with it.
        eventually(lambda: waiting(port) == 0, "the host has read what was said")
        board.unplug()
        done = run.wait()
    assert done.code == 1
    assert "the board was lost" in done.text and "cable" in done.text
    assert done.report["complete"] is False and done.every()[0]["complete"]


def test_a_port_that_is_not_there_is_named(tmp_path):
    done = Measured(tmp_path, "127.0.0.1:1", "--port", str(tmp_path / "none")).wait()
    assert done.code == 1
    assert "no such port" in done.text

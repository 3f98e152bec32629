"""The real node on the simulated board, without a broker: what only the board can play."""

import json
import os
import signal
import threading

import pytest

from tests.support.ports import closed_port
from tests.tools.board import PATIENCE_S, ROOT, eventually
from tools.run.parts import Node
from tools.sim.boardfile import load_series


@pytest.fixture
def node(micropython, board, tmp_path, monkeypatch):
    """The node, not started; its broker's port is closed."""
    monkeypatch.setenv("MICROPYTHON", micropython)
    config = json.loads((ROOT / "config.example.json").read_text())
    config["watchdog"] = {"timeout": 90}
    for device in config["devices"]:
        if device["kind"] == "dht22":
            device["every"] = 2
    running = Node(tmp_path, board, haste=30)
    with closed_port() as port:
        config["mqtt"]["brokers"] = [{"host": "127.0.0.1", "port": port}]
        (tmp_path / "config.json").write_text(json.dumps(config))
        yield running
        running.stop()


def says(node, text):
    eventually(
        lambda: any(text in line for line in node.tail(500)),
        f"{text!r} in the log:\n" + "\n".join(node.tail(20)),
    )


def test_no_access_point_and_a_wrong_password_are_told_apart_and_retried(node, board):
    board.wifi(present=False)
    node.start()
    says(node, "no access point")
    board.wifi(present=True, password_ok=False)
    says(node, "wrong password")
    board.wifi(password_ok=True)
    says(node, "joined")


def test_the_node_reads_the_sensor_and_sets_its_relays_without_any_network(node, board):
    board.wifi(present=False)
    node.start()
    eventually(lambda: board.reads(4) >= 2, "two reads")
    # Polled, as the node may be in the middle of the next.
    series = load_series()
    eventually(lambda: board.last_frame(4) == series[board.reads(4) - 1], "the row of that read")
    assert (board.mode(16), board.level(16), board.level(17)) == (3, 0, 0)
    assert board.hostname() == "greenhouse-1"


def test_a_node_that_hangs_is_restarted_by_the_watchdog(node, board):
    node.start()
    says(node, "joined")
    assert board.watchdog_timeout() == 90_000
    os.kill(node.pid, signal.SIGSTOP)
    says(node, "the watchdog bites")
    eventually(lambda: node.resets == 1 and board.boots() == 2, "it starts again")
    assert board.reset_cause() == "watchdog"
    eventually(lambda: board.watchdog_feeds() > 1, "it is fed again")


def test_ctrl_c_without_a_broker_ends_the_node_at_once_and_in_order(node, board):
    node.start()
    says(node, "joined")
    node.interrupt()
    assert node.join(PATIENCE_S)
    assert node.exit_code == 0


def test_a_node_that_is_stopped_while_it_starts_anew_is_stopped_for_good(node, monkeypatch):
    launch = node._launch
    launched, stopping = threading.Event(), threading.Event()

    def slowly():
        process = launch()
        launched.set()
        stopping.wait(PATIENCE_S)
        return process

    node.start()
    says(node, "joined")
    monkeypatch.setattr(node, "_launch", slowly)
    os.kill(node.pid, signal.SIGSTOP)
    assert launched.wait(PATIENCE_S), "the watchdog bites, and it starts again"
    stopper = threading.Thread(target=node.stop, daemon=True)
    stopper.start()
    eventually(lambda: node.stopping, "it is being stopped")
    stopping.set()
    stopper.join(PATIENCE_S)
    assert not stopper.is_alive() and not node.running

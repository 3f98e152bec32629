"""Start-up, crashes and the watchdog of the real program on the simulated board, whose watchdog is
a process of its own. Its time runs faster than the clock, so no test waits for a minute."""

import contextlib
import json
import re
import shutil

import paho.mqtt.client as paho
import pytest

from tests.support.ports import closed_port
from tests.tools.board import PATIENCE_S, ROOT, eventually
from tools.run.parts import Broker, Node

HASTE = 45  # the watchdog's 90 s are 2 s
SECOND_MS = 1000 // HASTE

BOMB = """
class Device:
    KEYS = {}
    COUNTS = counts = ()
    SIZE = 0
    GAP_MS = 1000
    every = 0
    qos = 0
    dirty = retain = replace = False

    def __init__(self, entry, board):
        %s

    def tick(self, now):
        %s
"""


@pytest.fixture
def folder(tmp_path):
    """The board's files, its modules in lib; the broker's port is closed."""
    shutil.copytree(ROOT / "lib", tmp_path / "lib")
    with closed_port() as port:
        configure(tmp_path, host="127.0.0.1", port=port)
        yield tmp_path


def configure(folder, bomb=False, host=None, port=None):
    """Write config.json anew; with `bomb` a device that is not well."""
    path = folder / "config.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    config = json.loads((ROOT / "config.example.json").read_text())
    config["watchdog"] = {"timeout": 90}
    config["health"] = {"every": 1}
    brokers = known.get("mqtt", {}).get("brokers")
    config["mqtt"]["brokers"] = [{"host": host, "port": port}] if host else brokers
    if bomb:
        config["devices"].append({"kind": "bomb", "name": "bomb"})
    path.write_text(json.dumps(config))


def arm(folder, init="pass", tick="return False"):
    (folder / "lib" / "node" / "devices" / "bomb.py").write_text(BOMB % (init, tick))
    configure(folder, bomb=True)


@pytest.fixture
def power(micropython, board, monkeypatch, folder):
    """Starts the node; ends it with the test."""
    monkeypatch.setenv("MICROPYTHON", micropython)
    with contextlib.ExitStack() as stack:

        def start(haste=HASTE):
            node = Node(folder, board, folder / "lib", haste)
            stack.callback(node.stop)
            node.start()
            return node

        yield start


def says(node, text, times=1):
    eventually(
        lambda: sum(text in line for line in node.tail(500)) >= times,
        f"{times} times {text!r} in the log:\n" + "\n".join(node.tail(30)),
    )


class Judge:
    """A client that hears all the node says, and gives out each message once."""

    def __init__(self, port):
        self.heard = []
        self.read = {}  # topic -> how far
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda client, data, msg: self.heard.append(msg)
        self.client.connect("127.0.0.1", port)
        self.client.subscribe("steadynode/greenhouse-1/#", 1)
        self.client.loop_start()

    def wait(self, topic, word=""):
        """The next payload on that topic that holds `word`; those before it are passed over."""
        found = []

        def there():
            for at in range(self.read.get(topic, 0), len(self.heard)):
                msg = self.heard[at]
                if msg.topic.endswith("greenhouse-1/" + topic) and word in msg.payload.decode():
                    self.read[topic] = at + 1
                    found.append(msg.payload.decode())
                    return True
            return False

        eventually(there, f"{word!r} on {topic}")
        return found[0]

    def tell(self, text):
        self.client.publish("steadynode/greenhouse-1/cmd", text, 1)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.client.disconnect()
        self.client.loop_stop()


def test_relays_are_at_their_safe_level_before_the_radio_is_on(power, board):
    node = power()
    says(node, "joined")
    assert 0 < board.order(16) < board.order(17) < board.wifi_order()


def test_crashes_at_the_start_lead_to_safe_mode_which_a_command_leaves(power, board, folder):
    broker = Broker()
    broker.start()
    try:
        configure(folder, host="127.0.0.1", port=broker.port)
        arm(folder, init="raise RuntimeError('no such pump')")
        with Judge(broker.port) as judge:
            node = power()
            assert judge.wait("status") == "safe"
            report = json.loads(judge.wait("crash"))
            assert (report["boot"], report["reset"]) == (3, "hard")
            assert "RuntimeError: no such pump" in report["error"]
            assert "bomb.py" in report["error"]
            health = json.loads(judge.wait("health"))
            assert (health["safe"], health["boots"], health["crashes"]) == ("crashes", 4, 3)
            crash = re.fullmatch(
                r"bomb\.py:\d+ in __init__: RuntimeError: no such pump", health["crash"]
            )
            assert crash, health
            assert (node.resets, board.boots(), board.mode(16)) == (3, 4, 0)
            judge.tell("reboot")
            assert json.loads(judge.wait("cmd/result"))["cmd"] == "reboot"
            assert judge.wait("status", "safe")
            assert (node.resets, board.mode(16)) == (4, 0)
            configure(folder)
            judge.tell("leave")
            assert judge.wait("status", "online")
            health = json.loads(judge.wait("health", '"boots":6,'))  # safe mode said some, too
            assert (health["crashes"], health["reset"]) == (3, "hard")
            assert health["crash"] == crash[0]
            assert board.mode(16) == 3
    finally:
        broker.stop()


def test_a_step_that_hangs_is_ended_by_the_watchdog_and_in_the_end_by_safe_mode(
    power, board, folder
):
    arm(folder, tick="while True: pass")
    node = power()
    says(node, "3 crashes in a row", 1)
    assert sum("the watchdog bites" in line for line in node.tail(500)) == 3
    says(node, "the program hung")
    assert (board.reset_cause(), board.mode(16)) == ("watchdog", 0)


def test_a_silent_name_server_is_waited_for_without_a_reset(power, board, folder):
    configure(folder, host="broker.example", port=1883)
    board.name_server(3000)
    node = power(haste=20)  # so these are 60 s, and the watchdog's 90 s are 4.5
    says(node, "the broker's name has no address", 2)
    assert (node.resets, board.boots()) == (0, 1)


def test_a_block_longer_than_the_watchdog_s_time_does_reset(power, board, folder):
    configure(folder, host="broker.example", port=1883)
    board.name_server(200 * SECOND_MS)
    node = power()
    says(node, "the watchdog bites")
    eventually(lambda: board.boots() == 2, "it starts again")


def test_a_held_button_starts_safe_mode_and_letting_it_go_ends_it(power, board):
    board.press(0)
    node = power()
    says(node, "the button is held; the node is not started")
    says(node, "joined")
    assert (board.mode(16), board.mode(17)) == (0, 0)
    node.interrupt()
    assert node.join(PATIENCE_S)
    board.press(0, held=False)
    assert "the button" not in power().tail(50)
    eventually(lambda: board.mode(16) == 3, "the relays are set")


def test_safe_mode_with_a_file_of_no_use_says_so_and_starts_once_it_is_mended(power, board, folder):
    board.press(0)
    good = (folder / "config.json").read_text()
    (folder / "config.json").write_text("{")
    node = power()
    says(node, "0 W safe: the button is held")
    says(node, "E config: not JSON")
    (folder / "config.json").write_text(good)
    says(node, "joined")


def test_starts_that_are_ended_by_ctrl_c_are_no_crashes(power, board):
    for _ in range(4):
        node = power()
        says(node, "joined")
        node.interrupt()
        assert node.join(PATIENCE_S)
        board.reset_cause("hard")
    assert board.memory()[3:5] == bytes(2)
    says(power(), "joined")


def test_a_password_comes_from_the_nvs(power, board, folder):
    config = json.loads((folder / "config.json").read_text())
    config["wifi"]["password"] = {"nvs": "wifi_password"}
    (folder / "config.json").write_text(json.dumps(config))
    board.keep({("steadynode", "wifi_password"): b"kept-by-flashing"})
    says(power(), "joined")

"""The real node, booted on the simulated board, meets bad input: each time a clear line of log, a
counter in its health message, and a node that goes on."""

import json
import shutil

import pytest

from tests.support.ports import closed_port
from tests.support.pure import peer
from tests.tools.board import ROOT, eventually
from tests.tools.rude import RudeBroker
from tools.run.parts import Node

BASE = "steadynode/greenhouse-1"
FAN = 16


class Stage:
    """A node in its folder, and the broker it meets. `start()` once all is set."""

    def __init__(self, folder, board):
        self.folder = folder
        self.board = board
        self.broker = None
        self.node = Node(folder, board)
        self.config = json.loads((ROOT / "config.example.json").read_text())
        self.config["mqtt"] |= {"retry_first": 1, "retry_max": 1, "connect_timeout": 20}
        self.config["health"] = {"every": 1}
        self.config["devices"][0]["every"] = 2

    def start(self, *answers, before=()):
        """Boot the node; `answers`: see RudeBroker; `before`: brokers to be tried first."""
        self.broker = RudeBroker(answers)
        good = {"host": "127.0.0.1", "port": self.broker.port}
        self.config["mqtt"]["brokers"] = [*before, good]
        self.write(json.dumps(self.config))
        self.node.start()

    def write(self, text):
        (self.folder / "config.json").write_text(text)

    def says(self, text):
        """Wait for a line of the log with `text` in it."""
        eventually(
            lambda: any(text in line for line in self.node.tail(500)),
            f"{text!r} in the log:\n" + "\n".join(self.node.tail(30)),
        )

    def counts(self, **wanted):
        """Wait for a health message with these counts and no error of the node's own."""
        wanted["errors"] = 0

        def told():
            health = self.broker.health(f"{BASE}/health")
            return all(health.get(name) == count for name, count in wanted.items())

        try:
            eventually(told, f"{wanted} in the health message")
        except AssertionError as late:
            health = self.broker.health(f"{BASE}/health")
            lines = "\n".join(self.node.tail(30))
            raise AssertionError(f"{late}; the last: {health}; the log:\n{lines}") from None

    def goes_on(self):
        """It is the process that was started, and obeys."""
        self.broker.tell(f"{BASE}/fan/set", b"ON", 999)
        eventually(lambda: self.board.level(FAN) == 1, "the fan is on")
        eventually(lambda: self.broker.said(f"{BASE}/fan/state")[-1:] == [b"ON"], "and told")
        assert self.node.running and self.node.resets == 0 and self.board.boots() == 1
        assert self.broker.violations == []


@pytest.fixture
def stage(micropython, board, tmp_path, monkeypatch):
    monkeypatch.setenv("MICROPYTHON", micropython)
    made = Stage(tmp_path, board)
    yield made
    made.node.stop()
    if made.broker:
        made.broker.close()


# --- the broker ---------------------------------------------------------------------------------


def test_each_refusal_of_a_broker_is_told_counted_and_tried_again(stage):
    codes = (1, 2, 3, 4, 5, 77)
    stage.start(*(peer.connack(0, code) for code in codes))
    for text in (
        "W mqtt: the broker refused the protocol version, code 1; next try in ms: ",
        "W mqtt: the broker refused the client id, code 2; next try in ms: ",
        "W mqtt: the broker is not ready, code 3; next try in ms: ",
        "W mqtt: the broker refused username or password, code 4; next try in ms: ",
        "W mqtt: the broker does not allow this client, code 5; next try in ms: ",
        "W mqtt: the broker refused, unknown code 77; next try in ms: ",
    ):
        stage.says(text)
    stage.counts(closes=len(codes), malformed=0, connects=1)
    stage.goes_on()


GARBAGE = b"HTTP/1.1 400 Bad Request\r\n\r\n"
FIFTH_BYTE = b"\x20\x80\x80\x80\x80\x01"
HUGE_CONNACK = b"\x20\xff\xff\x7f" + b"x" * 3000


@pytest.mark.parametrize("answer", [GARBAGE, FIFTH_BYTE, HUGE_CONNACK])
def test_bytes_that_are_no_mqtt_are_told_counted_and_tried_again(stage, answer):
    stage.start(answer, peer.connack() + answer)  # in place of CONNACK, and behind it
    stage.says("W mqtt: what came from the broker is no MQTT 3.1.1; next try in ms: ")
    stage.counts(closes=2, malformed=2, connects=2)
    stage.goes_on()


def test_a_packet_that_may_not_come_is_told_counted_and_tried_again(stage):
    stage.start(peer.pingresp(), peer.connack() + peer.connack())
    stage.says("W mqtt: the broker broke the protocol; next try in ms: ")
    stage.counts(closes=2, malformed=2, connects=2)
    stage.goes_on()


def test_a_broker_that_closes_silently_is_told_counted_and_tried_again(stage):
    stage.start(b"", peer.connack())
    stage.says("W mqtt: the broker closed the connection; next try in ms: ")
    stage.counts(closes=2, malformed=0, connects=2)
    stage.goes_on()


def test_a_closed_port_is_told_counted_and_the_next_broker_tried(stage):
    with closed_port() as port:
        stage.start(before=[{"host": "127.0.0.1", "port": port}])
        stage.says("W mqtt: the broker's port is closed, error -111; next try in ms: ")
        stage.counts(closes=1, connects=1)
        stage.goes_on()


def test_a_name_that_does_not_resolve_is_told_counted_and_the_next_broker_tried(stage):
    stage.start(before=[{"host": "no-such-host.invalid", "port": 1883}])
    stage.says("W mqtt: the broker's name has no address; next try in ms: ")
    stage.counts(closes=1, connects=1)
    stage.goes_on()


def test_messages_nobody_asked_for_or_too_large_are_told_counted_and_acknowledged(stage):
    stage.start()
    stage.counts(connects=1)
    stage.broker.tell("elsewhere/on/earth", b"ON", 1)
    stage.says("W mqtt: ignored, on a topic not subscribed to; so far: 1")
    stage.broker.tell(f"{BASE}/fan/set", b"ON" * 5000, 2)
    stage.says("W mqtt: ignored, larger than mqtt.rx_size; so far: 1")
    stage.counts(unmatched=1, oversize=1, closes=0)
    eventually(lambda: {1, 2} <= stage.broker.acked, "both are acknowledged")
    assert stage.board.level(FAN) == 0
    stage.goes_on()


def test_bad_commands_are_told_counted_and_without_effect(stage):
    stage.start()
    stage.counts(connects=1)
    for number, (payload, why) in enumerate(
        (
            (b"", "empty"),
            (b"ON" * 200, "over 96 bytes"),
            (b"\xff\xfeON", "not ASCII text"),
            (b'{"state":"ON","fro":30}', 'not like {"state":"ON","for":30}'),
            (b'{"state":', 'not like {"state":"ON","for":30}'),
            (b"on", "not ON, OFF or TOGGLE"),
        ),
        start=1,
    ):
        stage.broker.tell(f"{BASE}/fan/set", payload, number)
        stage.says(f"W fan: command refused: {why}")
    stage.counts(bad_commands=number)
    assert stage.board.changes(FAN) == 0
    stage.goes_on()


# --- the configuration --------------------------------------------------------------------------


def test_every_fault_in_the_configuration_is_told_and_counted_and_the_rest_goes_on(stage):
    stage.config["mqtt"]["keepalive"] = "30"  # wrong type
    stage.config["helth"] = {}  # unknown key
    stage.config["devices"] += [
        {"kind": "dht2", "name": "soil", "pin": 5},  # unknown kind
        {"kind": "relay", "name": "lamp", "pin": FAN},  # pin used twice
        {"kind": "dht22", "name": "roof", "pin": 18, "every": 1},  # impossible interval
    ]
    stage.start()
    for text in (
        "0 E config: mqtt.keepalive: '30'; must be a whole number, 0..65535; the default is used",
        '0 E config: helth: {}; unknown; did you mean "health"?',
        "0 E config: devices[3].kind: 'dht2'; unknown; did you mean \"dht22\"?; this device is",
        f"0 E config: devices[4].pin: {FAN}; is used already by devices[1].pin",
        "0 E config: devices[5].every: 1; must be a whole number, 2..535680; this device is left",
    ):
        stage.says(text)
    stage.counts(config=5, connects=1)
    stage.goes_on()
    eventually(lambda: stage.broker.said(f"{BASE}/air/state"), "a reading of the good sensor")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "no such file; copy config.example.json"),
        ("node = greenhouse", "not JSON"),
        ('{"node": "greenhouse-1"}', "wifi: missing"),
    ],
)
def test_a_configuration_of_no_use_is_told_counted_and_read_again_until_it_is_mended(
    stage, text, why
):
    if text is not None:
        stage.write(text)
    stage.node.start()
    stage.says(f"0 E config: {why}")
    stage.says("0 E config: cannot start with config.json, tries: 1")
    stage.broker = RudeBroker()
    stage.config["mqtt"]["brokers"] = [{"host": "127.0.0.1", "port": stage.broker.port}]
    stage.write(json.dumps(stage.config))
    stage.counts(config=0, connects=1)
    stage.goes_on()


# --- the radio ----------------------------------------------------------------------------------


def impatient(folder):
    """lib/ with a node that waits 2 s for an address, not 20; test_node_radio.py has the times."""
    lib = folder / "lib"
    shutil.copytree(ROOT / "lib", lib, ignore=shutil.ignore_patterns("__pycache__"))
    radio = lib / "node/radio.py"
    source = radio.read_text()
    assert source.count("_JOIN_MS = const(20000)") == 1
    radio.write_text(source.replace("_JOIN_MS = const(20000)", "_JOIN_MS = const(2000)"))
    return lib


@pytest.mark.parametrize(
    ("trouble", "mended", "text"),
    [
        ({"present": False}, {"present": True}, "no access point"),
        ({"password_ok": False}, {"password_ok": True}, "wrong password for"),
        ({"address": False}, {"address": True}, "no address (DHCP) from"),
    ],
)
def test_each_way_wifi_fails_is_told_apart_counted_and_joined_in_the_end(
    stage, board, trouble, mended, text
):
    board.wifi(**trouble)
    stage.node = Node(stage.folder, board, impatient(stage.folder))
    stage.start()
    eventually(lambda: any("W wifi: " in x for x in stage.node.tail(500)), "a word of it")
    board.wifi(**mended)
    told = [line.split("W wifi: ")[1] for line in stage.node.tail(500) if "W wifi: " in line]
    assert told[0] == f'{text} "home"; next try in 1 s'
    stage.says('I wifi: joined "home"')
    stage.counts(wifi_failed=len(told), connects=1)
    stage.goes_on()

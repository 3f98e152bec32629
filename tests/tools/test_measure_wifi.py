"""The board's way into its Wi-Fi for `make measure`, on MicroPython with the stand-ins: what
reaches the driver is what the node would give it."""

import json

import pytest

from tests.support import runtimes
from tests.tools.board import ROOT, STANDINS

CODE = """
import network, wifi
real = network.WLAN.connect
def connect(self, *given):
    print("connect", *given)
    real(self, *given)
network.WLAN.connect = connect
try:
    print("up", wifi.join(%r, %r, lambda: False)["rssi"])
except wifi.NoNetwork as error:
    print("not up:", error)
"""


@pytest.fixture
def join(micropython, board):
    """Joins with what was given and what config.json holds; returns what the driver was told."""
    board.wifi(join_ms=1)
    board.keep({("steadynode", "wifi_password"): "süß-12345".encode()})

    def run(given, config):
        code = CODE % (given, json.loads(json.dumps(config)))
        folders = [ROOT / "tools" / "measure" / "program", STANDINS]
        done = runtimes.run_code(
            "unix", code, folders, variables={"STEADYNODE_BOARD": str(board.path)}
        )
        assert done.code == 0, done.output
        return done.output.splitlines()

    return run


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("plain-text", "plain-text"),
        ({"nvs": "wifi_password"}, "süß-12345"),
        ("", "None"),
        (None, "None"),
    ],
)
def test_the_driver_is_told_what_the_node_would_tell_it(join, password, told):
    config = {"wifi": {"ssid": "home", "password": password}}
    assert join(None, config) == [f"connect home {told}", "up -58"]


def test_what_was_given_goes_before_what_the_node_has(join):
    config = {"wifi": {"ssid": "home", "password": {"nvs": "absent"}}}
    given = {"ssid": "guest", "password": "other-key"}
    assert join(given, config)[0] == "connect guest other-key"


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({}, "no network known"),
        ({"wifi": ["home", "its-key"]}, "no network known"),
        ({"wifi": {"ssid": 7}}, "no network known"),
        ({"wifi": {"ssid": ""}}, "no network known"),
        ({"wifi": {"ssid": "home", "password": 12345678}}, "no text"),
        ({"wifi": {"ssid": "home", "password": {"nvs": ["k"]}}}, "make flash CONFIG="),
        ({"wifi": {"ssid": "home", "password": {}}}, "make flash CONFIG="),
        ({"wifi": {"ssid": "home", "password": {"nvs": "absent"}}}, 'no secret "absent"'),
        ({"wifi": {"ssid": "home", "password": {"nvs": "k" * 16}}}, "make flash CONFIG="),
    ],
)
def test_a_configuration_of_no_use_is_told_and_nothing_is_joined(join, config, why):
    (said,) = join(None, config)
    assert said.startswith("not up: ") and why in said

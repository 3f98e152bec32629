"""Checks a config.json on the host with the node's own validator, before a board sees it.

What comes out may be printed: values that can be secrets are masked, also those under a key that
is misspelt, since a mistyped "password" is still one.
"""

import json
import sys

from tools.deploy import Trouble
from tools.deploy.bundle import ROOT

CHIPS = ("ESP32", "ESP32S2", "ESP32S3", "ESP32C3", "ESP32C6")
LONGEST_SHOWN = 56  # characters of a value that the validator shows before it cuts
STILL = " is that of config.example.json; put there"
EXAMPLE = ROOT / "config.example.json"
PLAIN_KEYS = {"node", "prefix", "ssid", "hostname", "host", "port", "client_id", "username"}


class HostBoard:
    """What the validator asks of a board."""

    def __init__(self, chip):
        self.chip = chip

    def kinds(self):
        """Names of the device kinds in lib/."""
        folder = ROOT / "lib" / "node" / "devices"
        return sorted(path.stem for path in folder.glob("*.py") if path.stem[0] != "_")


class NoBoard(HostBoard):
    """What making a node asks of a board beside: nothing happens."""

    def __getattr__(self, name):
        return lambda *arguments: None

    def ticks(self):
        return 0

    def memory(self, data=None):
        return b""

    def reset_cause(self):
        return "power-on"


def parse(data, name):
    """The object in the JSON text `data` (bytes), as MicroPython reads it, which guesses no
    encoding. Raises Trouble."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Trouble(f"{name}: not UTF-8 text; save it as UTF-8") from None
    if text.startswith("\ufeff") or text.startswith("\0", 1):
        raise Trouble(f"{name}: save it as UTF-8, without a byte order mark")
    try:
        return json.loads(text)
    except RecursionError:
        raise Trouble(f"{name}: nested too deeply; config.example.json shows its form") from None
    except json.JSONDecodeError as error:
        raise Trouble(
            f"{name}: not JSON: line {error.lineno}, column {error.colno}: {error.msg}. JSON wants "
            "double quotes, a comma between entries, none after the last, and no comments"
        ) from None


def faults(config, chip):
    """(faults of `config` on that chip, whether the node could start all the same)."""
    config_module = _validator()
    try:
        checked = config_module.check(config, HostBoard(chip))
        refused = _refused(checked, chip)
        problems, starts = checked["problems"] + refused, not refused
    except config_module.ConfigError as error:
        problems, starts = error.problems, False
    return [_masked(problem, config) for problem in problems], starts


def _refused(checked, chip):
    """What the node says of settings that are right by themselves and do not fit together, as a
    list: it is made here, on a board of no substance."""
    from node.setup import build

    mqtt = checked["mqtt"]
    if isinstance(mqtt["password"], dict):  # it is on the board
        checked = {**checked, "mqtt": {**mqtt, "password": "x"}}
    try:
        build(checked, NoBoard(chip), None)
    except ValueError as error:
        return [f"mqtt or devices: {error}"]
    except Exception:  # a device kind of the user's that wants more of its board: no verdict
        pass
    return []


def faults_anywhere(config):
    """The faults it has on every chip, for when the chip is not known yet."""
    found = [faults(config, chip)[0] for chip in CHIPS]
    return [fault for fault in found[0] if all(fault in others for others in found[1:])]


def cautions(config, chip):
    """What to mind with the pins of a faultless `config` on that chip, one text a pin."""
    _validator()
    from node.fields import device_class
    from node.pins import pin_caution

    found = []
    for index, entry in enumerate(config["devices"]):
        for key, rule in device_class(entry["kind"]).KEYS.items():
            text = pin_caution(chip, entry[key]) if rule[0] == "pin" and key in entry else ""
            if text:
                found.append(f"devices[{index}].{key}: {entry[key]}; {text} (docs/hardware.md)")
    return found


def unedited(config):
    """What in `config` (any JSON) still is as config.example.json has it, and to be replaced, one
    text a key. Told and not refused: a network of that name and password may be there, and a board
    may be tried out without any."""
    example = json.loads(EXAMPLE.read_text())
    found = []
    if _same(config, example, "wifi", "password"):  # another one: somebody was at these lines
        if _same(config, example, "wifi", "ssid"):
            found.append(f'wifi.ssid: "{example["wifi"]["ssid"]}"{STILL} the name of your network')
        found.append(f"wifi.password{STILL} the password of your network")
    host = example["mqtt"]["brokers"][0]["host"]
    brokers = at(config, "mqtt", "brokers")
    for index, entry in enumerate(brokers if isinstance(brokers, list) else ()):
        if at(entry, "host") == host:
            found.append(
                f'mqtt.brokers[{index}].host: "{host}"{STILL} the address of your broker, unless '
                "it is this one"
            )
    return found


def _same(config, example, *keys):
    return at(config, *keys) == at(example, *keys)


def at(value, *keys):
    """What stands below these keys, None if nothing does."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _validator():
    lib = str(ROOT / "lib")
    if lib not in sys.path:
        sys.path.insert(0, lib)
    from node import config

    return config


def _masked(text, config):
    """`text` without the values of `config` that may be secret, as the validator shows them."""
    for secret in sorted(_secrets(config), key=len, reverse=True):
        shown = repr(secret)
        text = text.replace(shown, "***").replace(shown[:LONGEST_SHOWN] + "...", "***")
    return text


def _secrets(value, key="", inside_device=False):
    """Every text in it that is not the value of a key known to be harmless."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _secrets(inner, str(name), inside_device)
    elif isinstance(value, list):
        for inner in value:
            yield from _secrets(inner, key, inside_device or key == "devices")
    elif isinstance(value, str) and value and not inside_device and key not in PLAIN_KEYS:
        yield value

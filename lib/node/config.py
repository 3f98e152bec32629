"""Reads config.json and checks every value before anything is built on it.

All faults are collected; each names the key (`devices[0].pin`), the value, and what would be
right. The node goes on with what is right: a faulty setting gets its default, an unknown key is
passed over, a device or broker with a fault is left out (its other keys may not mean what they
say: a relay whose `active_low` is misspelt would be on). Only without a node name, a Wi-Fi
network or any broker there is nothing to go on with, and that is a ConfigError.

What comes back has every key, defaults filled in, each device entry the class of its kind, and
the texts of the faults under "problems". Used once at the start; the node then gives this module
back to the heap.
"""

import json

from node.fields import Fields

LONGEST = 535680  # seconds: 6.2 days, half the period of the clock
PATIENCE = 90  # seconds: longer than the longest step, a name resolution of up to 60 s

_TOP = {
    "node": ("level", ...),
    "prefix": ("prefix", "steadynode"),
    "wifi": ("group", ...),
    "mqtt": ("group", ...),
    "health": ("group", {}),
    "watchdog": ("group", {}),
    "safe_mode": ("group", {}),
    "devices": ("list", ..., 0, 16),
}
_WIFI = {
    "ssid": ("text", ..., 1, 32),
    "password": ("password", ""),
    "hostname": ("hostname", "steadynode"),
}
_MQTT = {
    "brokers": ("list", ..., 1, 4),
    "client_id": ("text", None, 0, 64),
    "username": ("text", None, 1, 128),
    "password": ("text", None, 0, 128),
    "keepalive": ("int", 30, 0, 65535),
    "clean_session": ("bool", False),
    "retry_first": ("int", 1, 1, 3600),
    "retry_max": ("int", 60, 1, 86400),
    "connect_timeout": ("int", 15, 1, 600),
    "ack_timeout": ("int", 10, 1, 600),
    "rx_size": ("int", 512, 128, 8192),
    "tx_size": ("int", 1024, 768, 16384),
    "max_inflight": ("int", 8, 1, 64),
}
_BROKER = {"host": ("host", ...), "port": ("int", 1883, 1, 65535)}
_HEALTH = {"every": ("int", 60, 1, LONGEST)}
_WATCHDOG = {"timeout": ("int", 120, 0, 3600)}
_SAFE_MODE = {"crashes": ("int", 3, 1, 100), "button": ("pin", None, False)}  # see node.boot
_DEVICE = {"kind": ("kind", ...), "name": ("level", ...)}

_TAKEN = ("status", "health", "cmd", "crash")  # the node's own topics


class ConfigError(Exception):
    """There is nothing to go on with. `problems` is a list of texts, one a fault."""

    def __init__(self, path, problems):
        super().__init__("%s: %s" % (path, "; ".join(problems)))
        self.problems = problems


def load(path, board, bare=False):
    """The checked configuration of a file, `bare` of its devices. ConfigError when it is of no
    use."""
    try:
        with open(path, "rb") as file:
            data = json.loads(file.read())
    except OSError:
        raise ConfigError(path, ["no such file; copy config.example.json to it and edit that"])
    except ValueError as error:
        raise ConfigError(path, ["not JSON (%s); look for a missing comma or quote" % error])
    if bare and isinstance(data, dict):
        data["devices"] = []
    return check(data, board, path)


def check(data, board, path="config.json"):
    """The checked configuration of what JSON gave. ConfigError when it is of no use. `data` is
    not changed."""
    checker = _Config(board)
    config = checker.top(data)
    if config is None:
        raise ConfigError(path, checker.problems)
    config["problems"] = checker.problems
    return config


class _Config(Fields):
    """The groups of the file and what must hold between their values."""

    def top(self, data):
        """The configuration, or None when the node cannot go on with it."""
        if not isinstance(data, dict):
            self.bad("the file", data, "must be an object {...} with node, wifi, mqtt and devices")
            return None
        top = self.group(data, _TOP, "")
        wifi = top["wifi"] = self.part(top["wifi"], _WIFI, "wifi.")
        mqtt = top["mqtt"] = self.mqtt(self.part(top["mqtt"], _MQTT, "mqtt."), top["node"])
        top["health"] = self.group(top["health"], _HEALTH, "health.")
        watchdog = top["watchdog"] = self.group(top["watchdog"], _WATCHDOG, "watchdog.")
        if 0 < watchdog["timeout"] < PATIENCE:
            right = "must be 0, or %d..3600: a name server may take a minute; %d is used"
            self.bad("watchdog.timeout", watchdog["timeout"], right % (PATIENCE, PATIENCE))
            watchdog["timeout"] = PATIENCE
        top["devices"] = self.devices(top["devices"] or [])
        top["safe_mode"] = self.group(top["safe_mode"], _SAFE_MODE, "safe_mode.")
        usable = top["node"] and wifi and wifi["ssid"] and wifi["password"] is not None
        return top if usable and mqtt and mqtt["brokers"] else None

    def part(self, data, rules, path):
        """A group that must be given; None if it was not."""
        return None if data is None else self.group(data, rules, path)

    def mqtt(self, c, node):
        if c is None:
            return None
        if c["client_id"] is None:
            c["client_id"] = node
        if c["client_id"] == "" and not c["clean_session"]:
            self.bad("mqtt.client_id", "", "needs clean_session true; the node's name is used")
            c["client_id"] = node
        if c["password"] is not None and c["username"] is None:
            self.bad("mqtt.password", "***", "needs mqtt.username too; none is sent")
            c["password"] = None
        if c["retry_first"] > c["retry_max"]:
            self.bad("mqtt.retry_first", c["retry_first"], "exceeds mqtt.retry_max, which is used")
            c["retry_first"] = c["retry_max"]
        c["brokers"] = self.brokers(c["brokers"] or [])
        return c

    def brokers(self, entries):
        """Those that are right."""
        kept = []
        self.outcome = "; this broker is left out"
        for index in range(len(entries)):
            path = "mqtt.brokers[%d]" % index
            before = len(self.problems)
            entry = entries[index]
            if isinstance(entry, dict):
                entry = self.group(entry, _BROKER, path + ".")
            else:
                self.bad(path, entry, 'must be {"host": ..., "port": ...}')
            if len(self.problems) == before:
                kept.append(entry)
        self.outcome = ""
        return kept

    def devices(self, entries):
        """Those that are right; `index` is the place among them."""
        kept = []
        names = []
        names.extend(_TAKEN)
        self.outcome = "; this device is left out"
        for index in range(len(entries)):
            before = len(self.problems)
            entry = self.device(entries[index], "devices[%d]" % index, names)
            if len(self.problems) == before:
                entry["index"] = len(kept)
                kept.append(entry)
        self.outcome = ""
        return kept

    def device(self, data, path, names):
        if not isinstance(data, dict):
            self.bad(path, data, 'must be {"kind": ..., "name": ..., "pin": ...}')
            return {}
        entry = self.keys(data, path + ".")
        name = entry.get("name")
        if name is not None and name in names:
            self.bad(path + ".name", name, "is used already, or a topic of the node itself")
        names.append(name)
        return entry

    def keys(self, data, path):
        self.kind = None
        self.value(data.get("kind", ...), _DEVICE["kind"], path + "kind")
        kind = self.kind
        if kind is None:
            return {"name": data.get("name")}
        rules = dict(_DEVICE)
        rules.update(kind.KEYS)
        entry = self.group(data, rules, path)
        entry["class"] = kind
        return entry

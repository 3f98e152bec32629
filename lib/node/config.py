"""Reads config.json and checks every value before anything is built on it.

All faults are collected; each names the key (`devices[0].pin`), the value, and what would be
right. What comes back has every key, defaults filled in, and each device entry the class of its
kind. Used once at the start; the node then gives this module back to the heap.
"""

import json

from node.fields import Fields

LONGEST = 535680  # seconds: 6.2 days, half the period of the clock

_TOP = {
    "node": ("level", ...),
    "prefix": ("prefix", "steadynode"),
    "wifi": ("group", ...),
    "mqtt": ("group", ...),
    "health": ("group", {}),
    "watchdog": ("group", {}),
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
_DEVICE = {"kind": ("kind", ...), "name": ("level", ...)}

_TAKEN = ("status", "health", "cmd")  # the node's own topics


class ConfigError(Exception):
    """The configuration cannot be used. `problems` is a list of texts, one a fault."""

    def __init__(self, path, problems):
        super().__init__("%s: %s" % (path, "; ".join(problems)))
        self.problems = problems


def load(path, board):
    """The checked configuration of a file. ConfigError otherwise."""
    try:
        with open(path, "rb") as file:
            data = json.loads(file.read())
    except OSError:
        raise ConfigError(path, ["no such file; copy config.example.json to it and edit that"])
    except ValueError as error:
        raise ConfigError(path, ["not JSON (%s); look for a missing comma or quote" % error])
    return check(data, board, path)


def check(data, board, path="config.json"):
    """The checked configuration of what JSON gave. ConfigError otherwise. `data` is not changed."""
    checker = _Config(board)
    config = checker.top(data)
    if checker.problems:
        raise ConfigError(path, checker.problems)
    return config


class _Config(Fields):
    """The groups of the file and what must hold between their values."""

    def top(self, data):
        if not isinstance(data, dict):
            self.bad("the file", data, "must be an object {...} with node, wifi, mqtt and devices")
            return None
        top = self.group(data, _TOP, "")
        if self.problems and (top["wifi"] is None or top["mqtt"] is None or top["devices"] is None):
            return None
        top["wifi"] = self.group(top["wifi"], _WIFI, "wifi.")
        top["mqtt"] = self.mqtt(top["mqtt"], top["node"])
        top["health"] = self.group(top["health"] or {}, _HEALTH, "health.")
        top["watchdog"] = self.group(top["watchdog"] or {}, _WATCHDOG, "watchdog.")
        if 0 < (top["watchdog"]["timeout"] or 0) < 10:
            self.bad("watchdog.timeout", top["watchdog"]["timeout"], "must be 0 (off) or 10..3600")
        top["devices"] = self.devices(top["devices"])
        return top

    def mqtt(self, data, node):
        c = self.group(data, _MQTT, "mqtt.")
        if c["client_id"] is None:
            c["client_id"] = node
        if c["client_id"] == "" and not c["clean_session"]:
            self.bad("mqtt.client_id", "", "may be empty only with clean_session true")
        if c["password"] is not None and c["username"] is None:
            self.bad("mqtt.password", "***", "needs mqtt.username too")
        if (c["retry_first"] or 0) > (c["retry_max"] or 86400):
            self.bad("mqtt.retry_first", c["retry_first"], "must not exceed mqtt.retry_max")
        brokers = c["brokers"] or []
        for index in range(len(brokers)):
            path = "mqtt.brokers[%d]" % index
            if isinstance(brokers[index], dict):
                brokers[index] = self.group(brokers[index], _BROKER, path + ".")
            else:
                self.bad(path, brokers[index], 'must be {"host": ..., "port": ...}')
        return c

    def devices(self, entries):
        names = []
        names.extend(_TAKEN)
        for index in range(len(entries)):
            path = "devices[%d]" % index
            entry = entries[index]
            if not isinstance(entry, dict):
                self.bad(path, entry, 'must be {"kind": ..., "name": ..., "pin": ...}')
                continue
            entry = entries[index] = self.device(entry, path + ".")
            name = entry.get("name")
            if name is not None and name in names:
                self.bad(path + ".name", name, "is used already, or a topic of the node itself")
            names.append(name)
            entry["index"] = index
        return entries

    def device(self, data, path):
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

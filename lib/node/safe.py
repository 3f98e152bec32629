"""Every relay in the configuration gets its safe level, the first thing that a node's board does.

Runs in boot.py, before anything is checked or connected, so it takes what it can read and leaves
the rest alone: faults in the configuration are told by main.py. Pins that cannot be outputs are
not touched. Everything here allocates.
"""

import json

from node.pins import pin_problem


def read(path):
    """What is in the configuration file, unchecked; {} when it is of no use. Allocates."""
    try:
        with open(path) as file:
            config = json.load(file)
        return config if isinstance(config, dict) else {}
    except (OSError, ValueError):
        return {}


def relays(board, config):
    """Drive each relay of the configuration to its safe level. Returns how many. Allocates."""
    entries = config.get("devices")
    return sum(_relay(board, entry) for entry in entries) if isinstance(entries, list) else 0


def _relay(board, entry):
    if not isinstance(entry, dict) or entry.get("kind") != "relay":
        return 0
    pin = entry.get("pin")
    if pin_problem(board.chip, pin, True):
        return 0
    try:
        board.output(pin, (entry.get("safe") == "ON") != (entry.get("active_low") is True))
    except ValueError:  # the firmware keeps this pin for itself; the other relays have theirs
        return 0
    return 1

"""The first thing a board does: every relay in the configuration gets its safe level.

Runs in boot.py, before anything is checked or connected, so it takes what it can read and leaves
the rest alone: faults in the configuration are told by main.py. Pins that cannot be outputs are
not touched.
"""

import json

from node.pins import pin_problem


def relays(board, path="config.json"):
    """Drive each relay of the configuration file to its safe level. Returns how many."""
    try:
        with open(path) as file:
            entries = json.load(file)["devices"]
        return sum(_relay(board, entry) for entry in entries)
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _relay(board, entry):
    if not isinstance(entry, dict) or entry.get("kind") != "relay":
        return 0
    pin = entry.get("pin")
    if pin_problem(board.chip, pin, True):
        return 0
    board.output(pin, (entry.get("safe") == "ON") != (entry.get("active_low") is True))
    return 1

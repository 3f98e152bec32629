"""From the file to a node that can run; whatever is done with is given back to the heap at once.

The configuration is read and checked before the client and the rest of the node are loaded, so that
the two are never in memory together. Forgotten itself once the node runs. Allocates.
"""

import sys

_AGAIN_S = 5  # between two looks at a config.json that is of no use

_READING = ("node.config", "node.fields", "node.pins", "node.safe")
_MAKING = (
    "node.setup", "node.online", "node.start", "node.boot", "node.kept", "node.devices",
    "mqtt.options",
)  # fmt: skip


def begin(path, board, put=None, make=None):
    """The node, as soon as the file allows one: without a usable one the relays stay safe and the
    file is read again every 5 s, so whoever mends it need not reset the board. With `make` what
    make(config, board, put) returns, from a configuration without its devices."""
    seconds = tries = 0
    while True:
        node = start(path, board, put, seconds, make)
        if node:
            return node
        tries += 1
        tell(seconds, ["cannot start with %s, tries: %d" % (path, tries)], put)
        board.sleep(_AGAIN_S * 1000)
        seconds += _AGAIN_S


def start(path, board, put=None, seconds=0, make=None):
    """What begin() promises, or None if the file is of no use; every fault is told. Allocates."""
    config, problems = _read(path, board, make is not None)
    _unload(_READING)
    board.collect()
    tell(seconds, problems, put)
    if config:
        from node import build

        try:
            return (make or build)(config, board, put)
        except ValueError as error:  # the client's word on settings that do not fit together
            tell(seconds, ["mqtt or devices: %s" % error], put)
    return None


def _read(path, board, bare):
    from node.config import ConfigError, load

    try:
        config = load(path, board, bare)
        return config, config["problems"]
    except ConfigError as error:
        return None, error.problems


def tell(seconds, problems, put, source="E config"):
    """One line of the log for each. Allocates."""
    for problem in problems:
        line = "%d %s: %s\n" % (seconds, source, problem)
        if put:
            put(line)
        else:
            print(line, end="")


def forget(node):
    """Give back what only the start needed: its modules, and from the classes of `node` their
    constructors and tables. No other node can be made after this. Allocates."""
    _unload(_MAKING)
    for part in (node, node.health, node.service, node.radio, node.out, node.log, node.clock):
        prune(part.__class__)
    for part in (node.guard, node.client, node.link):
        prune(part.__class__)
    for slot in node.slots:
        prune(slot.__class__)
        prune(slot.device.__class__)


def _unload(names):
    for name in names:
        loaded = sys.modules.pop(name, None)
        package, _, module = name.rpartition(".")
        if loaded and hasattr(sys.modules[package], module):
            delattr(sys.modules[package], module)


_CLASS = ("__init__", "KEYS", "COUNTS", "SIZE", "describe", "prepare", "subscribe", "unsubscribe")
_BOARD = (
    "__init__", "kinds", "output", "dht", "wlan", "transport", "watchdog", "reset_cause", "held",
    "secret",
)  # fmt: skip


def prune(kind, names=_CLASS):
    """Take from a class and its bases what is for the start only. Allocates."""
    for name in names:
        if name in kind.__dict__:
            setattr(kind, name, None)  # MicroPython would keep what is deleted from a class
    for base in kind.__bases__:
        if base is not object:
            prune(base, names)


def prune_board(kind):
    """The same for the class of the board: no further pin is made. Allocates."""
    prune(kind, _BOARD)

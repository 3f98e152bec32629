"""From the file to a node that can run; then what only that needed is given back to the heap.

Forgotten itself once the node runs. Allocates.
"""

import sys

from node.log import put_piece

_AGAIN_S = 5  # between two looks at a config.json that is of no use

_MODULES = ("config", "fields", "pins", "safe", "setup", "start")


def begin(path, board, put=None):
    """The node, as soon as the file allows one: without a usable one the relays stay safe and the
    file is read again every 5 s, so whoever mends it need not reset the board."""
    from node.config import ConfigError

    seconds = tries = 0
    while True:
        try:
            return start(path, board, put, seconds)
        except ConfigError:
            tries += 1
        tell(seconds, ["cannot start with %s, tries: %d" % (path, tries)], put)
        board.sleep(_AGAIN_S * 1000)
        seconds += _AGAIN_S


def start(path, board, put=None, seconds=0):
    """The node made from the file; every fault is told. ConfigError if it is of no use. Set-up."""
    from node import build
    from node.config import ConfigError, load

    try:
        config = load(path, board)
        tell(seconds, config["problems"], put)
        return build(config, board, put)
    except ConfigError as error:
        problems = error.problems
    except ValueError as error:  # the client's word on settings that do not fit together
        problems = ["mqtt or devices: %s" % error]
    tell(seconds, problems, put)
    raise ConfigError(path, problems)


def tell(seconds, problems, put):
    """One line of the log for each. Allocates."""
    for problem in problems:
        (put or put_piece)("%d E config: %s\n" % (seconds, problem))


def forget(node):
    """Give back to the heap what only the start needed: its modules, and the constructors and
    tables of the classes of `node`. No other node can be made after this. Allocates."""
    import node as package

    for name in _MODULES:
        sys.modules.pop("node." + name, None)
        if hasattr(package, name):
            delattr(package, name)
    for part in (node, node.health, node.service, node.radio, node.out, node.log, node.clock):
        _prune(part.__class__)
    _prune(node.guard.__class__)
    for slot in node.slots:
        _prune(slot.__class__)
        _prune(slot.device.__class__)


def _prune(kind):
    for name in ("__init__", "KEYS", "COUNTS", "SIZE", "describe"):
        if name in kind.__dict__:
            delattr(kind, name)
    for base in kind.__bases__:
        if base is not object:
            _prune(base)

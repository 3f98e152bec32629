"""Runs the node until Ctrl-C or a reboot command: configuration, loop, orderly end."""

import sys

from mqtt._shim import const
from node.clock import since
from node.guard import Guard
from node.log import put_piece

_IDLE_MS = const(5)  # between two steps: the longest a message waits to be noticed
_FAREWELL_MS = const(1000)  # for the broker to acknowledge `offline`
_CLOSE_MS = const(500)
_AGAIN_S = const(5)  # between two looks at a config.json that is of no use


def run(path="config.json"):
    """The whole program. Returns after Ctrl-C; restarts the board after a reboot command."""
    from node.board import Board

    board = Board()
    try:
        node = begin(path, board)
    except KeyboardInterrupt:
        return
    forget("config", "fields", "pins", "safe")
    try:
        loop(node, board)
    except KeyboardInterrupt:
        node.log.say("I", "node", "stopped by Ctrl-C")
    finally:
        farewell(node, board)
    if node.service.reboot:
        board.reset()


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
    """The node made from the file; every fault is told. ConfigError if it is of no use."""
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


def forget(*names):
    """Give modules that only the start needed back to the heap."""
    import node

    for name in names:
        sys.modules.pop("node." + name, None)
        if hasattr(node, name):
            delattr(node, name)


def loop(node, board):
    """Step by step until a reboot is asked for. Allocates nothing."""
    guard = Guard()
    while not node.service.reboot:
        timed_step(node, board, guard)
        board.sleep(_IDLE_MS)


def timed_step(node, board, guard):
    """One step. A fault in our own code is counted and told, and the next step is tried; but the
    watchdog is fed at the end of a good step only, so a node that cannot recover restarts."""
    now = board.ticks()
    _guarded(node, guard, now)
    if guard.caught:
        node.errors += 1
        node.log.say("E", "node", "a step failed: ", guard.name)
    node.health.took(since(board.ticks(), now))


def _guarded(node, guard, now):
    with guard:
        node.step(now)


def farewell(node, board):
    """Relays safe; `offline` retained and acknowledged, at most 1 s; then DISCONNECT."""
    node.safe()
    start = board.ticks()
    while node.client.state == 3 and since(board.ticks(), start) < _FAREWELL_MS:
        if node.part(board.ticks()):
            break
        board.sleep(_IDLE_MS)
    node.link.stop()
    start = board.ticks()
    while node.client.state and since(board.ticks(), start) < _CLOSE_MS:
        node.link.step(board.ticks())
        board.sleep(_IDLE_MS)

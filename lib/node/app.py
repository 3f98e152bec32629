"""Runs the node until Ctrl-C or a reboot command: configuration, loop, orderly end."""

import sys

from mqtt._shim import const
from node.clock import since
from node.guard import Guard
from node.log import put_piece

_IDLE_MS = const(5)  # between two steps: the longest a message waits to be noticed
_FAREWELL_MS = const(1000)  # for the broker to acknowledge `offline`
_CLOSE_MS = const(500)


def run(path="config.json"):
    """The whole program. Returns after Ctrl-C; restarts the board after a reboot command.

    A faulty configuration is told line by line and raises ConfigError: a board stays at its
    prompt (SystemExit would restart it, again and again), a host ends with exit status 1.
    """
    from node.board import Board

    board = Board()
    node = start(path, board)
    forget("config", "fields", "pins", "safe")
    try:
        loop(node, board)
    except KeyboardInterrupt:
        node.log.say("I", "node", "stopped by Ctrl-C")
    finally:
        farewell(node, board)
    if node.service.reboot:
        board.reset()


def start(path, board, put=None):
    """The node made from the file; ConfigError after every fault was told."""
    from node import build
    from node.config import ConfigError, load

    try:
        config = load(path, board)
        return build(config, board, put)
    except ConfigError as error:
        problems = error.problems
    except ValueError as error:  # the client's word on settings that do not fit together
        problems = ["mqtt or devices: %s" % error]
    put = put or put_piece
    for problem in problems:
        put("0 E config: %s\n" % problem)
    raise ConfigError(path, problems)


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

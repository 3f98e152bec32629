"""Runs the node until Ctrl-C or a reboot command: configuration, loop, orderly end."""

from mqtt._shim import const
from node.clock import since

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
    try:
        loop(node, board)
    except KeyboardInterrupt:
        node.log.say("I", "node", "stopped by Ctrl-C")
    finally:
        farewell(node, board)
    if node.service.reboot:
        board.reset()


def start(path, board, put=None):
    """The node made from the file. What only the set-up needed is given back to the heap."""
    from node import build
    from node.config import ConfigError, load

    config = load(path, board)
    try:
        node = build(config, board, put)
    except ValueError as error:
        raise ConfigError(path, ["mqtt: %s" % error])
    return node


def loop(node, board):
    """Step by step until a reboot is asked for. Allocates nothing."""
    health = node.health
    while not node.service.reboot:
        now = board.ticks()
        guarded(node, now)
        spent = since(board.ticks(), now)
        if spent > health.worst:
            health.worst = spent
        board.sleep(_IDLE_MS)


def guarded(node, now):
    """One step; a fault in our own code is counted and told, and the next step is tried. The
    watchdog is fed at the end of a good step only, so a node that cannot recover restarts."""
    try:
        node.step(now)
    except Exception as error:
        node.errors += 1
        node.log.say("E", "node", "a step failed: ", error.__class__.__name__, " ", str(error))


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

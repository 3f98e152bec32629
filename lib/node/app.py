"""Runs the node until Ctrl-C or a reboot command: start, loop, orderly end."""

from mqtt._shim import const
from node.clock import since

_IDLE_MS = const(5)  # between two steps: the longest a message waits to be noticed


def run(path="config.json"):
    """The whole program. Returns after Ctrl-C; restarts the board after a reboot command, and
    after an exception, whose last lines are kept for the next start."""
    from node import start
    from node.board import Board

    board = Board()
    node = fault = None
    try:
        node = start.begin(path, board)
        start.prune_board(Board)
        start.forget(node)
        start = None  # the last hold on it
        loop(node, board)
    except KeyboardInterrupt:
        if node:
            node.log.say("I", "node", "stopped by Ctrl-C")
    except Exception as error:
        fault = error
    finally:
        if node:
            node.safe()  # before anything that may fail
    from node.ending import end

    end(node, board, fault)


def loop(node, board):
    """Step by step until a reboot is asked for. Allocates nothing."""
    while not node.service.reboot:
        timed_step(node, board, node.guard)
        board.sleep(_IDLE_MS)


def timed_step(node, board, guard):
    """One step. A fault in our own code is counted and told, and the next step is tried; but the
    watchdog is fed at the end of a good step only, so a node that cannot recover restarts."""
    now = board.ticks()
    _guarded(node, guard, now)
    if guard.caught:
        _faulty(node, board, guard)
    now = since(board.ticks(), now)
    if now > node.health.worst:
        node.health.worst = now


def _faulty(node, board, guard):
    node.errors += 1
    node.log.say("E", "node", "a step failed: ", guard.name)
    if node.errors == 1:
        _keep(board, guard)


def _keep(board, guard):
    """For the case that the watchdog has to end this. Allocates."""
    with guard:
        from node.kept import note

        note(board, guard.error)


def _guarded(node, guard, now):
    with guard:
        node.step(now)

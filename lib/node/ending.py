"""The orderly end, loaded when it comes. Allocates, since nothing has to stand still any more."""

from node.clock import since
from node.kept import ended, failed

_UP = 3
_FAREWELL_MS = 1000  # for the broker to acknowledge `offline`
_CLOSE_MS = 500
_IDLE_MS = 5


def end(node, board, error):
    """The end of the program: of `node`, which is None when it had not started, by `error` or, with
    None, because somebody wanted it. The next start will know which."""
    if error:
        failed(board, error)
    else:
        ended(board)
    try:
        if node:
            farewell(node, board)
    finally:
        if error or (node and node.service.reboot):
            board.reset()


def farewell(node, board):
    """Relays safe; `offline` retained and acknowledged, at most 1 s; then DISCONNECT."""
    node.safe()
    start = board.ticks()
    while node.client.state == _UP and since(board.ticks(), start) < _FAREWELL_MS:
        if _part(node, board.ticks()):
            break
        board.sleep(_IDLE_MS)
    node.link.stop()
    start = board.ticks()
    while node.client.state and since(board.ticks(), start) < _CLOSE_MS:
        node.link.step(board.ticks())
        board.sleep(_IDLE_MS)


def _part(node, now):
    """A step on the way out: True once the broker has acknowledged `offline`."""
    node.greet = False
    node.clock.advance(now)
    node.network(now)
    node.publish(now)
    if node.parting == 0:
        node.parting = max(0, node.send_status(b"offline"))
    return node.parting < 0

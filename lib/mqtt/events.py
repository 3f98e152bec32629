"""What the application is told (on_event), and what ends: a message, or the connection."""

from mqtt._shim import const
from mqtt.outbox import acked, lost

_MASK = const(0x3FFFFFFF)
_DOWN = const(0)
_CLOSING = const(4)
_ACKED = const(2)
_FAILED = const(3)
_CLOSED = const(6)
_REPLACED = const(-13)


def emit(c, kind, a, b):
    """Tell on_event; an exception there is caught and counted."""
    if c.on_event:
        c.event_kind = kind
        c.event_a = a
        c.event_b = b
        _call(c)


def _call(c):
    # A ``try`` and these arguments as parameters would take the frame from the heap.
    try:
        c.on_event(c.event_kind, c.event_a, c.event_b)
    except Exception:
        c.handler_errors = c.handler_errors + 1 & _MASK


def tell(c):
    """Tell what happened between two steps. What these events themselves do is told by the next."""
    c.news = False
    handle = c.done_first
    last = c.done_last
    if handle:  # PUBLISHes of QoS 0 written at once
        c.done_first = 0
        c.spoke = c.now
        n = (last - handle) % _MASK + 1
        c.sent = c.sent + n & _MASK
        c.acked = c.acked + n & _MASK
    while handle:
        emit(c, _ACKED, handle, 0)
        handle = 0 if handle == last or not c.on_event else handle % _MASK + 1
    handle = c.dropped_first
    last = c.dropped_last
    c.dropped_first = 0
    while handle:
        c.failed = c.failed + 1 & _MASK
        emit(c, _FAILED, handle, _REPLACED)
        handle = 0 if handle == last else handle % _MASK + 1


def give_up(c, i, code):
    """Entry ``i`` of the outbox will never be acknowledged."""
    handle = c.outbox.handle[i]
    acked(c.outbox, i)
    c.failed = c.failed + 1 & _MASK
    emit(c, _FAILED, handle, code)


def _close(transport):
    try:
        transport.close()
    except OSError:
        pass  # what it was open for is over all the same


def end(c, reason, detail):
    """The connection is over: what dies with it is cleared, what lives on is left alone."""
    if c.state == _CLOSING:
        reason = detail = 0  # however it ended, we had asked for it
    _close(c.transport)
    c.state = _DOWN
    c.parser.reset()
    c.acks_from = c.acks_to = c.left = c.sending = 0
    c.blocked = c.pinged = c.broken = c.asked = False
    c.clear = 0
    lost(c.outbox)
    c.subscriptions.rewind(True)
    c.held.stuck = False
    c.reason = reason
    c.closes = c.closes + 1 & _MASK
    emit(c, _CLOSED, reason, detail)

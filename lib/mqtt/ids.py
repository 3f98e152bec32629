"""Packet ids: 1..65535, one space for all that we send [MQTT-2.3.1-2, -4].

They are given out in turn. From ``next_id`` up to ``ids_end`` surely none is in use: what is given
out lies behind. At the end, all that are in use are looked at, once.
"""


def take_id(c):
    """An id that nothing uses. Allocates nothing."""
    n = c.next_id
    if n == c.ids_end:
        n = _look(c, n, c.outbox.ids, c.subscriptions.ids)
    c.next_id = n % 65535 + 1
    return n


def _look(c, n, ids, others):
    while n in ids or n in others:
        n = n % 65535 + 1
    c.ids_end = (n - 2) % 65535 + 1  # the one before it, the farthest
    _nearest(c, n, ids)
    _nearest(c, n, others)
    return n


def _nearest(c, n, ids):
    for used in ids:
        if used and (used - n) % 65535 < (c.ids_end - n) % 65535:
            c.ids_end = used

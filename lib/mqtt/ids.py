"""Packet ids: 1..65535, one space for all that we send [MQTT-2.3.1-2, -4].

They are given out in turn. How many from the next one on are surely free is found by one look at
all that are in use, and then only counted down: what is given out lies behind.
"""


def take_id(c):
    """An id that nothing uses. Allocates nothing."""
    n = c.next_id
    if not c.ids_free or n != c.ids_next:  # next_id can be set
        n = _look(c, n, c.outbox.ids, c.subscriptions.ids)
    c.ids_free -= 1
    c.next_id = c.ids_next = n % 65535 + 1
    return n


def _look(c, n, ids, others):
    while n in ids or n in others:
        n = n % 65535 + 1
    c.ids_free = 65535
    _nearest(c, n, ids)
    _nearest(c, n, others)
    return n


def _nearest(c, n, ids):
    for used in ids:
        if used and (used - n) % 65535 < c.ids_free:
            c.ids_free = (used - n) % 65535

"""A QoS-1 PUBLISH that is alone: sent whole at once, with nothing else kept in the outbox.

This is what a sensor does all day, so it costs no entry of the outbox: its copy stands at the
start of the arena, and three numbers say what it is: its packet id, its size, and the handle given
out last. publishing.py and publication.py note them where they have written it, without a call.
If the next step reads its PUBACK and nothing else, it is done: engine.py looks for that first.
Whatever else happens (another publish, another packet, no packet, the end of the connection) makes
an entry of it, like any other: outbox.settle().
"""

from mqtt._shim import const
from mqtt.events import end
from mqtt.outbox import settle

_PEER_CLOSED = const(-30)
_TRANSPORT = const(-31)


def other_answer(c, o, p, n):
    """Read were ``n`` bytes, or what readinto() else returns, and they are not its PUBACK alone:
    it becomes an entry, and they are left to the parser."""
    if o.lone:  # the transport may have asked what is in flight
        settle(o)
    if n is None:
        return
    if n <= 0:
        end(c, _TRANSPORT if n else _PEER_CLOSED, n)
        return
    c.heard = c.now
    p.at = 0
    p.have = n

"""A QoS-1 PUBLISH that is alone: sent whole at once, with nothing else kept in the outbox.

This is what a sensor does all day, so it costs no entry of the outbox: its copy stands at the
start of the arena, and three numbers say what it is. If the next step reads its PUBACK and nothing
else, it is done. Whatever else happens (another publish, another packet, no packet, the end of the
connection) makes an entry of it, like any other: outbox.settle().
"""

from mqtt._shim import const
from mqtt.events import emit, end
from mqtt.ids import take_id
from mqtt.outbox import settle

_UP = const(3)
_ACKED = const(2)
_CLEAR = const(1)
_PEER_CLOSED = const(-30)
_TRANSPORT = const(-31)
_STAGE = const(128)

# Found faster here than among the builtins.
_len = len


def number(c, buf, at):
    """Write a fresh packet id to buf[at], and copy ``buf`` to the start of the empty outbox."""
    c.packet_id = n = take_id(c)
    buf[at] = n >> 8
    buf[at + 1] = n & 255
    c.outbox.buf[0 : _len(buf)] = buf


def left_alone(c, o, size):
    """The ``size`` bytes at the start of the empty outbox, a PUBLISH of QoS 1 under c.packet_id,
    have left. Returns its handle."""
    o.lone_size = size
    o.last = size = o.last % 0x3FFFFFFF + 1
    o.lone = c.packet_id
    c.sent = c.sent + 1 & 0x3FFFFFFF
    c.wrote = True
    c.clear = _CLEAR
    return size


def await_puback(c, o, p):
    """The step begins: read once, in the hope that it is the PUBACK and no more."""
    if c.state == _UP and p.at == p.have and not p.got:
        s = p.stage
        n = c.transport.readinto(s, _STAGE)
        if n == 4 and s[0] == 0x40 and s[1] == 2 and s[2] << 8 | s[3] == o.lone:
            o.lone = 0
            c.heard = c.spoke = c.now
            c.wrote = False
            c.acked = c.acked + 1 & 0x3FFFFFFF
            if c.on_event:
                emit(c, _ACKED, o.last, 1)
            return
        if n is not None:
            if n <= 0:
                end(c, _TRANSPORT if n else _PEER_CLOSED, n)
                return
            c.heard = c.now
            p.at = 0
            p.have = n
    if o.lone:  # the transport may have asked what is in flight
        settle(o)

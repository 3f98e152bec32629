"""An outbox filled, sent and answered as the client does it, one packet at a time."""

import peer
from check import eq
from mqtt.outbox import acked, add, begun, find, lost, mark_again, next_entry, place, written

PARTIAL = 2
RELEASE = 5  # PUBREC came on an earlier connection
AWAIT_PUBCOMP = 6


def packet(ident, size, qos=1):
    """A PUBLISH of exactly `size` bytes (12..128) that can be told from all others."""
    payload = bytes((ident + k) & 255 for k in range(size - (7 if qos else 5)))
    data = peer.publish(b"t", payload, qos, ident)
    eq(len(data), size)
    return data


def put(box, ident, size, qos=1):
    """Queue a packet; its handle, or -1 without room."""
    at = place(box, size)
    if at < 0:
        return -1
    box.buf[at : at + size] = packet(ident, size, qos)
    i = add(box, at, size, ident if qos else 0)
    eq(box.handle[i], box.last)
    return box.last


def begin(box, i):
    """Bytes of entry `i` begin to leave."""
    box.state[i] = PARTIAL


def received(box, ident):
    """PUBREC came."""
    box.state[find(box, ident)] = AWAIT_PUBCOMP


def send(box, window=8):
    """Send the next packet whole; its bytes, or None."""
    i = next_entry(box, window)
    if i < 0:
        return None
    data = bytes(box.buf[box.at[i] : box.at[i] + box.size[i]])
    if box.state[i] == RELEASE:
        data = peer.pubrel(box.ids[i])
    else:
        begin(box, i)
    written(box, i, 0)
    return data


def new_connection(box, session, fresh=0):
    """The connection ends; on the next the broker still has its session, or has not: messages are
    then new ones, with their own id again or, in turn, those from `fresh` on."""
    lost(box)
    i = box.head
    for _ in range(box.count):
        if not session and box.state[i] == RELEASE:
            acked(box, i)
        elif begun(box, i):
            mark_again(box, i, 0 if session else fresh or box.ids[i])
            fresh += 1 if fresh else 0
        i = (i + 1) % box.slots


def ident_of(data):
    found = peer.decode(data)[0]
    return found.id

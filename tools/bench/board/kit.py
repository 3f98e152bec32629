"""What the adapters share. An adapter (peers/use_*.py) is a client used as its own pages say:

    ASYNC           True: the two below are for asyncio
    TICKS_MASK      how the client wants its milliseconds; -1: as time.ticks_ms() gives them
    connect(port, flt, window)
                    -> a connected client, subscribed to `flt` unless that is None at the highest
                    QoS it has; it shall bear `window` unacknowledged publishes
    operations(client)
                    -> {name: function without arguments}, each one whole operation: a publish of
                    QoS 1 ends with its PUBACK, a receive with the handler and the acknowledgement
    socket(client)  what wait() shall watch, if the adapter calls wait()
    window(client)  -> (send, turn, acked): begin one publish of QoS 1; wait for what comes and
                    take it; how many have been acknowledged so far. Clients for asyncio have none:
                    several tasks publish at once.

Handlers add one to `seen[0]`. A client that does not wait by itself calls wait() before each step
that shall find something to read.
"""

import select
from time import ticks_ms

PATIENCE_MS = 5000

seen = [0]  # messages that reached a handler
waits = [0]  # calls of wait()
now = [0]  # the ticks when wait() last returned

_mask = 0x3FFFFFFF
_partner = None  # the probe's own connection to the partner
_byte = bytearray(1)
_poller = None


def attach(sock, mask):
    """wait() shall go by what the partner tells on this connection."""
    global _partner, _mask
    _mask = mask
    _partner = sock
    sock.write(b"!")
    wait()


def watch(sock, mask):
    """wait() shall go by this socket of the client's."""
    global _poller, _mask
    _mask = mask
    now[0] = ticks_ms() & mask
    if sock is not None:
        _poller = select.poll()
        _poller.register(sock, select.POLLIN)


def wait():
    """Until there is something to read for the client. Gives the ticks then."""
    waits[0] += 1
    if _poller is None:
        _partner.readinto(_byte, 1)
    else:
        for _ in _poller.ipoll(PATIENCE_MS):
            pass
    now[0] = ticks_ms() & _mask
    return now[0]


def ask(qos):
    """Have the partner send one PUBLISH to the client. `qos`: b"0", b"1" or b"2"."""
    _partner.write(qos)

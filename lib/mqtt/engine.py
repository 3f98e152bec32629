"""What one step does, and in which order: tell, read, look at the time, write.

A generator, and only for its frame: that is made once, at set-up. For ``except ... as``, which
learns the errno of a transport's OSError, a function's frame would come from the heap at every
call. Whatever else is raised in a step (a fault of a transport, Ctrl-C) would end the generator, so
it is left in ``client.fault`` for step() to raise, and the next step goes on.
"""

from mqtt._shim import const
from mqtt.events import emit, end, tell
from mqtt.lone import other_answer
from mqtt.outbox import settle
from mqtt.receiving import receive
from mqtt.sending import transmit
from mqtt.timing import check, stamp

_MASK = const(0x3FFFFFFF)
_OPENING = const(1)
_CONNECTING = const(2)
_UP = const(3)
_CONNECT = const(2)
_ACKED = const(2)
_CLEAR = const(1)
_FREE = const(2)
_TRANSPORT = const(-31)
_STAGE = const(128)
_UNKNOWN = (0,)  # the arguments of an OSError that has none


def engine(c, o, p):
    """Made for the client with that outbox and parser; each send(now) is one step at ``now``, which
    is c.now. Gives the client's state, or None: c.fault is to be raised."""
    failed = None
    state = c.state
    while True:
        try:
            stage = p.stage
            while True:
                try:
                    if failed:
                        failed = end(c, _TRANSPORT, _errno(failed))
                        state = c.state
                    while True:
                        c.inside = False
                        now = yield state
                        c.inside = True
                        more = True
                        if c.news:
                            c.clear = 0
                            tell(c)
                        if o.lone:
                            if c.clear:  # nothing else has happened: it waits for its PUBACK
                                n = c.transport.readinto(stage, _STAGE)
                                if n != 4 or stage[0] != 0x40 or stage[1] != 2:
                                    other_answer(c, o, p, n)
                                elif stage[2] << 8 | stage[3] != o.lone:
                                    other_answer(c, o, p, n)
                                else:
                                    more = False  # nor is there more to read
                                    o.lone = 0
                                    c.heard = c.spoke = now
                                    c.acked = c.acked + 1 & _MASK
                                    if c.on_event:
                                        c.clear = 0
                                        emit(c, _ACKED, o.last, 1)
                                    elif (now - c.looked) & _MASK < c.lull and c.eager:
                                        c.clear = _FREE
                                        continue
                            else:
                                settle(o)
                        c.clear = 0
                        if o.wrote:
                            stamp(c, o)
                        if c.state == _OPENING:
                            _open(c)
                        if more and c.sending:  # the transport is open
                            receive(c)
                        if c.broken:
                            end(c, _TRANSPORT, 0)
                        if c.state and (c.now - c.looked) & _MASK >= c.lull:
                            check(c)
                        state = c.state
                        if c.left or c.acks_to or o.passed < o.count:
                            clear = transmit(c)
                        elif state != _UP or c.subscriptions.todo:
                            clear = transmit(c)
                        else:
                            clear = c.eager
                        state = c.state
                        if clear:
                            # Lone is only what no byte of another packet can come before.
                            c.clear = _CLEAR if o.count or p.got or p.at < p.have else _FREE
                except OSError as error:  # of the transport: the one place where they are caught
                    failed = error.args or _UNKNOWN
        # Outside of the loop, at whose jumps Ctrl-C may come: see publishing.direct(). No calls
        # here: what they raise would not be caught.
        except BaseException as error:
            if not c.inside and error.__class__ is GeneratorExit:
                return  # CPython gives a client back
            failed = state = None
            c.clear = 0  # the next step is a whole one: it says the state again
            c.fault = error  # for step() to raise: let out, it would end the generator


def _open(c):
    if not c.begun:
        c.begun = True
        c.since = c.now
    r = c.transport.open()
    if r is True:
        c.state = _CONNECTING
        c.spoke = c.heard = c.now
        c.sending = _CONNECT  # first, and once [MQTT-3.1.0-1, -2]
        c.source = c.hello
        c.at = 0
        c.left = len(c.hello)
    elif r is not None:
        end(c, _TRANSPORT, r)


def _errno(args):
    return -abs(args[0]) if isinstance(args[0], int) else 0

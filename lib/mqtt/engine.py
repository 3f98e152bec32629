"""What one step does, and in which order: tell, read, look at the time, write.

A generator, and only for its frame: that is made once, at set-up. For ``except ... as``, which
learns the errno of a transport's OSError, a function's frame would come from the heap at every
call. Whatever else is raised in a step (a fault of a transport, Ctrl-C) would end the generator, so
it is left in ``client.fault`` for step() to raise, and the next step goes on.
"""

from mqtt._shim import const
from mqtt.events import end, tell
from mqtt.lone import await_puback
from mqtt.receiving import receive
from mqtt.sending import transmit
from mqtt.timing import check, stamp

_MASK = const(0x3FFFFFFF)
_OPENING = const(1)
_CONNECTING = const(2)
_UP = const(3)
_CONNECT = const(2)
_TRANSPORT = const(-31)
_UNKNOWN = (0,)  # the arguments of an OSError that has none


def engine(c, o, p):
    """Made for the client with that outbox and parser; each next() is one step, at c.now."""
    failed = None
    while True:
        try:
            if failed:
                failed = end(c, _TRANSPORT, _errno(failed))
            while True:
                c.inside = False
                yield
                c.inside = True
                c.clear = 0
                if c.news:
                    tell(c)
                if o.lone:
                    await_puback(c, o, p)
                if c.wrote:
                    stamp(c, o)
                if c.state == _OPENING:
                    _open(c)
                if c.sending:  # the transport is open
                    receive(c)
                if c.broken:
                    end(c, _TRANSPORT, 0)
                if c.state and (c.now - c.looked) & _MASK >= c.lull:
                    check(c)
                if c.left or c.acks_to or o.passed < o.count:
                    transmit(c)
                elif c.state != _UP or c.subscriptions.todo:
                    transmit(c)
                elif c.eager:
                    c.clear = 1 if o.count else 2
        # No calls here: what they raise would not be caught.
        except OSError as error:  # of the transport: the one place where they are caught
            failed = error.args or _UNKNOWN
        except BaseException as error:
            if not c.inside and error.__class__ is GeneratorExit:
                return  # CPython gives a client back
            failed = None
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

"""The MQTT 3.1.1 client: public face and state. The engine's rooms are beside it:

    sending.py     what is sent next, and what follows when it has left
    receiving.py   what each packet of the broker does
    timing.py      what is overdue, and when the next thing will be

No I/O but through the transport, no clock but the ``now`` given to step(). Buffers and tables are
made in the constructor; afterwards only subscribe() and unsubscribe() allocate, and what the
transport needs to open.

Two lifetimes. With the *connection* die: the parser's half packet, unsent acks, a half-written
packet's position, the ping, the timers. With the *session* live on: the outbox, the
subscriptions, the packet ids; see receiving.connack() for what each CONNACK does to them.
"""

import random

from mqtt import options, receiving, sending, timing
from mqtt._shim import const
from mqtt.held import Held
from mqtt.message import Message
from mqtt.outbox import Outbox
from mqtt.parser import Parser
from mqtt.publication import Publication, enqueue
from mqtt.subscriptions import Subscriptions

_DOWN = const(0)
_OPENING = const(1)
_CONNECTING = const(2)
_CLOSING = const(4)
_FAILED = const(3)
_CLOSED = const(6)
_REPLACED = const(-13)
_BAD_QOS = const(-4)
_BUSY = const(-12)
_TRANSPORT = const(-31)


class Client:
    """One client, one connection at a time. See docs/mqtt.md for the whole contract.

    client_id, username, password, topics: bytes, or str at set-up. ``keepalive`` in seconds,
    0..65535, 0 = off. ``will`` = (topic, payload, qos, retain). ``rx_size``: bytes of the largest
    packet body received; ``tx_size``: bytes of the outbox; ``max_inflight``: unacknowledged
    publishes at once. Raises ValueError for what can never work. Allocates everything here.
    """

    def __init__(
        self,
        client_id,
        transport,
        keepalive=60,
        clean_session=True,
        username=None,
        password=None,
        will=None,
        rx_size=512,
        tx_size=1024,
        max_inflight=8,
        connect_timeout_ms=15000,
        ack_timeout_ms=10000,
        max_subscriptions=8,
        max_held=32,
        drop_oldest=False,
    ):
        options.check_numbers(keepalive, rx_size, tx_size, max_inflight)
        options.check_tables(max_subscriptions, max_held)
        options.check_times(connect_timeout_ms, ack_timeout_ms)
        self.hello = options.connect_packet(
            client_id, keepalive, clean_session, username, password, will
        )
        self.transport = transport
        self.clean = clean_session
        self.keepalive_ms = keepalive * 1000
        self.connect_timeout_ms = connect_timeout_ms
        self.ack_timeout_ms = ack_timeout_ms
        self.max_inflight = max_inflight
        self.on_event = None  # type: object
        self.state = _DOWN
        # the session
        self.outbox = Outbox(tx_size, max_inflight + tx_size // 64)
        self.subscriptions = Subscriptions(max_subscriptions)
        self.held = Held(max_held)
        self.drop_oldest = drop_oldest
        self.dropped_first = 0  # handles given up since the last step, from ... to ...; 0: none
        self.dropped_last = 0
        self.unheard = 0  # CONNECTs that left since the last CONNACK: their sessions are unknown
        self.no_qos2 = False  # the broker answered a QoS-2 PUBLISH with PUBACK
        self.next_id = random.getrandbits(16) or 1
        # the connection
        self.parser = Parser(rx_size)
        self.message = Message(self.parser.buf)
        self.acks = bytearray(sending.ACKS)
        self.acks_from = 0  # acks[acks_from:acks_to] waits to be sent
        self.acks_to = 0
        self.source = self.hello  # what is being written: source[at : at + left]
        self.at = 0
        self.left = 0
        self.sending = 0  # what it is: see sending.py
        self.entry = 0  # its index in the outbox or the subscriptions
        self.taken = False  # the PUBLISH arriving in pieces has a handler that takes it so
        self.now = 0
        self.since = 0  # ticks when OPENING or CLOSING began
        self.begun = False  # since is set
        self.spoke = 0  # ticks when the last byte was written
        self.heard = 0  # ticks when the last byte was read
        self.blocked = False  # the transport takes no byte since ...
        self.blocked_at = 0
        self.pinged = False  # PINGRESP is awaited since ...
        self.pinged_at = 0
        self.reason = 0  # of the last CLOSED
        self._guard = _Guard(self)
        self.topic = self._guard  # the last topic that was found valid; no caller has this one
        self.first = 0  # of the publish() under way: first byte, payload length, packet id
        self.length = 0
        self.packet_id = 0
        self._kind = self._a = self._b = 0  # of the event under way
        # counters, below 2^30
        self.sent = 0  # PUBLISHes sent for the first time
        self.resent = 0  # and again on a later connection
        self.acked = 0  # QoS 0 written, QoS 1 and 2 acknowledged
        self.failed = 0  # accepted, and ended otherwise; of these:
        self.dropped = 0  # given up unsent to make room
        self.uncertain = 0  # lost with the session between PUBREC and PUBCOMP
        self.replaced = 0  # overwritten by a newer payload before they were sent
        self.refused = 0  # not accepted: publish() or send() gave a negative code
        self.received = 0  # PUBLISHes handed to a handler
        self.unmatched = 0  # PUBLISHes no declared filter takes
        self.oversize = 0  # PUBLISHes larger than rx_size that no handler took in pieces
        self.withheld = 0  # QoS-2 PUBLISHes not taken: all max_held ids are held
        self.handler_errors = 0  # exceptions of handlers and of on_event
        self.stray = 0  # acks for an id that waits for none
        self.malformed = 0  # connections ended for a fault of the peer
        self.connects = 0  # CONNACK 0
        self.closes = 0  # connections ended
        self.pings = 0  # PINGREQs sent

    @property
    def inflight(self):
        """Publishes sent on this connection and not yet acknowledged."""
        return self.outbox.inflight

    @property
    def queued(self):
        """Publishes accepted and not yet done, in flight or waiting."""
        return self.outbox.live()

    def connect(self):
        """Begin one connection; step() carries it out. Returns 0, or BUSY if there is one (or
        inside a handler). Allocates nothing."""
        if self._guard.inside or self.state != _DOWN:
            return _BUSY
        self.state = _OPENING
        self.begun = False
        return 0

    def disconnect(self):
        """Begin an orderly end: what is half sent, then DISCONNECT, without waiting for the
        outbox. CLOSED(0, 0) follows from step(). Returns 0, also when there is no connection."""
        if self.state != _DOWN and self.state != _CLOSING:
            self.state = _CLOSING
            self.begun = False
        return 0

    def step(self, now):
        """Do all that can be done now without waiting. ``now``: ticks in ms, 0..2^30-1, wrapping.

        Returns the state, or BUSY inside a handler. Calls handlers and on_event. Never blocks
        longer than the transport does. Allocates nothing but what transport.open() allocates.
        """
        if self._guard.inside:
            return _BUSY
        self.now = now
        if self.state or self.dropped_first:
            with self._guard:
                self._step()
        return self.state

    def _step(self):
        if self.dropped_first:
            self._tell_dropped(self.dropped_last)
        if self.state == _OPENING:
            self._open()
        if self.sending:  # the transport is open
            receiving.receive(self)
        if self.state:
            timing.check(self)
        if self.state > _OPENING:
            sending.transmit(self)

    def deadline(self):
        """Ticks by which step() must run again even if the transport stays silent; -1 for none.
        Allocates nothing."""
        return timing.deadline(self)

    def publish(self, topic, payload, length=None, qos=0, retain=False):
        """Queue a PUBLISH; step() sends it. Works in every state.

        ``topic``: bytes. ``payload``: bytes, bytearray or memoryview of bytes, of which the first
        ``length`` are taken (all by default); it may be reused at once. Returns a handle > 0, or
        BAD_TOPIC, BAD_PAYLOAD, BAD_QOS, FULL, TOO_LARGE. Allocates nothing.
        """
        self.first = 0x31 if retain else 0x30
        if not isinstance(qos, int):
            return self.refuse(_BAD_QOS)
        if qos:
            if qos != 1 and qos != 2:
                return self.refuse(_BAD_QOS)
            self.first |= qos << 1
        self.length = length
        return enqueue(self, topic, payload)

    def prepare(self, topic, max_payload, qos=0, retain=False, replace=False):
        """A publication whose topic and flags are checked and encoded once: see Publication.

        For set-up: allocates, and raises ValueError for a bad topic or QoS, or a payload that
        never fits the outbox.
        """
        first = options.publish_flags(qos, retain)
        return Publication(self, options.topic(topic), max_payload, first, replace)

    def subscribe(self, flt, qos, handler, pieces=False):
        """Declare that PUBLISHes matching ``flt`` are wanted at ``qos`` and go to
        ``handler(msg)``. Sent when needed, on this connection and on later ones. Returns an id
        > 0, told again by SUBACK; or BAD_FILTER, BAD_QOS, FULL, BUSY. Allocates.

        With ``pieces``, one larger than rx_size comes as several calls (see Message), the last of
        which has offset + its length == total; a first piece may come again after a reconnect."""
        return self.subscriptions.declare(options.encoded(flt), qos, handler, pieces)

    def unsubscribe(self, flt):
        """Take the declaration back. Returns its id, told again by UNSUBACK; or BAD_FILTER if it
        was never declared, BUSY. Allocates."""
        return self.subscriptions.leave(options.encoded(flt))

    # For the rooms beside this one.

    def refuse(self, code):
        """Count a publish that was not accepted."""
        self.refused = self.refused + 1 & 0x3FFFFFFF
        return code

    def _tell_dropped(self, last):
        # Up to ``last``: what the events themselves make give way is told by the next step.
        while True:
            handle = self.dropped_first
            self.dropped_first = 0 if handle == self.dropped_last else handle % 0x3FFFFFFF + 1
            self.failed = self.failed + 1 & 0x3FFFFFFF
            self.emit(_FAILED, handle, _REPLACED)
            if handle == last:
                return

    def give_up(self, i, code):
        """Entry ``i`` of the outbox will never be acknowledged."""
        handle = self.outbox.handle[i]
        self.outbox.give_up(i)
        self.failed = self.failed + 1 & 0x3FFFFFFF
        self.emit(_FAILED, handle, code)

    def take_id(self):
        """A packet id that is not in use: never 0, one space for all kinds [MQTT-2.3.1-2]."""
        n = self.next_id
        while n in self.outbox.ids or n in self.subscriptions.ids:
            n = n % 65535 + 1
        self.next_id = n % 65535 + 1
        return n

    def emit(self, kind, a, b):
        """Tell on_event; an exception there is caught and counted."""
        if self.on_event:
            self._kind = kind
            self._a = a
            self._b = b
            self._call_event()

    def _call_event(self):
        # A ``try`` and these arguments as parameters would take the frame from the heap.
        try:
            self.on_event(self._kind, self._a, self._b)  # pyright: ignore[reportCallIssue]
        except Exception:
            self.handler_errors = self.handler_errors + 1 & 0x3FFFFFFF

    def end(self, reason, detail):
        """The connection is over: what dies with it is cleared, what lives on is left alone."""
        if self.state == _CLOSING:
            reason = detail = 0  # however it ended, we had asked for it
        self.transport.close()
        self.state = _DOWN
        self.parser.reset()
        self.acks_from = self.acks_to = self.left = self.sending = 0
        self.blocked = self.pinged = False
        self.outbox.lost()
        self.subscriptions.rewind(True)
        self.held.stuck = False
        self.reason = reason
        self.closes = self.closes + 1 & 0x3FFFFFFF
        self.emit(_CLOSED, reason, detail)

    def raised(self, error):
        """The transport raised this OSError."""
        n = error.args[0] if error.args else 0
        self.end(_TRANSPORT, -abs(n) if isinstance(n, int) else 0)

    def _open(self):
        if not self.begun:
            self.begun = True
            self.since = self.now
        r = self.transport.open()
        if r is True:
            self.state = _CONNECTING
            self.spoke = self.heard = self.now
            sending.begin(self)
        elif r is not None:
            self.end(_TRANSPORT, r)


class _Guard:
    """Around each step: BUSY inside, and the one place where a transport's OSError is caught.

    A ``with`` costs no frame from the heap and still learns the errno, unlike ``except ... as``.
    """

    def __init__(self, client):
        self.client = client
        self.inside = False

    def __enter__(self):
        self.inside = True

    def __exit__(self, kind, error, trace):
        caught = isinstance(error, OSError)
        if caught:
            self.client.raised(error)
        self.inside = False
        return caught

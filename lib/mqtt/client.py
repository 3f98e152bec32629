"""The MQTT 3.1.1 client: public face and state. The rooms behind it are beside it:

    engine.py      what one step does, in which order
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

from mqtt._shim import const
from mqtt.engine import engine
from mqtt.events import end
from mqtt.held import Held
from mqtt.message import Message
from mqtt.outbox import Outbox, live, settle
from mqtt.parser import Parser
from mqtt.publication import Publication
from mqtt.publishing import direct, payload_length, valid_topic
from mqtt.sending import ACKS, REQUEST, choose_anew
from mqtt.subscriptions import Subscriptions
from mqtt.timing import deadline

_DOWN = const(0)
_OPENING = const(1)
_CLOSING = const(4)
_BAD_TOPIC = const(-1)
_BAD_PAYLOAD = const(-3)
_BAD_QOS = const(-4)
_BUSY = const(-12)

# Found faster here than among the builtins.
_bytes = bytes
_int = int
_isinstance = isinstance
_len = len
_next = next


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
        from mqtt import options

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
        self.make_room = None
        if drop_oldest:
            from mqtt.makeroom import make_room

            self.make_room = make_room
        self.news = False  # events wait for the next step:
        self.dropped_first = 0  # FAILED of what gave way, handles from ... to ...; 0: none
        self.dropped_last = 0
        self.done_first = 0  # ACKED of QoS 0 written at once
        self.done_last = 0
        self.unheard = 0  # CONNECTs that left since the last CONNACK: their sessions are unknown
        self.no_qos2 = False  # the broker answered a QoS-2 PUBLISH with PUBACK
        self.next_id = random.getrandbits(16) or 1
        self.ids_end = self.next_id  # see ids.py
        # the connection
        self.parser = Parser(rx_size)
        self.message = Message(self.parser.buf)
        self.acks = bytearray(ACKS)
        self.acks_from = 0  # acks[acks_from:acks_to] waits to be sent
        self.acks_to = 0
        self.acks_full = ACKS - 6  # above it there is no room for an ack and a ping
        self.source = self.hello  # what is being written: source[at : at + left]
        self.at = 0
        self.left = 0
        self.sending = 0  # what it is: see sending.py
        self.entry = 0  # its index in the outbox
        self.eager = True  # a publish() that nothing waits before is written at once; yours to set
        self.clear = 0  # what may be written at once: see publishing.py
        self.asked = False  # requests, or PUBRELs sent again, are being written
        self.broken = False  # and the transport raised an OSError meanwhile
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
        self.looked = 0  # ticks when the timers were looked at, ...
        self.lull = 0  # ... ms from then on in which nothing is due, ...
        self.due = 0  # ... and what is, then: see timing.py
        self.reason = 0  # of the last CLOSED
        self.topic = self.outbox  # the last topic that was found valid; no caller has this one
        self.topics = [self.outbox] * 4  # and those before it
        self.topic_at = 0
        self.first = 0  # of the publish() under way: first byte, payload length, packet id
        self.length = 0
        self.packet_id = 0
        self.begin = 0  # ... and where its place in the outbox begins
        self.event_kind = self.event_a = self.event_b = 0  # of the event under way
        self.inside = False  # a step is under way
        self.fault = None  # what a step did not expect, and is to raise
        run = engine(self, self.outbox, self.parser)
        _next(run)
        self._turn = run.send
        self.renew()
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

    def __getattr__(self, name):
        # No property: with one in a class, MicroPython stores each attribute three times slower.
        if name == "inflight" or name == "queued":
            if self.outbox.lone:
                settle(self.outbox)
            if name == "inflight":  # publishes sent on this connection and not yet acknowledged
                return self.outbox.inflight
            return live(self.outbox)  # publishes accepted and not yet done, in flight or waiting
        raise AttributeError(name)

    def connect(self):
        """Begin one connection; step() carries it out. Returns 0, or BUSY if there is one (or
        inside a handler). Allocates nothing."""
        if self.inside or self.state != _DOWN:
            return _BUSY
        self.state = _OPENING
        self.begun = False
        self.lull = 0
        return 0

    def disconnect(self):
        """Begin an orderly end: what is half sent, then DISCONNECT, without waiting for the
        outbox. CLOSED(0, 0) follows from step(). Returns 0, also when there is no connection."""
        if self.state != _DOWN and self.state != _CLOSING:
            self.state = _CLOSING
            self.begun = False
            self.clear = 0
            self.lull = 0
        return 0

    def step(self, now):
        """Do all that can be done now without waiting. ``now``: ticks in ms, 0..2^30-1, wrapping.

        Returns the state, or BUSY inside a handler. Calls handlers and on_event. Never blocks
        longer than the transport does. Allocates nothing but what transport.open() allocates.
        """
        if self.inside:
            return _BUSY
        self.now = now
        if self.state or self.news:
            now = self._turn(now)
            if now is None:
                _raise_again(self)
            return now
        return _DOWN

    def deadline(self):
        """Ticks by which step() must run again even if the transport stays silent; -1 for none.
        Allocates nothing."""
        return deadline(self)

    def publish(self, topic, payload, length=None, qos=0, retain=False):
        """Send a PUBLISH, or queue it: step() sends it then. Works in every state.

        ``topic``: bytes. ``payload``: bytes, bytearray or memoryview of bytes, of which the first
        ``length`` are taken (all by default); it may be reused at once. Returns a handle > 0, or
        BAD_TOPIC, BAD_PAYLOAD, BAD_QOS, FULL, TOO_LARGE. Allocates nothing.
        """
        self.first = 0x31 if retain else 0x30
        if qos != 0:
            if (qos != 1 and qos != 2) or not _isinstance(qos, _int):
                return self.refuse(_BAD_QOS)
            self.first |= qos << 1
        # bytes do not change: the very object that was valid still is.
        if topic is not self.topic and not valid_topic(self, topic):
            return self.refuse(_BAD_TOPIC)
        if length is None and payload.__class__ is _bytes:
            length = _len(payload)
        else:
            length = payload_length(payload, length)
            if length < 0:
                return self.refuse(_BAD_PAYLOAD)
        self.length = length
        return self.direct(payload)

    def prepare(self, topic, max_payload, qos=0, retain=False, replace=False):
        """A publication whose topic and flags are checked and encoded once: see Publication.

        For set-up: allocates, and raises ValueError for a bad topic or QoS, or a payload that
        never fits the outbox.
        """
        from mqtt import options

        first = options.publish_flags(qos, retain)
        topic = options.topic(topic)
        fixed = 2 + len(topic) + (2 if qos else 0)
        options.check_payload(max_payload, fixed, len(self.outbox.buf))
        return Publication(self, topic, max_payload, first, replace)

    def subscribe(self, flt, qos, handler, pieces=False):
        """Declare that PUBLISHes matching ``flt`` are wanted at ``qos`` and go to
        ``handler(msg)``. Sent when needed, on this connection and on later ones. Returns an id
        > 0, told again by SUBACK; or BAD_FILTER, BAD_QOS, FULL, BUSY. Allocates.

        With ``pieces``, one larger than rx_size comes as several calls (see Message), the last of
        which has offset + its length == total; a first piece may come again after a reconnect."""
        from mqtt import options

        flt = options.encoded(flt)
        code = options.check_filter(flt, qos)
        if code:
            return code
        if len(flt) + REQUEST > len(self.acks):
            self._enlarge(len(flt) + REQUEST)
        self.clear = 0
        return self.subscriptions.declare(flt, int(qos), handler, pieces)

    def unsubscribe(self, flt):
        """Take the declaration back. Returns its id, told again by UNSUBACK; or BAD_FILTER if it
        was never declared, BUSY. Allocates."""
        from mqtt import options

        self.clear = 0
        return self.subscriptions.leave(options.encoded(flt))

    def _enlarge(self, size):
        # The request for a long filter goes through acks as all others do.
        acks = bytearray(size)
        acks[: len(self.acks)] = self.acks
        if self.source is self.acks:
            self.source = acks
        self.acks = acks
        self.acks_full = size - 6

    # For the rooms beside this one.

    def renew(self):
        """Make ``direct``, as publishing.direct() has it."""
        run = direct(self, self.outbox, self.outbox.buf, min(127, _len(self.outbox.buf) - 2))
        _next(run)
        self.direct = run.send

    def direct(self, payload):
        """Seen only when something unexpected has ended that one. There may have been no memory to
        make another then."""
        self.renew()
        return self.direct(payload)

    def refuse(self, code):
        """Count a publish that was not accepted."""
        self.refused = self.refused + 1 & 0x3FFFFFFF
        return code

    def end(self, reason, detail):
        """End the connection here and now; CLOSED(reason, detail)."""
        end(self, reason, detail)


def _raise_again(c):
    fault = c.fault
    c.fault = None
    choose_anew(c)
    raise fault

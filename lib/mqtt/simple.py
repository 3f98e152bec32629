"""The blocking front, for scripts: the calls of umqtt.simple over this client.

    from mqtt.simple import MQTTClient

Every wait is bounded by ``timeout_ms``; what differs otherwise is in docs/from-umqtt.md. A lost
connection raises OSError, and connect() makes the next one: subscriptions and an unfinished QoS-2
publish are then taken up again. Allocates freely.
"""

import errno

from mqtt._shim import const
from mqtt.client import Client
from mqtt.clock import elapsed, sleep_ms, ticks_ms
from mqtt.events import give_up
from mqtt.timing import ping

_DOWN = const(0)
_UP = const(3)
_CONNECTED = const(1)
_ACKED = const(2)
_FAILED = const(3)
_SUBACK = const(4)
_CLOSED = const(6)
_FULL = const(-10)
_BUSY = const(-12)
_REFUSED = const(-20)
_MALFORMED = const(-21)
_VIOLATION = const(-22)
_PEER_CLOSED = const(-30)
_TRANSPORT = const(-31)
_ACK_TIMEOUT = const(-33)
_UNRESOLVED = const(-1000)
_REFUSED_FILTER = const(0x80)


class MQTTException(Exception):
    """The broker said no, or the call can never work. ``args[0]``: the CONNACK code 1..5, 0x80 for
    a subscription, or one of the negative codes."""


class MQTTClient:
    """As umqtt.simple's. ``keepalive`` in seconds, 0 = off; pings go out by themselves whenever a
    call runs. ``ssl`` must be None: pass a ``transport`` of your own for TLS. ``timeout_ms``: of
    every wait. ``rx_size``, ``tx_size``: bytes of the largest message in and out, and a bit."""

    def __init__(
        self,
        client_id,
        server,
        port=0,
        user=None,
        password=None,
        keepalive=0,
        ssl=None,
        timeout_ms=10000,
        transport=None,
        rx_size=1024,
        tx_size=1024,
    ):
        if ssl:
            raise ValueError("ssl: not offered; give a transport= that does TLS")
        self.timeout_ms = timeout_ms
        self.cb = None  # type: object
        self.client = None  # the Client beneath, from the first connect() on
        self._transport = transport or _tcp(server, port or 1883)
        self._options = {
            "keepalive": keepalive,
            "username": user or None,
            "password": (password or b"") if user else None,
            "rx_size": rx_size,
            "tx_size": tx_size,
            "connect_timeout_ms": timeout_ms,
            "ack_timeout_ms": timeout_ms,
        }
        self._id = client_id
        self._will = None
        self._made_for = None  # (will, clean_session) of the Client beneath
        self._inside = False  # the callback runs
        self._forget()

    def _forget(self):
        self._op = None  # first byte of the last message
        self._raised = None  # by the callback
        self._session = None  # session present, once connected
        self._handle = self._ident = 0  # the publish and the subscription that are waited for
        self._result = None  # and how it went: 0, granted QoS, or a code
        self._reason = self._detail = 0  # of CLOSED

    def set_callback(self, f):
        """``f(topic, msg)``, both bytes. What it raises comes out of the call that ran it, once
        that has done its work."""
        self.cb = f

    def set_last_will(self, topic, msg, retain=False, qos=0):
        """For the next connect()."""
        self._will = (topic, msg, qos, retain)

    def connect(self, clean_session=True):
        """Connect; returns session present, 0 or 1. MQTTException(code) if refused, and BUSY within
        the callback."""
        if self._inside:
            raise MQTTException(_BUSY)
        wanted = (self._will, clean_session)
        if self.client:
            self.disconnect()
        if self._made_for != wanted:
            self.client = Client(
                self._id,
                self._transport,
                clean_session=bool(clean_session),
                will=self._will,
                **self._options,
            )
            self.client.on_event = self._event
            self._made_for = wanted
        self._forget()
        self.client.connect()
        self._wait(lambda: self._session is not None)
        self._raise()
        return self._session

    def disconnect(self):
        """Send DISCONNECT and close; nothing if there is no connection."""
        c = self.client
        if c and c.state != _DOWN:
            c.disconnect()
            start = ticks_ms()
            while c.state != _DOWN and not self._inside:
                if elapsed(start) > self.timeout_ms:
                    c.end(0, 0)
                c.step(ticks_ms())
                sleep_ms(1)

    def ping(self):
        """Send PINGREQ; the answer is taken by whichever call comes next."""
        c = self._connected()
        if not c.pinged:
            c.now = ticks_ms()
            ping(c)
            c.clear = 0
        self._step()
        self._raise()

    def publish(self, topic, msg, retain=False, qos=0):
        """Publish, and wait until it is written (QoS 0) or acknowledged (1 and 2).

        If OSError is raised, a message of QoS 0 or 1 is given up (it may have arrived): publish
        it again if you like. One of QoS 2 is finished by the next connect(): do not. Within the
        callback it is queued, and not waited for.
        """
        c = self._connected()
        topic = topic.encode() if isinstance(topic, str) else topic
        msg = msg.encode() if isinstance(msg, str) else msg
        handle = c.publish(topic, msg, None, qos, retain)
        if handle == _FULL:
            raise OSError(errno.ENOMEM, "the outbox is full: earlier publishes are unfinished")
        if handle < 0:
            raise MQTTException(handle)
        if self._inside:
            return
        self._handle = handle
        try:
            self._wait_result()
        finally:
            self._handle = 0
            if qos < 2 and c.state == _DOWN:
                self._give_up(c.outbox, handle)
        if self._result:
            raise MQTTException(self._result)
        self._raise()

    def subscribe(self, topic, qos=0):
        """Subscribe, and wait for the answer; MQTTException(0x80) if it is no. It is kept: made
        again after connect() if the broker has forgotten it. Within the callback, not waited for.
        """
        if self.cb is None:
            raise ValueError("callback: None; call set_callback() before subscribe()")
        c = self._connected()
        ident = c.subscribe(topic, qos, self._message)
        if ident == _BUSY and not self._inside:  # connect() has asked for it again by itself
            self._wait(lambda: not c.subscriptions.awaiting)
            ident = c.subscribe(topic, qos, self._message)
        if ident < 0:
            raise MQTTException(ident)
        if self._inside:
            return
        self._ident = ident
        self._wait_result()
        if self._result == _REFUSED_FILTER:
            raise MQTTException(_REFUSED_FILTER)
        self._raise()

    def wait_msg(self):
        """Wait for a message, at most timeout_ms, and have the callback called. Returns the first
        byte of its packet, or None if none came."""
        start = ticks_ms()
        while True:
            op = self.check_msg()
            if op is not None or elapsed(start) >= self.timeout_ms:
                return op
            sleep_ms(1)

    def check_msg(self):
        """As wait_msg(), without waiting. Must be called often enough for the keepalive."""
        self._connected()
        self._op = None
        self._step()
        self._raise()
        return self._op

    def _connected(self):
        if self.client is None or self.client.state != _UP:
            self._fail()
        return self.client

    def _step(self):
        if self._inside:
            return
        self.client.step(ticks_ms())
        if self.client.state == _DOWN:
            self._fail()

    def _raise(self):
        error = self._raised
        if error:
            self._raised = None
            raise error

    def _wait_result(self):
        self._result = None
        self._wait(lambda: self._result is not None)

    def _wait(self, done):
        start = ticks_ms()
        self._step()
        while not done():
            if elapsed(start) >= self.timeout_ms:
                self.client.end(_ACK_TIMEOUT, 0)
                self._fail()
            sleep_ms(1)
            self._step()

    def _fail(self):
        reason = self._reason
        if reason == _REFUSED:
            raise MQTTException(self._detail)
        if reason == _MALFORMED or reason == _VIOLATION:
            raise MQTTException(reason)
        if reason == _TRANSPORT and self._detail == _UNRESOLVED:
            raise OSError(errno.EHOSTUNREACH, "the host name has no address")
        if reason == _TRANSPORT:
            raise OSError(-self._detail, "the connection failed")
        if reason == _PEER_CLOSED:
            raise OSError(errno.ECONNRESET, "the broker closed the connection")
        if reason:
            raise OSError(errno.ETIMEDOUT, "no answer within %d ms" % self.timeout_ms)
        raise OSError(errno.ENOTCONN, "not connected: call connect()")

    def _give_up(self, outbox, handle):
        for i in range(outbox.slots):
            if outbox.state[i] and outbox.handle[i] == handle:
                give_up(self.client, i, _ACK_TIMEOUT)

    def _message(self, msg):
        self._op = 0x30 | msg.dup << 3 | msg.qos << 1 | msg.retain
        self._inside = True
        try:
            self.cb(msg.topic(), msg.payload())  # pyright: ignore[reportCallIssue]
        except Exception as error:
            self._raised = error
        finally:
            self._inside = False

    def _event(self, kind, a, b):
        if kind == _CONNECTED:
            self._session = a
        elif kind == _ACKED:
            self._end(a == self._handle, 0)
        elif kind == _FAILED:
            self._end(a == self._handle, b)
        elif kind == _SUBACK:
            self._end(a == self._ident, b)
        elif kind == _CLOSED:
            self._reason = a
            self._detail = b

    def _end(self, wanted, result):
        if wanted:
            self._handle = self._ident = 0
            self._result = result


def _tcp(server, port):
    from mqtt.tcp import TcpTransport  # here, since with another transport there may be no sockets

    return TcpTransport(server, port)

"""The asyncio front: one task that steps the client, and awaits for what it tells by events.

    mqtt = AsyncClient(Reconnect(client, [client.transport]))
    await mqtt.connect()

The same source on MicroPython (ESP32, Unix port) and CPython. Three rules:

1. Cancelling an await ends the waiting, never the thing waited for: a publish that was accepted
   is delivered, a connection that was begun goes on.
2. Whatever is awaited ends: when the task ends (disconnect(), or a bare Client's connection), all
   that still wait get MqttError with the reason.
3. The task itself allocates nothing. What does is said at each name; measured by a test.

Nothing here may be called from another thread or from an interrupt.
"""
# The stubs know MicroPython's asyncio only, and None until connect() only as None.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import asyncio

from mqtt import options
from mqtt._shim import const
from mqtt.clock import ticks_ms

_MASK = const(0x3FFFFFFF)
_HALF = const(0x20000000)

_UP = const(3)
_CLOSING = const(4)
_CONNECTED = const(1)
_ACKED = const(2)
_FAILED = const(3)
_SUBACK = const(4)
_UNSUBACK = const(5)
_FULL = const(-10)
_BUSY = const(-12)
_REFUSED = const(-20)

_UNAVAILABLE = const(3)  # the one CONNACK code that time alone may change
_REFUSED_FILTER = const(0x80)
_LINK = const(0)  # key of the wait for the connection; handles are above, subscriptions below 0

if hasattr(asyncio, "sleep_ms"):
    _sleep_ms = asyncio.sleep_ms  # pyright: ignore[reportAssignmentType]
else:

    def _sleep_ms(ms):
        return asyncio.sleep(ms / 1000)


class MqttError(Exception):
    """``code``: one of the negative codes, or 0: not connected by our own doing. ``detail``: as of
    CLOSED; 0x80 for a subscription that the broker refused."""

    def __init__(self, code, detail=0):
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


class Received:
    """A copy of a message: ``topic`` and ``payload`` are bytes, ``qos`` 0..2, ``retain`` 0 or 1."""

    def __init__(self, msg):
        self.topic = msg.topic()
        self.payload = msg.payload()
        self.qos = msg.qos
        self.retain = msg.retain


class Inbox:
    """A handler that keeps messages for a task: ``async for message in inbox``.

    Holds ``size`` messages; when one more comes the oldest is given up and counted in ``dropped``
    (the broker has its acknowledgement by then). The ring is made here; each message allocates its
    copy. Several tasks may take from one inbox, and each message goes to one of them.
    """

    def __init__(self, size=8):
        if not isinstance(size, int) or size < 1:
            raise ValueError("size: %r; must be 1 or more messages" % (size,))
        self.size = size
        self.count = 0  # messages waiting
        self.dropped = 0  # below 2^30
        self._ring = [None] * size
        self._first = 0
        self._news = asyncio.Event()

    def __call__(self, msg):
        """Take a copy of ``msg``. Allocates."""
        if self.count == self.size:
            self.take()
            self.dropped = self.dropped + 1 & _MASK
        self._ring[(self._first + self.count) % self.size] = Received(msg)  # pyright: ignore
        self.count += 1
        self._news.set()

    def take(self):
        """The oldest message, or None. Allocates nothing."""
        i = self._first
        message = self._ring[i]
        if self.count:
            self._ring[i] = None
            self._first = (i + 1) % self.size
            self.count -= 1
        return message

    async def get(self):
        """The oldest message, once there is one. Allocates. A cancelled get() takes none."""
        while not self.count:
            self._news.clear()
            await self._news.wait()
        return self.take()

    def __aiter__(self):
        return self

    async def __anext__(self):
        return await self.get()


class _Wait:
    """One thing awaited, by one task or several."""

    def __init__(self):
        self.event = asyncio.Event()
        self.users = 0
        self.failed = False
        self.code = 0  # if it failed why, else its result
        self.detail = 0

    def end(self, failed, code, detail):
        self.failed = failed
        self.code = code
        self.detail = detail
        self.event.set()


class AsyncClient:
    """``driver``: a Reconnect (keeps the connection up), or a bare Client (one connection for each
    connect()). Its ``client`` is ours as ``client``, for counters, prepare(), and what need not be
    awaited. ``idle_ms``: the longest sleep between two steps, and so the longest time an arriving
    message waits, or one queued without an await. Takes the client's on_event; set ``on_event``
    here instead.
    """

    def __init__(self, driver, idle_ms=20):
        if not isinstance(idle_ms, int) or not 0 < idle_ms < 1000:
            raise ValueError("idle_ms: %r; must be 1..999" % (idle_ms,))
        self.driver = driver
        self.idle_ms = idle_ms
        self._link = driver if hasattr(driver, "start") else None
        self.client = driver.client if self._link else driver
        self.on_event = self.client.on_event
        self.client.on_event = self._event
        self.session_present = 0  # of the last CONNACK
        self._idle = 1  # ms of the next sleep
        self._reason = self._detail = 0  # of the last CLOSED
        self._task = None
        self._ended = asyncio.Event()
        self._room = asyncio.Event()
        self._waits = {}

    async def __aenter__(self):
        await self.connect()
        return self

    async def __aexit__(self, kind, error, trace):
        await self.disconnect()

    async def connect(self):
        """Begin, and wait until connected. Returns session present, 0 or 1.

        MqttError(REFUSED, CONNACK code) if the broker says no, which also ends a Reconnect; other
        failures are tried again by a Reconnect and raised for a bare Client. MqttError(BUSY) while
        disconnect() is under way. Allocates.
        """
        if self.client.state == _CLOSING:
            raise MqttError(_BUSY)
        if self._task is None:
            self._reason = self._detail = 0
            self._ended.clear()
            self._task = asyncio.create_task(self._run())
        if self._link:
            if not self._link.running:
                self._link.start()
        else:
            self.client.connect()  # BUSY, if it has begun
        if self.client.state != _UP:
            await self._join(_LINK)
        return self.session_present

    async def disconnect(self):
        """Send DISCONNECT and wait for the end. What the outbox holds stays there for the next
        connect(); who awaits it gets MqttError(0). Allocates."""
        if self._task is not None:
            (self._link.stop if self._link else self.client.disconnect)()
            await self._ended.wait()

    async def publish(self, topic, payload, qos=0, retain=False):
        """Publish, and wait until it is done: QoS 0 written, QoS 1 and 2 acknowledged. Waits for
        room in the outbox first, if need be. Survives reconnects. str or bytes. Returns the handle.

        MqttError: BAD_..., TOO_LARGE: never queued. REPLACED, UNCERTAIN, VIOLATION: queued, and
        given up. The reason of CLOSED: nobody steps the client now; if it was queued, it stays.
        Cancelled while it waits for room, nothing is published; later, it is all the same.
        Allocates.
        """
        topic = options.encoded(topic)
        payload = options.encoded(payload)
        self._check_running()
        handle = self.client.publish(topic, payload, None, qos, retain)
        while handle == _FULL:
            self._room.clear()
            await self._room.wait()
            self._check_running()
            handle = self.client.publish(topic, payload, None, qos, retain)
        if handle < 0:
            raise MqttError(handle)
        await self._join(handle)
        return handle

    async def subscribe(self, flt, qos, handler, pieces=False):
        """Subscribe, and wait for the answer. ``handler``: a plain function of the message, or an
        Inbox. Returns the granted QoS.

        MqttError(REFUSED, 0x80) if the broker says no, BAD_FILTER, BAD_QOS, FULL, BUSY. What has
        to be declared before the first connection goes to ``client.subscribe``. Allocates.
        """
        self._check_running()
        ident = self.client.subscribe(flt, qos, handler, pieces)
        if ident < 0:
            raise MqttError(ident)
        granted = await self._join(-ident)
        if granted == _REFUSED_FILTER:
            raise MqttError(_REFUSED, granted)
        return granted

    async def unsubscribe(self, flt):
        """Unsubscribe, and wait for the answer. MqttError: BAD_FILTER, BUSY. Allocates."""
        self._check_running()
        ident = self.client.unsubscribe(flt)
        if ident < 0:
            raise MqttError(ident)
        await self._join(-ident)

    def _check_running(self):
        if self._task is None:
            raise MqttError(self._reason, self._detail)

    async def _join(self, key):
        wait = self._waits.get(key)
        if wait is None:
            wait = self._waits[key] = _Wait()
        wait.users += 1
        try:
            if self.client.state == _UP:
                self.driver.step(ticks_ms())  # what was queued leaves now, not after the sleep
                self._idle = 1
            await wait.event.wait()
        finally:
            wait.users -= 1
            if not wait.users and self._waits.get(key) is wait:
                del self._waits[key]
        if wait.failed:
            raise MqttError(wait.code, wait.detail)
        return wait.code

    async def _run(self):
        try:
            now = ticks_ms()
            self.driver.step(now)
            while self.client.state or (self._link and self._link.running):
                await _sleep_ms(self._pause(now))
                now = ticks_ms()
                self.driver.step(now)
        finally:
            self._task = None
            self._end_waits()

    def _pause(self, now):
        # Short after each sign of life, then twice as long each time.
        c = self.client
        if c.heard == now or c.spoke == now:
            self._idle = 1
        elif self._idle < self.idle_ms:
            self._idle = self._idle * 2 if self._idle * 2 < self.idle_ms else self.idle_ms
        at = self.driver.deadline()
        if at < 0:
            return self._idle
        left = (((at - now) & _MASK) ^ _HALF) - _HALF
        return 0 if left < 0 else left if left < self._idle else self._idle

    def _end_waits(self):
        waits = self._waits
        self._waits = {}
        for key in waits:
            waits[key].end(True, self._reason, self._detail)
        self._room.set()
        self._ended.set()

    def _event(self, kind, a, b):
        if kind == _ACKED:
            self._done(a, False, 0)
            self._room.set()
        elif kind == _FAILED:
            self._done(a, True, b)
            self._room.set()
        elif kind == _SUBACK:
            self._done(-a, False, b)
        elif kind == _UNSUBACK:
            self._done(-a, False, 0)
        elif kind == _CONNECTED:
            self.session_present = a
            self._done(_LINK, False, 0)
        else:
            self._over(a, b)
        if self.on_event:
            self.on_event(kind, a, b)

    def _done(self, key, failed, code):
        if key in self._waits:
            self._waits.pop(key).end(failed, code, 0)

    def _over(self, reason, detail):
        self._reason = reason
        self._detail = detail
        # Whoever awaits the connection hears of a refusal; what no one awaits is tried for ever.
        if self._link and _LINK in self._waits and reason == _REFUSED and detail != _UNAVAILABLE:
            self._link.stop()

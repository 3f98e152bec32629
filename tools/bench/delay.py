"""A link with a delay: what goes in at one end comes out at the other a fixed time later.

Bytes that come in later do not wait for those before them to be delivered, as they would with a
proxy that holds what it has: a delay line, not a slow line. Order is kept.
"""

import asyncio
import collections
import socket
import threading


class DelayLine:
    """A context manager in front of 127.0.0.1:target; `one_way_s` is spent in each direction."""

    def __init__(self, target, one_way_s):
        self.port = 0
        self._target = target
        self._one_way_s = one_way_s
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delay line", daemon=True)

    def __enter__(self):
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *exc):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self):
        make = lambda: _End(self._loop, self._one_way_s, self._target)  # noqa: E731
        server = self._loop.run_until_complete(self._loop.create_server(make, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


class _End(asyncio.Protocol):
    """One end of a connection. `target`: a port, where the other end is to be made."""

    def __init__(self, loop, one_way_s, target=None):
        self.loop = loop
        self.one_way_s = one_way_s
        self.target = target
        self.transport = None
        self.peer = None
        self.line = collections.deque()  # (time due, bytes), None for the end

    def connection_made(self, transport):
        self.transport = transport
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.target is not None:
            self.loop.create_task(self._reach())

    async def _reach(self):
        self.peer = _End(self.loop, self.one_way_s)
        self.peer.peer = self
        await self.loop.create_connection(lambda: self.peer, "127.0.0.1", self.target)
        self._deliver()

    def data_received(self, data):
        self._enter(data)

    def connection_lost(self, error):
        self._enter(None)

    def _enter(self, data):
        due = self.loop.time() + self.one_way_s
        self.line.append((due, data))
        self.loop.call_at(due, self._deliver)

    def _deliver(self):
        """Hand over what is due, once the other end is there."""
        while self.line and self.peer and self.peer.transport:
            due, data = self.line[0]
            if due > self.loop.time():
                return
            self.line.popleft()
            if data is None:
                self.peer.transport.close()
            else:
                self.peer.transport.write(data)

"""A TCP proxy that plays a bad network: cuts, silence, refusals, a server that moved.

Rules of this module:
- One thread runs everything; the public methods may be called from any thread and return once
  their effect is there (a cut has been sent, a listener is closed).
- A link is one accepted connection and its connection to the target. Bytes of a link keep their
  order and are never changed. What was read but not yet written when a cut comes is lost, as it
  is in a network.
- The tap sees every chunk once it is handed to the receiving side's socket, so that what a tap
  recorded was really on its way, with the time just before that (time.monotonic()): nothing that
  follows from the chunk can be older.
- The pace, if there is one, is asked before each write, in the proxy's thread: how long to hold
  what waits, and how many bytes to let go then. It may delay, split, and hold one direction of
  one link for as long as it likes.

    with Proxy(("127.0.0.1", 1883)) as proxy:
        connect_to(proxy.port)
        proxy.cut()       # reset every link and refuse new ones
        proxy.restore()

States (attribute ``state``): FORWARD; STALL: links stay open, new ones are taken, and not a byte
passes (a half-open connection); REFUSE: nothing listens, links as they were.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable

FORWARD = "forward"
STALL = "stall"
REFUSE = "refuse"

UP = "up"  # from the client to the target
DOWN = "down"  # from the target to the client

_CHUNK = 65536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 seconds: close() sends RST

Tap = Callable[[int, str, bytes, float], None]
Pace = Callable[[int, str], tuple[float, int]]


def _reset(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    sock.close()


class _Side:
    """One socket of a link: what waits to be written to it, and whether its input has ended."""

    def __init__(self, sock: socket.socket, link: _Link, direction: str) -> None:
        self.sock = sock
        self.link = link
        self.direction = direction  # of what is read here
        self.pending = bytearray()
        self.ended = False  # read end of file
        self.told = False  # the other side's end of file was passed on
        self.due = 0.0  # what is pending is held until then ...
        self.allowed = 0  # ... and so many bytes of it go; 0: the pace is still to be asked
        self.peer: _Side = self


class _Link:
    def __init__(self, number: int, client: socket.socket, server: socket.socket) -> None:
        self.number = number
        self.client = _Side(client, self, UP)
        self.server = _Side(server, self, DOWN)
        self.client.peer, self.server.peer = self.server, self.client
        self.sides = (self.client, self.server)
        self.opening = False
        self.connected = False

    def open(self, target: tuple[str, int]) -> None:
        """Begin to connect to the target, once."""
        if not self.opening:
            self.opening = True
            self.server.sock.connect_ex(target)


class Proxy:
    """Forwards 127.0.0.1:port to target. Use as a context manager, or start() and close()."""

    def __init__(
        self,
        target: tuple[str, int],
        port: int = 0,
        tap: Tap | None = None,
        pace: Pace | None = None,
    ) -> None:
        """port 0 takes a free one. In the proxy's thread run tap(link, UP or DOWN, data, time) and
        pace(link, UP or DOWN) -> (seconds, bytes); 0 bytes: hold, and ask again then."""
        self.target = target
        self.state = FORWARD
        self.links_made = 0  # accepted connections that reached a target
        self.links_refused = 0  # accepted connections whose target refused
        self.resets = 0  # links ended by reset() or cut()
        self.bytes = {UP: 0, DOWN: 0}
        self._tap = tap
        self._pace = pace
        self._number = 0
        self._links: set[_Link] = set()
        self._selector = selectors.DefaultSelector()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_out.setblocking(False)
        self._selector.register(self._wake_out, selectors.EVENT_READ, "wake")
        self._jobs: list[tuple[Callable[[], None], threading.Event]] = []
        self._lock = threading.Lock()
        self._running = False
        self._listener: socket.socket | None = None
        self.port = port
        self._listen()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    # --- from any thread ----------------------------------------------------------------------

    def start(self) -> Proxy:
        self._running = True
        self._thread.start()
        return self

    def close(self) -> None:
        """Reset every link, free the port, end the thread. May be called twice."""
        if self._running:
            self._do(self._shut)
            self._thread.join()
        self._unlisten()
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()

    def __enter__(self) -> Proxy:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def links(self) -> int:
        """Links open now."""
        return len(self._links)

    def reset(self) -> int:
        """Reset every link (RST to both ends); how many there were. New ones are served."""
        count = len(self._links)
        self._do(self._reset_links)
        return count

    def cut(self) -> None:
        """Reset every link and refuse new ones: the network is gone, and both ends know."""
        self._do(self._refuse_now)
        self.reset()

    def refuse(self) -> None:
        """Refuse new connections (nothing listens); links go on."""
        self._do(self._refuse_now)

    def stall(self) -> None:
        """Let nothing pass in either direction, silently: a half-open connection."""
        self._do(lambda: self._enter(STALL))

    def restore(self) -> None:
        """Forward again. Links that lived through a stall go on where they were."""
        self._do(lambda: self._enter(FORWARD))

    def retarget(self, target: tuple[str, int]) -> None:
        """Send new links to another server; present ones stay."""
        self.target = target

    # --- in the thread ------------------------------------------------------------------------

    def _do(self, job: Callable[[], None]) -> None:
        if not self._running:
            raise RuntimeError("the proxy does not run; start() it, or use it in a `with`")
        if threading.current_thread() is self._thread:
            return job()
        done = threading.Event()
        with self._lock:
            self._jobs.append((job, done))
        self._wake_in.send(b"x")
        done.wait()
        return None

    def _run(self) -> None:
        while self._running:
            for key, events in self._selector.select(self._release_due()):
                if key.data == "wake":
                    self._run_jobs()
                elif key.data == "listen":
                    self._accept()
                else:
                    self._serve(key.data, events)

    def _run_jobs(self) -> None:
        self._wake_out.recv(4096)
        with self._lock:
            jobs, self._jobs = self._jobs, []
        for job, done in jobs:
            job()
            done.set()

    def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        self._selector.register(listener, selectors.EVENT_READ, "listen")
        self._listener = listener

    def _unlisten(self) -> None:
        if self._listener is not None:
            if self._selector.get_map() is not None:
                self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None

    def _enter(self, state: str) -> None:
        self.state = state
        if self._listener is None:
            self._listen()
        for link in tuple(self._links):
            self._watch(link)

    def _refuse_now(self) -> None:
        if self.state == STALL:
            self._enter(FORWARD)
        self.state = REFUSE
        self._unlisten()

    def _reset_links(self) -> None:
        for link in tuple(self._links):
            self.resets += 1
            self._end(link)

    def _shut(self) -> None:
        self._unlisten()
        self._reset_links()
        self._running = False

    def _accept(self) -> None:
        if self._listener is None:
            return
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        server = socket.socket()
        for sock in (client, server):
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._number += 1
        link = _Link(self._number, client, server)
        self._links.add(link)
        self._watch(link)

    def _watch(self, link: _Link) -> None:
        """Ask the selector for exactly what each side can use now."""
        if self.state != STALL:
            link.open(self.target)
        for side in link.sides:
            events = 0
            if self.state == STALL:
                pass
            elif not link.connected:
                events = selectors.EVENT_WRITE if side is link.server else 0
            else:
                if not side.ended and not side.peer.pending:
                    events |= selectors.EVENT_READ
                if side.pending and side.due <= time.monotonic():
                    events |= selectors.EVENT_WRITE
            self._ask(side, events)

    def _ask(self, side: _Side, events: int) -> None:
        registered = side.sock in self._selector.get_map()
        if events and registered:
            self._selector.modify(side.sock, events, side)
        elif events:
            self._selector.register(side.sock, events, side)
        elif registered:
            self._selector.unregister(side.sock)

    def _serve(self, side: _Side, events: int) -> None:
        link = side.link
        if link not in self._links:  # ended by an earlier event of the same round
            return
        try:
            if not link.connected:
                self._connected(link)
            else:
                if events & selectors.EVENT_WRITE:
                    self._write(side)
                if events & selectors.EVENT_READ and not side.peer.pending:
                    self._read(side)
        except OSError:
            self._end(link)
            return
        if link.client.told and link.server.told:
            self._end(link, abort=False)
        else:
            self._watch(link)

    def _connected(self, link: _Link) -> None:
        error = link.server.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self.links_refused += 1
            raise OSError(error, "target")
        link.connected = True
        self.links_made += 1

    def _read(self, side: _Side) -> None:
        data = side.sock.recv(_CHUNK)
        if data:
            side.peer.pending += data
            self._write(side.peer)
        else:
            side.ended = True
            self._pass_end(side.peer)

    def _write(self, side: _Side) -> None:
        now = time.monotonic()
        count = self._allowed(side, now)
        if not count:
            return
        try:
            count = side.sock.send(side.pending[:count])
        except BlockingIOError:
            return
        data = bytes(side.pending[:count])
        del side.pending[:count]
        direction = side.peer.direction
        self.bytes[direction] += count
        if self._tap is not None:
            self._tap(side.link.number, direction, data, now)
        if side.peer.ended:
            self._pass_end(side)

    def _allowed(self, side: _Side, now: float) -> int:
        """How many of the pending bytes may be written now."""
        if self._pace is None:
            return len(side.pending)
        if not side.allowed:
            wait, side.allowed = self._pace(side.link.number, side.peer.direction)
            side.due = now + wait
        if now < side.due:
            return 0
        count, side.allowed = side.allowed, 0
        return count

    def _release_due(self) -> float | None:
        """Ask again for what was held and is due; how long until the next, None for ever."""
        if self._pace is None or self.state == STALL:
            return None
        now = time.monotonic()
        held = [side for link in self._links for side in link.sides if side.pending and side.due]
        for side in held:
            if side.due <= now:
                side.due = 0.0
                self._watch(side.link)
        return min((side.due - now for side in held if side.due), default=None)

    def _pass_end(self, side: _Side) -> None:
        if not side.pending and not side.told:
            side.told = True
            side.sock.shutdown(socket.SHUT_WR)

    def _end(self, link: _Link, abort: bool = True) -> None:
        self._links.discard(link)
        for side in link.sides:
            self._ask(side, 0)
            if abort:
                _reset(side.sock)
            else:
                side.sock.close()

"""TCP for the client: a non-blocking socket with the four methods of a transport.

On MicroPython the socket's own ``readinto`` and ``write`` are used as they are, with nothing of
ours between: None = not now, 0 = closed, and an OSError, which the client catches once a step, for
a failed connection. Name resolution blocks, for as long as the system's resolver takes; the
address is kept until a connection to it fails.
"""

import errno
import select
import socket

from mqtt._shim import const

_UNRESOLVED = const(-1000)
_IPPROTO_TCP = const(6)
_TCP_NODELAY = const(1)

if hasattr(socket.socket, "readinto"):
    _socket = socket.socket
else:
    from mqtt._cpython import StreamSocket as _socket


class TcpTransport:
    """``host``: name or address; ``port``: 1..65535. Allocates in open() only."""

    def __init__(self, host, port=1883):
        if not isinstance(port, int) or not 0 < port < 65536:
            raise ValueError("port: %r; must be 1..65535" % (port,))
        self.host = host
        self.port = port
        self._addresses = []  # still to be tried, from the last resolution
        self._address = None  # the one that works, or is being tried
        self._socket = None
        self._look = None  # of a poll object, until the socket is open
        self.readinto = self.write = _closed  # of the socket, once it is open

    def open(self):
        """One try to get on. None: not yet; True: open; negative: -errno, or UNRESOLVED."""
        try:
            if self._socket is None:
                self._begin()
            return self._finish()
        except OSError as e:
            self.close()
            self._address = None  # another address next time, or another answer
            return -e.errno if isinstance(e.errno, int) and e.errno > 0 else _UNRESOLVED

    def _begin(self):
        if self._address is None:
            if not self._addresses:
                self._addresses = _resolve(self.host, self.port)
            self._address = self._addresses.pop(0)
        family, kind, proto, _, address = self._address
        self._socket = s = _socket(family, kind, proto)
        s.setblocking(False)
        try:
            s.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)  # else Nagle meets delayed acks
        except OSError:
            pass  # a port without the option
        try:
            s.connect(address)
        except OSError as e:
            if e.errno != errno.EINPROGRESS:
                raise
        poll = select.poll()
        poll.register(s, select.POLLOUT)
        self._look = getattr(poll, "ipoll", poll.poll)  # CPython has none that allocates nothing

    def _finish(self):
        for _, event in self._look(0):  # pyright: ignore (set by _begin)
            if event & (select.POLLERR | select.POLLHUP):
                self._socket.readinto(bytearray(1), 1)  # raises the connection's own error
                raise OSError(errno.ECONNREFUSED)
            self.readinto = self._socket.readinto
            self.write = self._socket.write
            self._look = None
            return True
        return None

    def close(self):
        """Close; open() begins anew, with another address if this one never answered."""
        if self._look is not None:
            self._address = None
        if self._socket is not None:
            self._socket.close()
        self._socket = self._look = None
        self.readinto = self.write = _closed


def _closed(*_):
    return 0


def _resolve(host, port):
    try:
        return list(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM))
    except Exception:  # each system has its own error here, not always an OSError
        raise OSError(_UNRESOLVED)

"""A broker that greets and hangs up: CONNECT, CONNACK, the end; so that connections can be lost by
the thousand. Each second one ends with a reset."""

import contextlib
import socket
import struct
import threading

_CONNACK = b"\x20\x02\x00\x00"
_NOW = struct.pack("ii", 1, 0)  # SO_LINGER: close() resets


class Greeter:
    """A context manager; `port` is a free one of the loopback. `greeted`: CONNACKs so far."""

    def __init__(self):
        self.greeted = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=8)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="greeter", daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)  # ends accept()
        self._thread.join()
        self._listener.close()

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), client:
                self._greet(client)

    def _greet(self, client):
        client.settimeout(5)
        if not client.recv(4096):  # a CONNECT leaves in one write
            return
        client.sendall(_CONNACK)
        self.greeted += 1
        if self.greeted & 1:
            client.shutdown(socket.SHUT_WR)
            with contextlib.suppress(TimeoutError):
                while client.recv(4096):  # until it is closed over there, too
                    pass
        else:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NOW)

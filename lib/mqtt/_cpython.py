"""MicroPython's stream socket on CPython: readinto(buf, n) and write(buf, off, n), None when not
now. The board never imports this."""
# The stubs describe the board, not the socket of CPython that this one extends.
# pyright: reportIncompatibleMethodOverride=false, reportAttributeAccessIssue=false

import socket


class StreamSocket(socket.socket):
    """A socket.socket with the two methods MicroPython's has."""

    def readinto(self, buf, n):
        """Up to ``n`` bytes into the start of ``buf``; None = nothing yet, 0 = closed."""
        try:
            return self.recv_into(buf, n)
        except BlockingIOError:
            return None

    def write(self, buf, off, n):
        """Up to ``n`` bytes of ``buf`` from ``off``; None = the buffer is full."""
        try:
            return self.send(memoryview(buf)[off : off + n])
        except BlockingIOError:
            return None

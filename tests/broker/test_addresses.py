"""TcpTransport and names with several addresses: one that never answers is not tried for ever."""

import contextlib
import socket

import pytest

from mqtt import tcp
from tests.broker.strings import until


@pytest.fixture
def black_hole():
    """Address of a listener whose queue is full: further connection attempts hang."""
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        while True:
            filler = stack.enter_context(socket.socket())
            filler.settimeout(0.3)
            try:
                filler.connect(full.getsockname())
            except TimeoutError:
                break
        yield full.getsockname()


def test_after_an_address_that_never_answers_the_next_is_tried(black_hole, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as good:
        entries = [
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", address)
            for address in (black_hole, good.getsockname())
        ]
        monkeypatch.setattr(tcp, "_resolve", lambda host, port: list(entries))
        transport = tcp.TcpTransport("broker.example", 1883)
        assert transport.open() is None
        transport.close()  # as the client does when the connection attempt takes too long
        until(transport.open, "connection to the second address")
        transport.close()
        until(transport.open, "connection to the address that worked")
        transport.close()
        assert transport.open() in (None, True)
        assert good.accept() and good.accept()
        transport.close()

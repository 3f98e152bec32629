"""The proxy's bad networks, seen from both ends of real sockets."""

import contextlib
import socket
import threading

import pytest

from tests.tools.board import eventually
from tools import proxy as proxy_module
from tools.proxy import DOWN, UP, Proxy


class Echo:
    """A server that answers every chunk with itself, and remembers how its connections ended."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.ends = []
        self.accepted = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._echo, args=(sock,), daemon=True).start()

    def _echo(self, sock):
        with sock:
            try:
                while data := sock.recv(65536):
                    sock.sendall(data)
                self.ends.append("closed")
            except OSError as error:
                self.ends.append(type(error).__name__)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def echo():
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def proxy(echo):
    with Proxy(echo.address) as running:
        yield running


@pytest.fixture
def dial(proxy):
    """Connect through the proxy; sockets are closed at the end."""
    with contextlib.ExitStack() as stack:

        def connect():
            sock = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
            return stack.enter_context(sock)

        yield connect


def say(sock, data=b"hello"):
    sock.sendall(data)
    got = b""
    while len(got) < len(data):
        chunk = sock.recv(65536)
        assert chunk, "closed in the middle"
        got += chunk
    assert got == data


def silent(sock, seconds=0.3):
    """True if nothing arrives for that long."""
    sock.settimeout(seconds)
    try:
        return not sock.recv(1) and False
    except TimeoutError:
        return True
    finally:
        sock.settimeout(10)


def test_bytes_pass_in_both_directions_in_order(proxy, dial):
    sock = dial()
    for size in (1, 1000, 300_000):
        data = bytes(index * 7 % 251 for index in range(size))
        threading.Thread(target=sock.sendall, args=(data,)).start()
        got = b""
        while len(got) < size:
            got += sock.recv(65536)
        assert got == data
    eventually(lambda: proxy.bytes == {UP: 301_001, DOWN: 301_001}, "every byte is counted")


def test_a_tap_sees_what_was_handed_on_link_by_link(echo):
    seen = []
    with Proxy(echo.address, tap=lambda *what: seen.append(what[:3])) as proxy:
        for text in (b"one", b"two"):
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as sock:
                say(sock, text)
    eventually(lambda: len(seen) == 4, "four chunks")
    assert seen == [(1, UP, b"one"), (1, DOWN, b"one"), (2, UP, b"two"), (2, DOWN, b"two")]


def test_a_close_on_one_side_is_passed_on(proxy, dial, echo):
    sock = dial()
    say(sock)
    sock.shutdown(socket.SHUT_WR)
    assert sock.recv(10) == b""
    assert echo.ends == ["closed"]
    eventually(lambda: proxy.links == 0, "the link is forgotten")


def test_a_cut_resets_both_ends_and_refuses_new_connections(proxy, dial, echo):
    sock = dial()
    say(sock)
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        sock.recv(1)
    eventually(lambda: echo.ends == ["ConnectionResetError"], "the server sees the reset")
    with pytest.raises(ConnectionRefusedError):
        dial()
    proxy.restore()
    say(dial())


def test_refusing_leaves_present_links_alone(proxy, dial):
    sock = dial()
    say(sock)
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        dial()
    say(sock)
    proxy.restore()
    say(dial())


def test_a_stall_is_silent_and_goes_on_where_it_was(proxy, dial, echo):
    sock = dial()
    say(sock)
    proxy.stall()
    sock.sendall(b"later")
    assert silent(sock)
    proxy.restore()
    assert sock.recv(10) == b"later"
    assert echo.ends == []


def test_a_connection_made_during_a_stall_is_taken_and_hears_nothing(proxy, dial, echo):
    proxy.stall()
    sock = dial()
    sock.sendall(b"anyone?")
    assert silent(sock)
    assert echo.accepted == 0
    proxy.restore()
    assert sock.recv(10) == b"anyone?"


def test_reset_ends_the_links_and_serves_new_ones(proxy, dial):
    sock = dial()
    say(sock)
    assert proxy.reset() == 1
    with pytest.raises(ConnectionResetError):
        sock.recv(1)
    say(dial())
    assert proxy.resets == 1


def test_a_dead_target_resets_the_client_and_a_new_target_is_used(proxy, dial, echo):
    echo.close()
    with pytest.raises(ConnectionResetError):
        dial().recv(1)
    assert proxy.links_refused == 1
    other = Echo()
    proxy.retarget(other.address)
    say(dial())
    other.close()


def test_a_reader_that_does_not_read_holds_the_writer_and_not_the_proxy(proxy, dial):
    slow, other = dial(), dial()
    slow.setblocking(False)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while sent < 64_000_000:
            sent += slow.send(bytes(65536))
    assert sent < 64_000_000
    say(other)


def test_closing_frees_the_port_and_the_thread(echo):
    proxy = Proxy(echo.address).start()
    sock = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
    say(sock)
    proxy.close()
    proxy.close()
    with sock, pytest.raises(ConnectionResetError):
        sock.recv(1)
    assert "proxy" not in [thread.name for thread in threading.enumerate()]
    with Proxy(echo.address, port=proxy.port) as again:
        assert again.port == proxy.port


def test_a_proxy_that_does_not_run_says_so(echo):
    proxy = Proxy(echo.address)
    with pytest.raises(RuntimeError, match="start"):
        proxy.cut()
    proxy.close()
    assert proxy.state == proxy_module.FORWARD


def test_a_pace_splits_delays_and_holds_one_direction(echo):
    holding = threading.Event()
    seen = []
    paces = {UP: lambda: (0.02, 3), DOWN: lambda: (0.01, 0 if holding.is_set() else 1000)}
    proxy = Proxy(
        echo.address,
        tap=lambda _, direction, data, when: seen.append((direction, data, when)),
        pace=lambda _, direction: paces[direction](),
    )
    with proxy, socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as sock:
        say(sock, b"0123456789")
        pieces = [(data, when) for direction, data, when in seen if direction == UP]
        assert [data for data, _ in pieces] == [b"012", b"345", b"678", b"9"]
        assert pieces[-1][1] - pieces[0][1] >= 0.05
        holding.set()
        sock.sendall(b"held")
        assert silent(sock)
        eventually(lambda: b"".join(d for way, d, _ in seen if way == UP)[10:] == b"held", "up")
        holding.clear()
        assert sock.recv(3) + sock.recv(1) == b"held"
        assert echo.ends == []

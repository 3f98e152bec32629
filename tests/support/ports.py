"""Ports of the loopback for a test: one for a server that starts a little later and may stop and
come back, and one that stays closed.

A port that the system has chosen (bind to 0) and that is free again may be chosen once more, for a
socket of anyone's, before the server has it. So these come from below the range it chooses from.
"""

import contextlib
import random
import socket
from pathlib import Path

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")  # Linux; elsewhere it begins at 49152
FIRST, LAST = 10240, 32767
TRIES = 1000
_DICE = random.SystemRandom()  # two runs of the tests at once must not draw the same numbers


def free_port():
    """A port that nothing uses now, and that the system gives to nobody by itself."""
    last = min(LAST, int(RANGE.read_text().split()[0]) - 1) if RANGE.exists() else LAST
    assert last > FIRST + TRIES, f"{RANGE} leaves no ports below those the system gives away"
    for _ in range(TRIES):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers have it
            probe.bind(("127.0.0.1", _DICE.randint(FIRST, last)))
            return probe.getsockname()[1]
    raise AssertionError(f"no free port between {FIRST} and {last}")


@contextlib.contextmanager
def closed_port():
    """A port that refuses connections as long as the context lasts: taken, and not listened on."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]

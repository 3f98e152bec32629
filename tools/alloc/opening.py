"""What opening a connection takes from the heap: piece by piece, and the client's own, over a
thousand connections that are greeted and lost."""

import json
import socket
import subprocess
from dataclasses import dataclass

from tests.support.runtimes import ROOT, micropython_command
from tools.alloc.greeter import Greeter
from tools.alloc.table import BOARD, judge

_SETUP = """
import errno, select, socket
r = [None] * 4
found = socket.getaddrinfo("127.0.0.1", port, 0, socket.SOCK_STREAM)
s = socket.socket()
s.connect(found[0][-1])
s.setblocking(False)
poll = select.poll()
poll.register(s, select.POLLOUT)
look = poll.ipoll
def reset():
    try:
        raise OSError(errno.ECONNRESET)
    except OSError:
        pass
"""

# What is done, its code, and when.
PIECES = (
    (
        "the name: `getaddrinfo`, and a list of its answers",
        "r[0] = list(socket.getaddrinfo('127.0.0.1', port, 0, socket.SOCK_STREAM))",
        "only when no address is known to work",
    ),
    ("the socket", "r[1] = socket.socket()", ""),
    (
        "the poll object, with the socket registered, and its `ipoll` as a value",
        "r[0] = select.poll()\nr[0].register(s, select.POLLOUT)\nr[1] = r[0].ipoll",
        "",
    ),
    (
        "each look whether it is open yet: `ipoll(0)`",
        "for r[0] in look(0):\n    pass",
        "at least one",
    ),
    (
        "`s.readinto` and `s.write`, taken once as values",
        "r[0] = s.readinto\nr[1] = s.write",
        "",
    ),
    ("an error that the socket raises", "reset()", "`EINPROGRESS`; a reset at the end"),
)


@dataclass(frozen=True)
class Openings:
    """`levels`: bytes held after the 1st, 10th, 100th ... and the last connection; `least` and
    `most`: bytes that one takes, from connect() to CLOSED; `greeted`, `closes`: of the client."""

    levels: list
    least: int
    most: int
    greeted: int
    closes: int


def pieces():
    """The Verdict on each of PIECES, on the Unix port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        setup = f"port = {server.getsockname()[1]}\n{_SETUP}"
        return judge([(setup, code) for _, code, _ in PIECES], "unix")


def lost(times, lib=ROOT / "lib"):
    """Openings of a client of `lib` on the Unix port, that lost so many. Raises RuntimeError."""
    with Greeter() as greeter:
        return _run("lost", greeter.port, times, lib)


def ended(port, times, lib=ROOT / "lib"):
    """The same with the broker on `port`, where the client itself ends each connection."""
    return _run("ended", port, times, lib)


def _run(how, port, times, lib):
    done = subprocess.run(
        [micropython_command(), str(BOARD / "openings.py"), how, str(port), str(times)],
        env={"MICROPYPATH": f"{lib}:.frozen"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    if done.returncode:
        raise RuntimeError(done.stdout)
    return Openings(**json.loads(done.stdout))


def markdown(verdicts, openings):
    """Both as a table of docs/allocation.md."""
    lines = ["| opening | bytes, 64 bits | |", "|---|---|---|"]
    for (what, _, when), verdict in zip(PIECES, verdicts, strict=True):
        lines.append(f"| {what} | {verdict.left} | {when} |")
    whole = "**a connection of the client**, from `connect()` to `CLOSED`"
    reset = f"{openings.most} when a reset ends it"
    return "\n".join([*lines, f"| {whole} | **{openings.least}** | {reset} |"])

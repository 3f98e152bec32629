"""The end of `make deploy` and of `make flash`: waits until the node of the restarted board says
that it is connected to its broker, and tells what became of it.

`say` takes what is told: its methods step(text), warn(text) and log(line), as work.Silent has them.
"""

import argparse
import contextlib
from dataclasses import dataclass, field

from tools.deploy import Trouble, link, listen
from tools.deploy.nodelog import advices

WAIT_S = 60  # to start, join, get an address and reach the broker
NOT_ONLINE = 3  # an exit status
LAST_WORDS = 15


@dataclass
class Start:
    """What became of a restarted node. online: None when it was not waited for to the end."""

    online: bool | None = None
    broken_off: bool = False
    last_words: list = field(default_factory=list)
    advice: list = field(default_factory=list)


def wait(port, seconds, say, transport=None):
    """Listen for so many seconds at most; the Start. `transport`: the open port, which is closed in
    the end; without it the port is opened, once it is back from the restart."""
    patience = min(listen.BACK_S, seconds)
    lines = []

    def heard(line):
        lines.append(line)
        say.log(line)

    try:
        transport = transport or link.reopen(port, patience)
        with listen.Ear(port, transport, patience) as ear:
            online, _ = listen.until_online(ear, seconds, heard)
    except Trouble as gone:
        return Start(False, advice=[str(gone)])
    except KeyboardInterrupt:
        return Start(broken_off=True)
    return Start(online) if online else Start(False, False, lines[-LAST_WORDS:], advices(lines))


def report(start, seconds, say):
    """Tell it; the exit status."""
    if start.broken_off:
        say.warn("not waited for any longer; everything is in place. What the node says: make logs")
        return NOT_ONLINE
    if start.online is None:
        say.step("the board restarts; make logs shows what it says")
        return 0
    if start.online:
        say.step("the node is online")
        return 0
    say.warn(
        f"the files are in place, but the node did not say within {seconds:g} s that it is "
        "connected to its broker. Its last words are above."
        if start.last_words
        else "the files are in place, but the node says nothing. Press the board's reset button, "
        "and look with: make logs"
    )
    for advice in start.advice:
        say.warn(f"next: {advice}")
    say.warn("make doctor looks at board, Wi-Fi and broker one by one")
    return NOT_ONLINE


def option(parser):
    """Give a command line its --wait."""
    text = "seconds for the node to come online; 0: do not wait; default %(default)s"
    parser.add_argument("--wait", type=_seconds, default=WAIT_S, help=text)


def _seconds(text):
    with contextlib.suppress(ValueError):
        if float(text) >= 0:  # that is false of nan, too
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds; try WAIT=60")

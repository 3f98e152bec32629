"""Stand-in for the name server: the Unix port's own ``socket``, but for getaddrinfo.

With a time in the board file (DNS_MS) the server never answers: a name, not an address, holds the
interpreter for so long, as on a board, and then fails.
"""

import time

import usocket
from usocket import *  # noqa: F403

import boardio
import boardlayout as L

_EAI_AGAIN = -3


def getaddrinfo(host, port, *rest):
    """As the port's; OSError(-3) for a name when the name server is silent."""
    wait = boardio.get16(L.DNS_MS)
    if wait and host != "localhost" and not host.replace(".", "").isdigit():
        time.sleep_ms(wait)
        raise OSError(_EAI_AGAIN)
    return usocket.getaddrinfo(host, port, *rest)

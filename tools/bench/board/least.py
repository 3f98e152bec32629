"""Run by MicroPython's Unix port against a real broker, with less and less heap: does it work?

    least.py ADAPTER PORT

Connects, subscribes to its own topic, publishes at QoS 0 and 1 and takes what comes, for a while.
"""

import sys

import kit
from traffic import TOPIC

TIMES = 20


def main(adapter, port):
    peer = __import__(adapter)
    if peer.ASYNC:
        import asyncio

        asyncio.run(in_loop(peer, port))
    else:
        client = peer.connect(port, TOPIC, 1)
        kit.watch(peer.socket(client), peer.TICKS_MASK)
        ops = peer.operations(client)
        for _ in range(TIMES):
            ops["publish 0"]()
            ops["publish 1"]()
    print("it works", kit.seen[0] > 0)


async def in_loop(peer, port):
    client = await peer.connect(port, TOPIC, 1)
    ops = peer.operations(client)
    for _ in range(TIMES):
        await ops["publish 0"]()
    await ops["publish 1"]()


main(sys.argv[1], int(sys.argv[2]))

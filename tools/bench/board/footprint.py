"""Run by MicroPython's Unix port against a real broker: the heap that a client holds.

    footprint.py ADAPTER MODULE PORT

Prints the bytes held once MODULE is imported, and once it is connected and subscribed, less what
was held before and less the adapter; and the files that were imported.
"""

import gc
import json
import socket  # noqa: F401 - so that no client is charged with it
import sys

import kit  # noqa: F401
from traffic import TOPIC


def held():
    gc.collect()
    return gc.mem_alloc()


def main(adapter, module, port):
    before = held()
    __import__(module)
    imported = held() - before
    peer = __import__(adapter)
    of_adapter = held() - before - imported
    if peer.ASYNC:
        import asyncio

        connected = asyncio.run(connect(peer, port))
    else:
        client = peer.connect(port, TOPIC, 1)
        connected = held()
        peer.operations(client)  # it is alive until here
    connected -= before + of_adapter
    files = [getattr(module, "__file__", "") for module in sys.modules.values()]
    print(json.dumps({"imported": imported, "connected": connected, "files": files}))


async def connect(peer, port):
    client = await peer.connect(port, TOPIC, 1)
    connected = held()
    peer.operations(client)
    return connected


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))

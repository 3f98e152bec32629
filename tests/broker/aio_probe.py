"""Run by MicroPython's Unix port: what of the asyncio front allocates?

argv: port, times. Prints one JSON object. "publish", "inbox": bytes for each call, over a real
socket, with the collector off. "locked": acks and messages that came while the background task, a
handler, and prepared sends of QoS 1 and 2 ran under heap_lock(). "pause": bytes kept by a quiet
pause, and its pings. "asyncio": bytes that one sleep of asyncio takes from the heap and gives back.
"""

import asyncio
import gc
import json
import sys

import micropython

from mqtt import Client, Reconnect
from mqtt.aio import AsyncClient, Inbox
from mqtt.tcp import TcpTransport

port, times = int(sys.argv[1]), int(sys.argv[2])
client = Client("probe", TcpTransport("127.0.0.1", port), keepalive=1, tx_size=4096)
mqtt = AsyncClient(Reconnect(client, [client.transport]))
one = client.prepare("probe/one", 8, qos=1)
two = client.prepare("probe/two", 8, qos=2)
inbox = Inbox(times)
handled = [0]
done = [0]
back = [0]
found = {}
payload = b"payload"


def handle(msg):
    handled[0] += 1


async def work():
    one.buf[one.start] = two.buf[two.start] = 48
    for _ in range(times):
        done[0] = client.acked + 2
        back[0] = handled[0] + 2
        one.send(8)
        two.send(8)
        while client.acked < done[0] or handled[0] < back[0]:
            await asyncio.sleep_ms(1)


async def locked():
    micropython.heap_lock()
    try:
        await work_locked
    finally:
        micropython.heap_unlock()


async def switches():
    before = micropython.mem_total()
    for _ in range(times):
        await asyncio.sleep_ms(1)
    found["asyncio"] = (micropython.mem_total() - before) // times


async def each(name, call):
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(times):
        await call()
    found[name] = (gc.mem_alloc() - before) // times
    gc.enable()


def queue():
    client.publish(b"probe/box", payload)
    return inbox.get()


async def main():
    await switches()
    await mqtt.connect()
    await mqtt.subscribe("probe/one", 2, handle)
    await mqtt.subscribe("probe/two", 2, handle)
    await mqtt.subscribe("probe/box", 2, inbox)
    await work()
    gc.collect()
    marks = client.acked, handled[0]
    await locked()
    found["locked"] = [client.acked - marks[0], handled[0] - marks[1]]
    await each("publish", lambda: mqtt.publish(b"probe/none", payload, 1))
    await each("inbox", queue)
    found["pause"] = await idle()
    found["trouble"] = client.handler_errors + client.closes + client.refused + inbox.dropped
    await mqtt.disconnect()
    print(json.dumps(found))


async def idle():
    # Long enough for pings.
    pings = client.pings
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    await asyncio.sleep_ms(2000)
    grown = gc.mem_alloc() - before
    gc.enable()
    return [grown, client.pings - pings]


work_locked = work()
asyncio.run(main())

"""micropython-mqtt (mqtt_async) as its configuration object says: publish() awaited."""

import asyncio

from mqtt_async import MQTTClient, config

from kit import seen
from traffic import PAYLOAD, TOPIC

ASYNC = True
TICKS_MASK = -1


class Client(MQTTClient):
    def _dns_lookup(self):
        # It wants (address, port); the Unix port's resolver gives them packed.
        self._addr = ("127.0.0.1", self._c.port)


async def connect(port, flt, window):
    config.client_id = b"bench"
    config.server = "127.0.0.1"
    config.port = port
    config.subs_cb = handle
    client = Client(config)
    await client.connect()
    if flt:
        await client.subscribe(flt, 1)
    return client


def handle(topic, msg, retained, qos):
    seen[0] += 1


def operations(client):
    topic = TOPIC
    payload = PAYLOAD

    async def publish0():
        await client.publish(topic, payload, qos=0)

    async def publish1():
        await client.publish(topic, payload, qos=1)

    async def ping():
        await client._proto.ping()  # as its own keep-alive task does
        await asyncio.sleep_ms(20)  # a task of the client's takes the answer meanwhile

    async def idle():
        await asyncio.sleep_ms(100)

    return {"publish 0": publish0, "publish 1": publish1, "ping": ping, "idle": idle}

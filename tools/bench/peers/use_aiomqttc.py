"""aiomqttc as its README says: callbacks, and publish() awaited."""

import asyncio

from aiomqttc import MQTTClient

from kit import seen
from traffic import PAYLOAD, TOPIC

ASYNC = True
TICKS_MASK = -1


async def connect(port, flt, window):
    client = MQTTClient(client_id="bench", server="127.0.0.1", port=port)
    client.on_message = handle
    if not await client.connect():
        raise OSError("not connected")
    if flt:
        topic = flt.decode()
        await client.subscribe(topic, qos=1)
        while not client.subscriptions[topic]["confirmed"]:
            await asyncio.sleep_ms(5)
    return client


async def handle(protocol, topic, message, retain):
    seen[0] += 1


def operations(client):
    topic = TOPIC.decode()
    payload = PAYLOAD

    async def publish0():
        await client.publish(topic, payload, qos=0)

    async def publish1():
        await client.publish(topic, payload, qos=1)

    async def ping():
        await client.protocol.ping()
        await asyncio.sleep_ms(20)  # a task of the client's takes the answer meanwhile

    async def idle():
        await asyncio.sleep_ms(100)

    return {"publish 0": publish0, "publish 1": publish1, "ping": ping, "idle": idle}

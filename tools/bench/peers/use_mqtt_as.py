"""mqtt_as as its README says, with the callback interface: publish() awaited."""

import asyncio

from mqtt_as import MQTTClient, config

from kit import seen
from traffic import PAYLOAD, TOPIC

ASYNC = True
TICKS_MASK = -1


async def connect(port, flt, window):
    config["client_id"] = b"bench"
    config["server"] = "127.0.0.1"
    config["port"] = port
    config["ssid"] = "simulated"
    config["wifi_pw"] = "simulated"
    config["subs_cb"] = handle
    client = MQTTClient(config)
    await client.connect(quick=True)
    if flt:
        await client.subscribe(flt, 1)
    return client


def handle(topic, msg, retained):
    seen[0] += 1


def operations(client):
    topic = TOPIC
    payload = PAYLOAD

    async def publish0():
        await client.publish(topic, payload, qos=0)

    async def publish1():
        await client.publish(topic, payload, qos=1)

    async def ping():
        await client._ping()  # as its own keep-alive task does
        await asyncio.sleep_ms(20)  # a task of the client's takes the answer meanwhile

    async def idle():
        await asyncio.sleep_ms(100)

    return {"publish 0": publish0, "publish 1": publish1, "ping": ping, "idle": idle}

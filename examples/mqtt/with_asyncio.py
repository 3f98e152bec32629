"""asyncio firmware: one task obeys commands, one publishes; the connection is kept up beside."""

import asyncio

from mqtt import Client, Reconnect
from mqtt.aio import AsyncClient, Inbox
from mqtt.tcp import TcpTransport

HOST = "192.168.1.10"


async def obey(mqtt, inbox):
    async for message in inbox:
        await mqtt.publish(b"porch/heard", message.payload, qos=1)
        if message.payload == b"stop":
            return


async def beat(mqtt):
    while True:
        await mqtt.publish(b"porch/alive", b"yes", qos=1)  # waits out an outage
        await asyncio.sleep(5)


async def main(host=HOST, port=1883):
    client = Client("porch", TcpTransport(host, port), clean_session=False)
    commands = Inbox(8)
    client.subscribe(b"porch/cmd", 2, commands)  # before the first connection: what waited comes
    async with AsyncClient(Reconnect(client, [client.transport])) as mqtt:
        beating = asyncio.create_task(beat(mqtt))
        await obey(mqtt, commands)
        beating.cancel()
    return client.acked


if __name__ == "__main__":
    asyncio.run(main())

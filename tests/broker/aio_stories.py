"""Stories of the asyncio front over a Wire and a Broker in memory; run by test_fronts_aio.py on
each runtime that has asyncio. Real time, a few milliseconds each.
"""

import asyncio

import peer
from broker import Broker
from check import eq, fail, true
from mqtt import (
    ACK_TIMEOUT,
    BAD_FILTER,
    BAD_TOPIC,
    CLOSED,
    CONNECTED,
    DOWN,
    REFUSED,
    TOO_LARGE,
    TRANSPORT,
    UP,
    Client,
    Reconnect,
)
from mqtt.aio import AsyncClient, Inbox, MqttError
from wire import Wire


def sleep(ms):
    return asyncio.sleep(ms / 1000)


class World:
    """`mqtt` is the front of a client on a Wire with a Broker that answers every millisecond."""

    def __init__(self, keep=True, **options):
        self.wire = Wire()
        self.broker = Broker(self.wire)
        self.client = Client(b"aio", self.wire, **options)
        driver = Reconnect(self.client, [self.wire], 5, 10) if keep else self.client
        self.mqtt = AsyncClient(driver, idle_ms=5)
        self.failed = None

    async def serve(self):
        try:
            while True:
                self.broker.serve()
                await sleep(1)
        except peer.Violation as error:
            self.failed = error
            raise

    async def until(self, test, what):
        for _ in range(2000):
            if test():
                return
            await sleep(1)
        fail("it never happened", what)

    def tell(self, story):
        """Run story(self) to its end, with the broker at work."""

        async def main():
            serving = asyncio.create_task(self.serve())
            await asyncio.wait_for(story(self), 20)
            await self.mqtt.disconnect()
            serving.cancel()

        asyncio.run(main())
        if hasattr(asyncio, "new_event_loop"):
            asyncio.new_event_loop()  # MicroPython's is global, and keeps its tasks
        eq(self.failed, None, "a violation of the standard")
        eq(self.mqtt._waits, {}, "nobody waits")
        eq(self.client.state, DOWN)


async def error_of(awaited):
    """The MqttError that `awaited` ends with, as (code, detail)."""
    try:
        result = await awaited
    except MqttError as error:
        return error.code, error.detail
    return fail("no MqttError, but %r" % (result,), "")


async def cancel(task):
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return
    fail("the task ended by itself", "")


def test_connect_waits_for_the_connection_and_tells_session_present():
    async def story(world):
        eq(await world.mqtt.connect(), 0)
        eq(world.client.state, UP)
        eq(await world.mqtt.connect(), 0, "connected already")
        eq(len(world.broker.of(peer.CONNECT)), 1)
        await world.mqtt.disconnect()
        world.broker.present = 1
        eq(await world.mqtt.connect(), 1)

    World().tell(story)
    World(keep=False).tell(story)


def test_two_tasks_may_wait_for_one_connection():
    async def story(world):
        eq(list(await asyncio.gather(world.mqtt.connect(), world.mqtt.connect())), [0, 0])
        eq(len(world.broker.of(peer.CONNECT)), 1)

    World().tell(story)
    World(keep=False).tell(story)


def test_a_refusal_is_raised_with_its_code_and_ends_the_attempts():
    async def story(world):
        world.broker.refuse = 5
        eq(await error_of(world.mqtt.connect()), (REFUSED, 5))
        await sleep(30)
        eq(len(world.broker.of(peer.CONNECT)), 1)
        world.broker.refuse = 0
        eq(await world.mqtt.connect(), 0, "and may be tried again")

    World().tell(story)
    World(keep=False).tell(story)


def test_a_server_that_is_unavailable_for_now_is_tried_again():
    async def story(world):
        world.broker.refuse = 3
        connecting = asyncio.create_task(world.mqtt.connect())
        await world.until(lambda: len(world.broker.of(peer.CONNECT)) > 2, "third attempt")
        world.broker.refuse = 0
        eq(await connecting, 0)

    World().tell(story)


def test_a_transport_that_fails_is_raised_for_a_bare_client_and_tried_again_by_reconnect():
    async def bare(world):
        world.wire.opening = [-111]
        eq(await error_of(world.mqtt.connect()), (TRANSPORT, -111))
        eq(await world.mqtt.connect(), 0)

    async def kept(world):
        world.wire.opening = [-111, None, -111]
        eq(await world.mqtt.connect(), 0)

    World(keep=False).tell(bare)
    World().tell(kept)


def test_publish_ends_when_the_broker_has_acknowledged_and_not_before():
    async def story(world):
        await world.mqtt.connect()
        true(await world.mqtt.publish("a", "zero") > 0)
        world.broker.mute = {peer.PUBLISH}
        for qos in (1, 2):
            waiting = asyncio.create_task(world.mqtt.publish(b"a", b"x", qos))
            await world.until(lambda qos=qos: len(world.broker.publishes()) == 1 + qos, "PUBLISH")
            await sleep(10)
            true(not waiting.done(), "no PUBACK or PUBREC yet")
            packet = world.broker.of(peer.PUBLISH)[-1]
            world.wire.send(peer.puback(packet.id) if qos == 1 else peer.pubrec(packet.id))
            true(await waiting > 0)
        eq(world.broker.publishes()[0], (b"a", b"zero", 0, 0))

    World().tell(story)


def test_publish_lives_through_a_reconnect():
    async def story(world):
        await world.mqtt.connect()
        world.broker.mute = {peer.PUBLISH}
        waiting = asyncio.create_task(world.mqtt.publish("a", "x", 1))
        await world.until(lambda: world.broker.publishes(), "PUBLISH")
        world.broker.mute = set()
        world.broker.present = 1
        world.wire.reset()
        true(await waiting > 0)
        eq([dup for _, _, _, dup in world.broker.publishes()], [0, 1])
        eq(world.mqtt.session_present, 1)

    World(clean_session=False).tell(story)


def test_publish_waits_for_room_in_the_outbox_and_many_tasks_get_through():
    async def story(world):
        await world.mqtt.connect()
        tasks = [world.mqtt.publish("a", "%02d" % k + "x" * 30, 1) for k in range(40)]
        true(min(await asyncio.gather(*tasks)) > 0)
        eq(sorted(p[:2] for p in world.broker.payloads()), [b"%02d" % k for k in range(40)])

    World(tx_size=100).tell(story)


def test_what_can_never_be_sent_is_raised_at_once():
    async def story(world):
        eq(await error_of(world.mqtt.publish("a", "x")), (0, 0), "before connect()")
        await world.mqtt.connect()
        eq(await error_of(world.mqtt.publish("a/+", "x")), (BAD_TOPIC, 0))
        eq(await error_of(world.mqtt.publish("a", "x" * 2000)), (TOO_LARGE, 0))
        eq(await error_of(world.mqtt.subscribe("a#", 0, print)), (BAD_FILTER, 0))
        eq(await error_of(world.mqtt.unsubscribe("never")), (BAD_FILTER, 0))

    World().tell(story)


def test_subscribe_gives_the_grant_and_raises_a_refusal():
    async def story(world):
        world.broker.grants = {b"low": 0, b"no": 0x80}
        await world.mqtt.connect()
        eq(await world.mqtt.subscribe("yes", 2, print), 2)
        eq(await world.mqtt.subscribe("low", 2, print), 0)
        eq(await error_of(world.mqtt.subscribe("no", 2, print)), (REFUSED, 0x80))
        await world.mqtt.unsubscribe("yes")
        eq(len(world.broker.of(peer.UNSUBSCRIBE)), 1)

    World().tell(story)


def test_a_handler_is_called_and_an_inbox_is_iterated_in_order():
    async def story(world):
        called = []
        inbox = Inbox(4)
        world.client.subscribe(b"kept", 1, lambda msg: called.append(msg.payload()))
        await world.mqtt.connect()
        await world.mqtt.subscribe("box/#", 2, inbox)
        world.wire.send(peer.publish(b"kept", b"h", 1, 9))
        for k in range(3):
            world.wire.send(peer.publish(b"box/a", b"%d" % k, k, 7 + k, retain=1))
        got = []
        async for message in inbox:
            got.append((message.topic, message.payload, message.qos, message.retain))
            if len(got) == 3:
                break
        eq(got, [(b"box/a", b"%d" % k, k, 1) for k in range(3)])
        eq((called, inbox.count, inbox.dropped), ([b"h"], 0, 0))

    World().tell(story)


def test_a_full_inbox_gives_up_the_oldest_and_counts_it():
    async def story(world):
        inbox = Inbox(2)
        await world.mqtt.connect()
        await world.mqtt.subscribe("a", 1, inbox)
        for k in range(5):
            world.wire.send(peer.publish(b"a", b"%d" % k, 1, 1 + k))
        await world.until(lambda: world.client.received == 5, "five messages")
        eq((inbox.count, inbox.dropped), (2, 3))
        eq([(await inbox.get()).payload, inbox.take().payload, inbox.take()], [b"3", b"4", None])
        await world.until(lambda: len(world.broker.of(peer.PUBACK)) == 5, "all acknowledged")

    World().tell(story)


def test_a_cancelled_get_takes_no_message():
    async def story(world):
        inbox = Inbox(2)
        await world.mqtt.connect()
        await world.mqtt.subscribe("a", 0, inbox)
        getting = asyncio.create_task(inbox.get())
        await sleep(3)
        await cancel(getting)
        world.wire.send(peer.publish(b"a", b"here"))
        eq((await asyncio.wait_for(inbox.get(), 5)).payload, b"here")

    World().tell(story)


def test_a_cancelled_publish_is_delivered_all_the_same():
    async def story(world):
        await world.mqtt.connect()
        world.broker.mute = {peer.PUBLISH}
        waiting = asyncio.create_task(world.mqtt.publish("a", "x", 1))
        await world.until(lambda: world.broker.publishes(), "PUBLISH")
        await cancel(waiting)
        eq((world.mqtt._waits, world.client.queued), ({}, 1))
        world.wire.send(peer.puback(world.broker.of(peer.PUBLISH)[0].id))
        await world.until(lambda: not world.client.queued, "PUBACK taken")
        world.broker.mute = set()
        true(await world.mqtt.publish("a", "y", 1) > 0)
        eq(world.client.handler_errors, 0)

    World().tell(story)


def test_a_publish_cancelled_while_it_waits_for_room_is_never_queued():
    async def story(world):
        await world.mqtt.connect()
        world.broker.mute = {peer.PUBLISH}
        first = asyncio.create_task(world.mqtt.publish("a", "x" * 60, 1))
        second = asyncio.create_task(world.mqtt.publish("a", "y" * 60, 1))
        await world.until(lambda: world.broker.publishes(), "PUBLISH")
        await cancel(second)
        world.wire.send(peer.puback(world.broker.of(peer.PUBLISH)[0].id))
        await first
        await sleep(10)
        eq([p[:1] for p in world.broker.payloads()], [b"x"])

    World(tx_size=100).tell(story)


def test_a_cancelled_connect_goes_on_and_a_cancelled_subscribe_too():
    async def story(world):
        world.broker.mute = {peer.CONNECT, peer.SUBSCRIBE}
        connecting = asyncio.create_task(world.mqtt.connect())
        await world.until(lambda: world.broker.of(peer.CONNECT), "CONNECT")
        await cancel(connecting)
        world.wire.send(peer.connack())
        eq(await world.mqtt.connect(), 0)
        eq(len(world.broker.of(peer.CONNECT)), 1)
        inbox = Inbox()
        asking = asyncio.create_task(world.mqtt.subscribe("a", 0, inbox))
        await world.until(lambda: world.broker.of(peer.SUBSCRIBE), "SUBSCRIBE")
        await cancel(asking)
        world.wire.send(peer.suback(world.broker.of(peer.SUBSCRIBE)[0].id, 0))
        world.wire.send(peer.publish(b"a", b"x"))
        eq((await inbox.get()).payload, b"x")

    World().tell(story)


def test_a_connect_that_takes_too_long_can_be_given_up_with_wait_for():
    async def story(world):
        world.broker.mute = {peer.CONNECT}
        try:
            await asyncio.wait_for(world.mqtt.connect(), 0.02)
        except asyncio.TimeoutError:
            await world.mqtt.disconnect()
        eq(world.client.state, DOWN)
        world.broker.mute = set()
        eq(await world.mqtt.connect(), 0)

    World().tell(story)
    World(keep=False).tell(story)


def test_disconnect_ends_every_wait_and_what_was_queued_goes_out_later():
    async def story(world):
        await world.mqtt.connect()
        world.broker.mute = {peer.PUBLISH, peer.SUBSCRIBE}
        waiting = [
            asyncio.create_task(error_of(world.mqtt.publish("a", "x" * 40, 1))),
            asyncio.create_task(error_of(world.mqtt.publish("a", "y" * 60, 1))),
            asyncio.create_task(error_of(world.mqtt.subscribe("b", 1, print))),
        ]
        await world.until(lambda: world.broker.of(peer.SUBSCRIBE), "SUBSCRIBE")
        await world.mqtt.disconnect()
        eq(list(await asyncio.gather(*waiting)), [(0, 0)] * 3)
        eq(len(world.broker.of(peer.DISCONNECT)), 1)
        world.broker.mute = set()
        world.broker.present = 1
        await world.mqtt.connect()
        await world.until(lambda: not world.client.queued, "PUBACK")
        eq(world.broker.payloads(), [b"x" * 40, b"x" * 40])

    World(clean_session=False, tx_size=100).tell(story)


def test_a_bare_clients_lost_connection_ends_every_wait_with_its_reason():
    async def story(world):
        await world.mqtt.connect()
        world.broker.mute = {peer.PUBLISH}
        eq(await error_of(world.mqtt.publish("a", "x", 1)), (ACK_TIMEOUT, 0))
        eq(await error_of(world.mqtt.publish("a", "x", 1)), (ACK_TIMEOUT, 0), "and later ones")

    World(keep=False, ack_timeout_ms=30).tell(story)


def test_with_connects_and_disconnects_and_events_are_passed_on():
    async def story(world):
        events = []
        world.mqtt.on_event = lambda kind, a, b: events.append((kind, a, b))
        async with world.mqtt as mqtt:
            eq((mqtt is world.mqtt, world.client.state), (True, UP))
        eq(events, [(CONNECTED, 0, 0), (CLOSED, 0, 0)])

    World().tell(story)

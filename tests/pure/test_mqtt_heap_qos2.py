"""QoS 2, wildcards, pieces, giving up and resending allocate nothing (promise P1)."""

import peer
from check import eq, less, true
from mqtt import ACKED, DOWN, FAILED, UP
from rig import TIMES, Rig


def test_publishing_qos_2_and_its_whole_exchange_allocate_nothing():
    def work():
        rig.two.buf[rig.two.start] = 65
        rig.two.send(20)
        rig.client.publish(b"t/two", rig.payload, 8, 2)

    rig = Rig(work)
    rig.measure()
    less(400, rig.events[ACKED])
    less(400, len(rig.story.broker.of(peer.PUBREL)))
    less(400, len(rig.story.broker.delivered))


def test_receiving_qos_2_and_its_whole_exchange_allocate_nothing():
    def world():
        turn[0] = turn[0] % 60000 + 1
        rig.story.wire.send(peer.publish(b"cmd/relay/set", b"ON", 2, turn[0]))
        rig.story.wire.send(peer.publish(b"tree/x", b"y" * 30, 2, turn[0] + 1))
        turn[0] += 1

    turn = [0]
    rig = Rig()
    rig.measure(world)
    less(400, rig.handled)
    less(400, len(rig.story.broker.of(peer.PUBCOMP)))
    eq(rig.client.withheld, 0)


def test_duplicates_strays_and_a_full_table_allocate_nothing():
    def world():
        wire = rig.story.wire
        for ident in (1, 2, 3):
            wire.send(peer.publish(b"tree/x", b"z", 2, ident, dup=1))
        wire.send(peer.pubrel(60000) + peer.pubrec(60001))
        wire.send(peer.pubcomp(60002) + peer.puback(60003))

    rig = Rig(max_held=2)
    rig.story.broker.mute.add(peer.PUBREC)
    rig.measure(world)
    eq(rig.handled, 2)
    less(200, rig.client.withheld)
    less(400, len(rig.story.broker.of(peer.PUBREC)))
    less(400, rig.client.stray)


def test_wildcard_dispatch_to_several_handlers_allocates_nothing():
    def world():
        wire = rig.story.wire
        wire.send(peer.publish(b"cmd/relay/all", b"a"))
        wire.send(peer.publish(b"tree/a/b/c/d/e", b"b", 1, 1))
        wire.send(peer.publish(b"$SYS/load", b"c"))
        wire.send(peer.publish(b"caf\xc3\xa9/x", b"d"))

    rig = Rig(max_subscriptions=12)
    for flt in (b"#", b"+/+/+", b"tree/+/b/#", b"+/x", b"$SYS/#", b"$SYS/+"):
        true(rig.client.subscribe(flt, 1, rig.handler) > 0)
    rig.story.settle()
    rig.measure(world)
    less(9 * 200, rig.handled)
    eq(rig.client.unmatched, 0)


def test_a_large_message_taken_in_pieces_allocates_nothing():
    def world():
        wire = rig.story.wire
        turn[0] = turn[0] % 60000 + 1
        if wire.unread() < 4000:
            for qos in (0, 1, 2):
                wire.send(peer.publish(b"large", b"p" * 300, qos, turn[0]))
            wire.send(peer.publish(b"tree/" + b"t" * 100, b"", 1, turn[0]))  # the id is beyond

    turn = [0]
    rig = Rig(rx_size=64)
    rig.client.subscribe(b"large", 2, rig.handler, pieces=True)
    rig.story.settle()
    rig.measure(world)
    less(3 * 5 * 100, rig.handled)
    less(100, rig.client.oversize)
    less(100, len(rig.story.broker.of(peer.PUBCOMP)))
    eq(rig.bytes_in % (300 * 112), 0)


def test_giving_up_the_oldest_unsent_allocates_nothing():
    def work():
        rig.client.publish(b"t", rig.payload, None, 1)
        rig.one.send(17)
        rig.client.publish(b"t", rig.payload, 5, 0)

    rig = Rig(drop_oldest=True, tx_size=256, ack_timeout_ms=500000)
    rig.story.broker.mute.add(peer.PUBLISH)
    rig.one.send(10)
    rig.story.settle()  # in flight, so that what is unsent has to move up
    rig.story.wire.stuck = True
    rig.work = work
    rig.measure()
    less(500, rig.client.dropped)
    less(500, rig.events[FAILED])
    eq(rig.client.refused, 0)


def reconnecting(present):
    """A rig with messages that await PUBACK, PUBREC and PUBCOMP, and a function that breaks the
    link and brings the next connection up to its CONNACK, which the measured step will read."""
    rig = Rig(clean_session=False, ack_timeout_ms=500000, max_inflight=6, max_held=6)
    rig.story.broker.mute.update((peer.PUBLISH, peer.PUBREL))
    rig.story.broker.present = present

    def fill():
        while rig.client.queued < 6:
            rig.client.publish(b"t", rig.payload, None, 1 + rig.client.queued % 2)

    def world():
        story = rig.story
        fill()
        rig.client.step(story.now)
        story.broker.serve()
        for packet in story.broker.seen:
            if packet.kind == peer.PUBLISH and packet.qos == 2 and packet.id % 4 < 2:
                story.wire.send(peer.pubrec(packet.id))
        story.broker.seen.clear()
        rig.client.step(story.now)
        story.wire.reset()
        rig.client.step(story.now)
        eq(rig.client.state, DOWN)
        rig.client.connect()
        rig.client.step(story.now)
        story.broker.serve()

    return rig, world


def test_resending_to_a_kept_session_allocates_nothing_once_the_connection_is_open():
    rig, world = reconnecting(present=1)
    rig.measure(world, breaks=True)
    client = rig.client
    less(2 * TIMES, client.connects)
    less(3 * 2 * TIMES, client.resent)
    eq((client.failed, client.state), (0, UP))


def test_starting_anew_without_a_session_allocates_nothing_once_the_connection_is_open():
    rig, world = reconnecting(present=0)
    rig.measure(world, breaks=True)
    client = rig.client
    less(2 * TIMES, client.connects)
    less(100, client.uncertain)
    less(100, client.resent)
    eq((client.failed, rig.events[FAILED]), (client.uncertain, client.uncertain))

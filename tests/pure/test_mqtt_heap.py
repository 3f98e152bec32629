"""The client allocates nothing between connections (promise P1), on 64 and on 32 bits.

The broker's turn is not measured; the Wire beneath the client allocates nothing itself.
"""

import peer
from check import eq, less, true
from mqtt import ACKED, FULL
from rig import TIMES, Rig


def test_publishing_qos_0_allocates_nothing():
    rig = Rig(lambda: rig.client.publish(b"t/zero", rig.payload))
    rig.measure()
    less(200, len(rig.story.broker.payloads()))
    less(200, rig.events[ACKED])


def test_publishing_qos_1_and_its_ack_allocate_nothing():
    rig = Rig(lambda: rig.client.publish(b"t/one", rig.payload, 8, 1, True))
    rig.measure()
    less(200, len(rig.story.broker.payloads()))
    less(200, rig.events[ACKED])
    eq(set(rig.story.broker.payloads()), {b"payload:"})


def test_prepared_publications_allocate_nothing():
    def work():
        rig.zero.buf[rig.zero.start] = 65
        rig.zero.send(1)
        rig.one.buf[rig.one.start] = 66
        rig.one.send(40)

    rig = Rig(work)
    rig.measure()
    less(400, len(rig.story.broker.payloads()))


def test_ids_that_wrap_allocate_nothing():
    rig = Rig(lambda: rig.one.send(4))
    rig.client.next_id = rig.client.ids_end = 65535 - TIMES
    rig.measure()
    ids = [packet.id for packet in rig.story.broker.of(peer.PUBLISH)]
    true(1 in ids and 65535 in ids)


def test_handles_that_wrap_allocate_nothing():
    def work():
        highest[0] = max(highest[0], rig.client.publish(b"t/zero", rig.payload))
        highest[0] = max(highest[0], rig.zero.send(1))

    highest = [0]
    rig = Rig(work)
    rig.client.outbox.last = (1 << 30) - 1 - TIMES
    rig.measure()
    eq(highest[0], (1 << 30) - 1)
    less(rig.client.outbox.last, 10 * TIMES)


def test_receiving_dispatching_and_acknowledging_allocate_nothing():
    def world():
        story = rig.story
        turn[0] = turn[0] % 60000 + 1
        story.wire.send(peer.publish(b"cmd/relay/set", b"ON", 1, turn[0]))
        story.wire.send(peer.publish(b"cmd/any/all", b"OFF"))
        story.wire.send(peer.publish(b"tree/a/b/c", b"x" * 60, 1, turn[0]))
        story.wire.send(peer.publish(b"never/asked", b"x", 1, turn[0]))

    turn = [0]
    rig = Rig()
    rig.measure(world)
    less(3 * 200, rig.handled)
    less(200, rig.client.unmatched)
    less(3 * 200, len(rig.story.broker.of(peer.PUBACK)))


def test_packets_in_pieces_both_ways_allocate_nothing():
    def world():
        turn[0] += 1
        rig.story.wire.block_reads = turn[0] & 1
        rig.story.wire.block_writes = turn[0] >> 1 & 1
        if rig.story.wire.unread() < 1000:
            rig.story.wire.send(peer.publish(b"tree/piece", b"y" * 150, 1, 9))

    turn = [0]
    rig = Rig(lambda: rig.client.publish(b"t", rig.payload, None, 1))
    rig.story.wire.read_limit = 17
    rig.story.wire.write_limit = 11
    rig.measure(world)
    less(100, rig.handled)
    less(20, len(rig.story.broker.payloads()))


def test_an_oversize_packet_read_past_allocates_nothing():
    def world():
        rig.story.wire.send(peer.publish(b"tree/large", b"z" * 300, 1, 9))

    rig = Rig(rx_size=64)
    rig.measure(world)
    less(200, rig.client.oversize)


def test_a_full_outbox_refusing_and_replacing_allocate_nothing():
    def work():
        codes[0] = rig.one.send(30)
        codes[1] = rig.newest.send(30)
        codes[2] = rig.client.publish(b"t", rig.payload, None, 1)
        codes[3] = rig.client.publish(b"bad/#", rig.payload)

    codes = [0, 0, 0, 0]
    rig = Rig(ack_timeout_ms=500000)
    rig.story.broker.mute.add(peer.PUBLISH)
    rig.work = work
    rig.story.wire.stuck = True
    rig.newest.send(30)
    while rig.client.publish(b"t", rig.payload, None, 1) > 0:
        pass
    rig.measure()
    eq((codes[0], codes[2], codes[3]), (FULL, FULL, -1))
    less(0, codes[1])
    less(200, rig.client.replaced)
    less(600, rig.client.refused)


def test_pinging_allocates_nothing():
    rig = Rig(each_ms=900, keepalive=1, ack_timeout_ms=5000)
    rig.measure()
    less(100, len(rig.story.broker.of(peer.PINGREQ)))
    less(100, rig.client.pings)


def test_a_handler_that_publishes_allocates_nothing():
    def answer(msg):
        rig.one.send(2)

    def world():
        rig.story.wire.send(peer.publish(b"ask", b"?", 1, 5))

    rig = Rig()
    rig.client.subscribe(b"ask", 1, answer)
    rig.story.settle()
    rig.measure(world)
    less(200, len(rig.story.broker.payloads()))


def test_the_deadline_allocates_nothing():
    times = [0]

    def work():
        times[0] = rig.client.deadline()
        rig.one.send(1)

    rig = Rig(work)
    rig.measure()
    less(0, times[0])

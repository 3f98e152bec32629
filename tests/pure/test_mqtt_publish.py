"""Publishing with QoS 0 and 1: the happy way, limits, ids."""

from array import array

import peer
from check import eq, true
from exchange import ids, unacknowledged
from mqtt import (
    ACKED,
    BAD_PAYLOAD,
    BAD_QOS,
    BAD_TOPIC,
    CLOSED,
    DOWN,
    FULL,
    TOO_LARGE,
    UP,
    VIOLATION,
)
from story import Story


def test_a_qos_0_publish_arrives_once_and_is_acked_when_it_is_written():
    # MQTT-4.3.1-1, 2.3.1-5, 3.3.1-2
    story = Story().connect()
    handle = story.client.publish(b"a/b", b"hello")
    true(handle > 0)
    story.settle()
    packet = story.broker.of(peer.PUBLISH)[0]
    eq((packet.topic, packet.payload, packet.qos, packet.retain), (b"a/b", b"hello", 0, 0))
    eq(story.of(ACKED), [(handle, 0)])
    eq((story.client.sent, story.client.acked), (1, 1))


def test_a_qos_1_publish_is_acked_by_its_puback():
    # MQTT-2.3.1-1, 4.3.2-1, 3.3.2-1
    story = unacknowledged()
    handle = story.client.publish(b"a/b", b"hello", qos=1, retain=True)
    story.settle()
    packet = story.broker.of(peer.PUBLISH)[0]
    eq((packet.qos, packet.dup, packet.retain), (1, 0, 1))
    eq((story.of(ACKED), story.client.inflight), ([], 1))
    story.wire.send(peer.puback(packet.id))
    story.settle()
    eq(story.of(ACKED), [(handle, 1)])
    eq((story.client.inflight, story.client.acked, story.client.queued), (0, 1, 0))


def test_payloads_may_be_empty_parts_of_a_buffer_and_of_any_bytes_kind():
    story = Story().connect()
    buf = bytearray(b"12345")
    story.client.publish(b"t", b"")
    story.client.publish(b"t", buf, 3)
    story.client.publish(b"t", memoryview(b"view"))
    story.client.publish(b"t", b"all", qos=1)
    buf[0] = 0  # copied when it was accepted
    story.settle()
    eq(story.broker.payloads(), [b"", b"123", b"view", b"all"])


def test_a_packet_of_each_length_of_the_remaining_length_arrives_whole():
    for size in (1, 123, 124, 125, 126, 127, 128, 200, 4000):
        story = Story(tx_size=5000).connect()
        payload = bytes(range(256)) * 20
        story.client.publish(b"abc", payload[:size], qos=1)
        story.settle()
        eq(story.broker.payloads(), [payload[:size]], "size %d" % size)


def test_a_three_byte_remaining_length_arrives_whole():
    story = Story(tx_size=17000).connect()
    story.wire._out = bytearray(20000)
    story.wire.write_limit = 20000
    true(story.client.publish(b"abc", b"x" * 16400) > 0)
    story.settle()
    eq([len(payload) for payload in story.broker.payloads()], [16400])


def test_what_can_never_work_is_refused_with_its_code():
    # MQTT-3.3.2-2, 4.7.1-1, 4.7.3-1, 4.7.3-2, 4.7.3-3, 3.3.1-4, 1.5.3-1
    client = Story().connect().client
    for topic in (b"", b"a/+", b"#", b"a\x00", b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"\xe2\x82"):
        eq(client.publish(topic, b"x"), BAD_TOPIC, "%r" % topic)
    eq(client.publish(b"a" * 65536, b""), BAD_TOPIC)
    eq(client.publish(b"a" * 65535, b""), TOO_LARGE)
    eq(client.publish(b"t", b"x", qos=3), BAD_QOS)
    eq(client.publish(b"t", b"x", qos=-1), BAD_QOS)
    eq(client.publish(b"t", 5), BAD_PAYLOAD)
    eq(client.publish(b"t", b"x", 2), BAD_PAYLOAD)
    eq(client.publish(b"t", b"x", -1), BAD_PAYLOAD)
    eq(client.publish(b"t", b"x" * 2000), TOO_LARGE)
    eq(client.refused, 16)
    eq(client.state, UP)


def test_unusual_topics_go_out_byte_for_byte():
    # MQTT-4.7.3-4, 1.5.3-3: no normalization, U+FEFF stays
    story = Story().connect()
    topics = [b"/", b"//", b"a b", b"\xef\xbb\xbfx", b"A\xcc\x8a", b"\xf0\x9f\x98\x80", b"$x/y"]
    for topic in topics:
        true(story.client.publish(topic, b"") > 0, "%r" % topic)
        story.settle()
    eq([packet.topic for packet in story.broker.of(peer.PUBLISH)], topics)


def test_publishing_while_down_queues_until_the_connection_is_up():
    story = Story()
    handles = [story.client.publish(b"t", b"%d" % k, qos=1) for k in range(3)]
    eq(story.client.queued, 3)
    story.settle()
    eq((story.wire.opens, story.client.state), (0, DOWN))
    story.connect()
    eq(story.broker.publishes(), [(b"t", b"%d" % k, 1, 0) for k in range(3)])
    eq([handle for handle, _ in story.of(ACKED)], handles)


def test_a_full_outbox_says_full_and_takes_again_after_an_ack():
    story = unacknowledged(tx_size=200)
    accepted = 0
    while story.client.publish(b"topic", b"x" * 20, qos=1) > 0:
        accepted += 1
    true(accepted >= 3)
    eq(story.client.publish(b"topic", b"x" * 20, qos=1), FULL)
    eq(story.client.refused, 2)
    story.settle()
    story.wire.send(peer.puback(ids(story)[0]))
    story.settle()
    true(story.client.publish(b"topic", b"x" * 20, qos=1) > 0)


def test_no_more_than_max_inflight_wait_for_their_ack_and_order_is_kept():
    story = unacknowledged(max_inflight=2, tx_size=2000)
    for k in range(5):
        true(story.client.publish(b"t", b"%d" % k, qos=1) > 0)
    story.settle()
    eq(story.broker.payloads(), [b"0", b"1"])
    eq(story.client.inflight, 2)
    for k in range(5):
        story.wire.send(peer.puback(ids(story)[k]))
        story.settle()
    eq(story.broker.payloads(), [b"0", b"1", b"2", b"3", b"4"])


def test_ids_wrap_past_65535_to_1_and_are_never_0():
    # MQTT-2.3.1-1
    story = Story().connect()
    story.client.next_id = story.client.ids_end = 65534
    for k in range(4):
        story.client.publish(b"t", b"%d" % k, qos=1)
        story.settle()
    eq(ids(story), [65534, 65535, 1, 2])


def test_an_id_in_use_is_never_given_again():
    # MQTT-2.3.1-2: one space for PUBLISH, SUBSCRIBE and UNSUBSCRIBE
    story = unacknowledged(ack_timeout_ms=100000, keepalive=0, max_inflight=8)
    story.broker.mute.add(peer.SUBSCRIBE)
    story.client.next_id = story.client.ids_end = 10
    story.client.publish(b"t", b"0", qos=1)
    story.settle()
    story.client.subscribe(b"f", 1, lambda msg: None)
    story.settle()
    eq(story.broker.of(peer.SUBSCRIBE)[0].id, 11)
    story.client.next_id = story.client.ids_end = 10
    story.client.publish(b"t", b"1", qos=1)
    story.settle()
    eq(ids(story), [10, 12])


def test_the_brokers_own_ids_are_not_confused_with_ours():
    # MQTT-2.3.1-4, 2.3.1-6
    story = unacknowledged()
    story.client.next_id = story.client.ids_end = 5
    story.client.publish(b"t", b"x", qos=1)
    story.settle()
    story.deliver(b"t", b"theirs", 1, 5)
    eq([packet.id for packet in story.broker.of(peer.PUBACK)], [5])
    eq((story.of(ACKED), story.client.inflight), ([], 1))
    story.wire.send(peer.puback(5))
    story.settle()
    eq(len(story.of(ACKED)), 1)


def test_an_ack_for_nothing_does_no_harm():
    story = unacknowledged()
    handle = story.client.publish(b"t", b"x", qos=1)
    story.settle()
    mine = ids(story)[0]
    story.wire.send(peer.puback(mine % 65535 + 1))
    story.settle()
    eq(story.of(ACKED), [])
    if story.client.state == DOWN:
        eq(story.last(), (CLOSED, VIOLATION, 0))
        return
    story.wire.send(peer.puback(mine) + peer.puback(mine))
    story.settle()
    eq(story.of(ACKED), [(handle, 1)])


def test_single_byte_writes_with_pauses_make_the_same_packets():
    story = Story(clean_session=False)
    story.wire.write_limit = 1
    story.connect()
    for k in range(4):
        story.client.publish(b"topic/%d" % k, b"payload %d" % k, qos=k & 1)
        story.wire.block_writes = k
        story.settle()
    eq(story.broker.payloads(), [b"payload %d" % k for k in range(4)])


def test_handles_are_positive_and_differ_while_in_use():
    story = Story()
    handles = [story.client.publish(b"t", b"", qos=k & 1) for k in range(6)]
    true(min(handles) > 0)
    eq(len(set(handles)), 6)


def test_values_of_a_wrong_type_are_refused_and_change_nothing():
    story = Story().connect()
    client = story.client
    wide = memoryview(array("H", [1, 2, 3]))
    publication = client.prepare(b"a", 4)
    if hasattr(wide, "itemsize"):  # MicroPython cannot tell: see docs/mqtt.md
        eq(client.publish(b"a", wide), BAD_PAYLOAD)
    eq(client.publish(b"a", b"x", qos=1.0), BAD_QOS)
    eq(publication.send(1.0), TOO_LARGE)
    eq(client.queued, 0)
    before = len(client.outbox.buf)
    true(client.publish(b"a", memoryview(b"fits")) > 0)
    eq((len(client.outbox.buf), before), (before, before))

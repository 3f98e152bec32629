"""Receiving PUBLISH: handlers, acknowledgement, what may not come, what is too large."""

import peer
from check import eq, true
from mqtt import BUSY, CLOSED, MALFORMED, SUBACK, UP, VIOLATION
from story import Inbox, Story


def listening(topic_filter=b"a/#", inbox=None, **options):
    """A connected story whose client holds one subscription; (story, inbox)."""
    story = Story(**options)
    inbox = inbox or Inbox()
    story.client.subscribe(topic_filter, 1, inbox.handler)
    story.connect()
    return story, inbox


def acks(story):
    return [packet.id for packet in story.broker.of(peer.PUBACK)]


def test_a_message_reaches_its_handler_with_all_its_fields():
    # MQTT-3.3.4-1: nothing for QoS 0, PUBACK for QoS 1; 2.3.1-6
    story, inbox = listening()
    story.deliver(b"a/b", b"zero", retain=1)
    story.deliver(b"a/c", b"one", 1, 777, dup=1)
    eq(inbox.got, [(b"a/b", b"zero", 0, 1, 0), (b"a/c", b"one", 1, 0, 1)])
    eq(acks(story), [777])
    eq((story.client.received, story.client.unmatched), (2, 0))


def test_positions_and_copies_of_a_message_agree():
    spans = []

    def look(msg):
        spans.append(bytes(msg.buf[msg.topic_start : msg.topic_end]) == msg.topic())
        spans.append(bytes(msg.buf[msg.payload_start : msg.payload_end]) == msg.payload())

    story, inbox = listening(inbox=Inbox(look))
    story.deliver(b"a/b", b"payload", 1, 9)
    story.deliver(b"a", b"")
    eq(spans, [True] * 4)
    eq(inbox.payloads(), [b"payload", b""])


def test_filters_take_what_the_standard_says_they_take():
    # section 4.7
    cases = (
        (b"a/b", b"a/b", True),
        (b"a/b", b"a/bc", False),
        (b"a/b", b"A/b", False),
        (b"a/+", b"a/b", True),
        (b"a/+", b"a/", True),
        (b"a/+", b"a", False),
        (b"a/+", b"a/b/c", False),
        (b"+/+", b"/b", True),
        (b"a/+/c", b"a/x/c", True),
        (b"a/#", b"a", True),
        (b"a/#", b"a/b/c", True),
        (b"a/#", b"ab", False),
        (b"#", b"a/b", True),
        (b"#", b"$SYS/x", False),
        (b"+/x", b"$SYS/x", False),
        (b"$SYS/#", b"$SYS/x", True),
        (b"/", b"/", True),
        (b"a//b", b"a//b", True),
    )
    for topic_filter, topic, takes in cases:
        story, inbox = listening(topic_filter)
        story.deliver(topic, b"x")
        eq(inbox.payloads(), [b"x"] if takes else [], "%r %r" % (topic_filter, topic))
        eq(story.client.unmatched, 0 if takes else 1)


def test_a_topic_never_subscribed_to_is_dropped_counted_and_acknowledged():
    # MQTT-4.5.0-2; brokers exist that push other clients' retained messages
    story, inbox = listening()
    story.deliver(b"other/relay/set", b"ON", 0, retain=1)
    story.deliver(b"other", b"x", 1, 4)
    eq((inbox.got, story.client.unmatched, story.client.received), ([], 2, 0))
    eq((acks(story), story.client.state), ([4], UP))


def test_the_same_id_after_its_ack_is_a_new_message_with_or_without_dup():
    # MQTT-4.3.2-2; brokers exist that redeliver with DUP 0
    story, inbox = listening()
    story.deliver(b"a", b"1", 1, 8)
    story.deliver(b"a", b"2", 1, 8)
    story.deliver(b"a", b"2", 1, 8, dup=1)
    eq(inbox.payloads(), [b"1", b"2", b"2"])
    eq(acks(story), [8, 8, 8])


def test_acks_keep_the_order_of_the_messages():
    # MQTT-4.6.0-2
    story, inbox = listening()
    for ident in (5, 3, 900, 4):
        story.wire.send(peer.publish(b"a", b"%d" % ident, 1, ident))
    story.settle()
    eq(acks(story), [5, 3, 900, 4])
    eq(inbox.payloads(), [b"5", b"3", b"900", b"4"])


def test_a_full_outbox_does_not_hold_back_acks():
    story, inbox = listening(tx_size=128)
    story.broker.mute.add(peer.PUBLISH)
    while story.client.publish(b"t", b"x" * 20, qos=1) > 0:
        pass
    story.settle()
    for ident in range(1, 60):
        story.deliver(b"a", b"", 1, ident)
    eq(acks(story), list(range(1, 60)))


def test_a_burst_larger_than_the_room_for_acks_is_taken_without_loss():
    story, inbox = listening()
    story.wire.block_writes = 60
    for ident in range(1, 101):
        story.wire.send(peer.publish(b"a", b"%d" % ident, 1, ident))
    story.settle()
    eq(acks(story), list(range(1, 101)))
    eq(len(inbox.got), 100)


def test_a_handler_that_raises_is_counted_and_the_message_acknowledged():
    def fail(msg):
        raise RuntimeError("on purpose")

    story, inbox = listening(inbox=Inbox(fail))
    story.deliver(b"a", b"1", 1, 1)
    story.deliver(b"a", b"2", 0)
    eq((story.client.handler_errors, acks(story), story.client.state), (2, [1], UP))


def test_an_on_event_that_raises_does_not_stop_the_client():
    story = Story()

    def fail(kind, a, b):
        raise RuntimeError("on purpose")

    story.client.on_event = fail
    story.connect()
    story.client.publish(b"t", b"x", qos=1)
    story.settle()
    eq((story.client.state, story.client.acked), (UP, 1))
    true(story.client.handler_errors >= 2)


def test_a_handler_may_publish_and_the_message_goes_out_after_it():
    story, inbox = listening(inbox=Inbox(lambda msg: answer.append(publish(msg))))
    answer = []

    def publish(msg):
        return story.client.publish(b"answer", msg.payload(), qos=1)

    story.deliver(b"a/set", b"ON", 1, 3)
    true(answer[0] > 0)
    eq(story.broker.publishes(), [(b"answer", b"ON", 1, 0)])
    eq(acks(story), [3])


def test_a_handler_may_subscribe_and_unsubscribe():
    other = Inbox()
    ids = []

    def change(msg):
        ids.append(story.client.subscribe(b"b", 1, other.handler))
        ids.append(story.client.unsubscribe(b"a/#"))

    story, inbox = listening(inbox=Inbox(change))
    story.deliver(b"a", b"go")
    true(min(ids) > 0)
    story.deliver(b"b", b"other")
    story.deliver(b"a", b"gone")
    eq((other.payloads(), inbox.payloads()), ([b"other"], [b"go"]))
    eq(story.client.handler_errors, 0)


def test_step_and_connect_inside_a_handler_say_busy_and_do_nothing():
    said = []

    def recurse(msg):
        said.append(story.client.step(story.now))
        said.append(story.client.connect())

    story, inbox = listening(inbox=Inbox(recurse))
    story.deliver(b"a", b"1", 1, 1)
    eq(said, [BUSY, BUSY])
    eq((story.client.state, story.wire.opens, acks(story)), (UP, 1, [1]))


def test_qos_1_is_acknowledged_after_its_handler_has_returned():
    acked_inside = []
    inbox = Inbox(lambda msg: acked_inside.append(b"\x40\x02" in story.wire.written()))
    story, inbox = listening(inbox=inbox)
    story.deliver(b"a", b"1", 1, 1)
    eq((acked_inside, acks(story)), ([False], [1]))


def test_a_handler_may_disconnect():
    story, inbox = listening(inbox=Inbox(lambda msg: story.client.disconnect()))
    story.deliver(b"a", b"last", 1, 6)
    story.settle()
    eq(story.last(), (CLOSED, 0, 0))
    eq(story.broker.seen[-1].kind, peer.DISCONNECT)


def test_a_packet_larger_than_the_buffer_is_read_past_counted_and_acknowledged():
    # MQTT-4.5.0-2
    for size in (130, 600, 5000):
        story, inbox = listening(rx_size=64)
        for limit in (10000, 7, 1):
            story.wire.read_limit = limit
            story.deliver(b"a/b", b"x" * size, 1, 21)
            story.deliver(b"a/b", b"y" * size, 0)
            story.deliver(b"a/b", b"next", 1, 22)
        eq(inbox.payloads(), [b"next"] * 3, "size %d" % size)
        eq((story.client.oversize, story.client.state), (6, UP))
        eq(acks(story), [21, 22] * 3)


def test_an_oversize_packet_may_be_all_topic():
    story, inbox = listening(rx_size=64)
    story.deliver(b"a/" + b"t" * 300, b"", 1, 30)
    story.deliver(b"a", b"next")
    eq((story.client.oversize, inbox.payloads(), acks(story)), (1, [b"next"], [30]))


def test_a_message_that_just_fits_is_delivered():
    story, inbox = listening(rx_size=64)
    story.deliver(b"a", b"x" * (64 - 3))
    story.deliver(b"a", b"x" * (64 - 5), 1, 1)
    eq([len(payload) for payload in inbox.payloads()], [61, 59])
    story.deliver(b"a", b"x" * (64 - 2))
    eq(story.client.oversize, 1)


def closes_on(data, *reasons):
    for limit in (10000, 1):
        story, inbox = listening()
        story.wire.read_limit = limit
        story.wire.send(data)
        story.settle()
        kind, reason, detail = story.last()
        true(kind == CLOSED and reason in reasons, "%r: %r" % (data, story.last()))
        eq((inbox.got, story.client.malformed, story.wire.is_open), ([], 1, False))
        story.connect()  # and the next connection is whole


def test_what_may_not_come_closes_the_connection():
    # MQTT-4.8.0-1, 2.2.2-2, 3.3.1-4, 3.6.1-1
    good = peer.publish(b"a", b"x", 1, 1)
    closes_on(b"\x36" + good[1:], MALFORMED, VIOLATION)  # QoS 3
    closes_on(peer.publish(b"a", b"x", 1, 0), MALFORMED, VIOLATION)  # MQTT-2.3.1-1
    closes_on(peer.publish(b"", b"x"), MALFORMED, VIOLATION)  # MQTT-4.7.3-1
    closes_on(peer.publish(b"a/+", b"x"), MALFORMED, VIOLATION)  # MQTT-3.3.2-2
    closes_on(peer.publish(b"a/#", b"x"), MALFORMED, VIOLATION)
    closes_on(peer.publish(b"a\x00", b"x"), MALFORMED, VIOLATION)  # MQTT-1.5.3-2
    closes_on(peer.publish(b"a/\xff", b"x"), MALFORMED, VIOLATION)  # MQTT-1.5.3-1
    closes_on(peer.publish(b"a/\xed\xa0\x80", b"x"), MALFORMED, VIOLATION)
    closes_on(peer.publish(b"a/\xc0\x80", b"x"), MALFORMED, VIOLATION)
    closes_on(b"\x30\x01\x00", MALFORMED)
    closes_on(b"\x30\x02\x00\x05", MALFORMED)  # topic longer than the packet
    closes_on(b"\x32\x04\x00\x01a\x00", MALFORMED)  # no room for the id
    closes_on(b"\x30\x00", MALFORMED)
    closes_on(b"\x30\xff\xff\xff\xff\x01", MALFORMED)  # a fifth byte of length
    closes_on(b"\x30\x80\x80\x80\x80\x00", MALFORMED)
    for first in (0x00, 0x10, 0x82, 0xA2, 0xC0, 0xE0, 0xF0):  # a client's packets, reserved types
        closes_on(bytes((first, 2, 0, 1)), MALFORMED, VIOLATION)
    for first in (0x41, 0x52, 0x60, 0x72, 0x92, 0xB1, 0xD1):  # wrong flags
        closes_on(bytes((first, 2, 0, 1)), MALFORMED, VIOLATION)


def test_acks_of_the_wrong_length_close_the_connection():
    for data in (
        b"\x40\x00",
        b"\x40\x01\x01",
        b"\x40\x03\x00\x01\x00",
        b"\xb0\x00",
        b"\xb0\x03\x00\x01\x00",
        b"\xd0\x01\x00",
        b"\x90\x02\x00\x01",  # SUBACK without a code
        b"\x90\x00",
    ):
        closes_on(data, MALFORMED, VIOLATION)


def test_a_byte_order_mark_in_a_topic_is_kept():
    # MQTT-1.5.3-3
    story, inbox = listening(b"#")
    story.deliver(b"\xef\xbb\xbfa", b"x")
    eq(inbox.got[0][0], b"\xef\xbb\xbfa")


def test_single_byte_reads_with_pauses_make_the_same_messages():
    story, inbox = listening()
    story.wire.read_limit = 1
    for k in range(5):
        story.wire.block_reads = k
        story.deliver(b"a/%d" % k, b"payload %d" % k, k & 1, k + 1)
    eq(inbox.payloads(), [b"payload %d" % k for k in range(5)])
    eq(story.wire.over_ask, False)


def test_two_copies_of_one_message_are_both_delivered_to_the_handlers_that_match():
    # brokers may send one copy per overlapping filter, or one for all: section 3.3.5
    story = Story()
    first, second = Inbox(), Inbox()
    story.client.subscribe(b"a/#", 1, first.handler)
    story.client.subscribe(b"+/b", 1, second.handler)
    story.connect()
    eq(len(story.of(SUBACK)), 2)
    story.deliver(b"a/b", b"x", 1, 1)
    story.deliver(b"a/b", b"x", 1, 2)
    eq(len(first.got) >= 1 and acks(story) == [1, 2], True)
    eq(story.client.unmatched, 0)

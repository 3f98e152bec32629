"""Messages larger than the receive buffer that nobody takes in pieces: read past, acknowledged."""

import peer
from check import eq
from exchange import pattern
from mqtt import CLOSED, DOWN, MALFORMED, UP
from story import Inbox, Story

RX = 64
ACK = {1: peer.PUBACK, 2: peer.PUBREC}


def acks(story, qos):
    return story.broker.ids(ACK[qos]) if qos else []


def plain(**options):
    """A connected story in a kept session whose handler takes no pieces; (story, inbox)."""
    story = Story(rx_size=RX, clean_session=False, **options)
    inbox = Inbox()
    story.client.subscribe(b"a/#", 2, inbox.handler)
    story.broker.mute.add(peer.PUBREC)
    return story.connect(), inbox


def test_what_is_too_large_is_read_past_counted_and_acknowledged_at_every_qos():
    # MQTT-4.5.0-2
    for topic in (b"a/b", b"a/" + b"t" * 59, b"a/" + b"t" * 60, b"a/" + b"t" * 61, b"a" * 400):
        for qos in (0, 1, 2):
            for limit in (10000, 7, 1):
                story, inbox = plain()
                story.wire.read_limit = limit
                story.deliver(topic, pattern(100), qos, 0x1234)
                story.deliver(b"a/b", b"next", 1, 2)
                what = "topic of %d, QoS %d, chunks of %d" % (len(topic), qos, limit)
                eq((story.client.oversize, story.client.received), (1, 1), what)
                eq(inbox.payloads(), [b"next"], what)
                if qos == 2:
                    eq(story.broker.ids(peer.PUBREC), [0x1234], what)
                eq(story.broker.ids(peer.PUBACK), [0x1234, 2] if qos == 1 else [2], what)


def test_an_id_of_zero_beyond_the_buffer_closes():
    # MQTT-2.3.1-1
    for qos in (1, 2):
        story, _ = plain()
        story.deliver(b"a/" + b"t" * 100, b"", qos, 0)
        eq(story.last(), (CLOSED, MALFORMED, 0))


def test_one_poison_message_cannot_loop_in_a_kept_session():
    # the broker sends again on each connection whatever was not acknowledged; keepalive may run out
    for topic in (b"a/b", b"a/" + b"t" * 300):
        for qos in (1, 2):
            story, inbox = plain()
            poison = peer.publish(topic, pattern(500), qos, 9)
            rounds = 0
            while not acks(story, qos) and rounds < 5:
                rounds += 1
                story.wire.send(poison)
                story.settle()
                if story.client.state == DOWN:
                    story.broker.present = 1
                    story.connect()
            eq((rounds, story.client.closes, acks(story, qos)), (1, 0, [9]))
            if qos == 2:
                story.deliver(topic, pattern(500), 2, 9, dup=1)
                story.wire.send(peer.pubrel(9))
                story.settle()
                eq(story.broker.ids(peer.PUBCOMP), [9])


def test_the_largest_length_that_can_be_announced_is_read_past_and_ends_at_the_links_end():
    story, inbox = plain()
    story.wire.send(peer.head(0x32, 268435455) + b"\x00\x03a/b\x00\x01")
    for _ in range(20):
        story.wire.send(b"x" * 10000)
        story.settle()
    eq((story.client.state, inbox.got, story.client.oversize), (UP, [], 0))
    story.reconnect(present=1)
    story.deliver(b"a/b", b"next", 1, 2)
    eq((inbox.payloads(), story.broker.ids(peer.PUBACK)), ([b"next"], [2]))

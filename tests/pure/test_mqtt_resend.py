"""QoS 1 over the end of a connection: what is sent again, how, and when an ack is overdue."""

import peer
from check import eq, true
from exchange import ids, unacknowledged
from mqtt import (
    ACK_TIMEOUT,
    ACKED,
    CLOSED,
    DOWN,
    UP,
)
from story import Story


def test_a_kept_session_gets_the_same_ids_with_dup_in_the_old_order_first():
    # MQTT-3.3.1-1, 4.4.0-1, 4.6.0-1, 2.3.1-3, 3.1.2-4, 4.1.0-1
    story = unacknowledged(clean_session=False)
    handles = [story.client.publish(b"t", b"%d" % k, qos=1) for k in range(3)]
    story.settle()
    old = ids(story)
    story.wire.reset()
    story.settle()
    handles.append(story.client.publish(b"t", b"3", qos=1))
    story.broker.seen.clear()
    story.broker.mute.clear()
    story.broker.present = 1
    story.connect()
    seen = [(p.payload, p.dup) for p in story.broker.of(peer.PUBLISH)]
    eq(seen, [(b"0", 1), (b"1", 1), (b"2", 1), (b"3", 0)])
    eq(ids(story)[:3], old)
    eq([handle for handle, _ in story.of(ACKED)], handles)
    eq((story.client.resent, story.client.sent), (3, 4))


def test_without_a_session_they_go_out_as_new_messages_with_fresh_ids_in_order():
    # MQTT-3.1.2-6: nothing of the old session is used again
    for clean in (False, True):
        story = unacknowledged(clean_session=clean)
        handles = [story.client.publish(b"t", b"%d" % k, qos=1) for k in range(3)]
        story.settle()
        old = ids(story)
        story.broker.seen.clear()
        story.broker.mute.clear()
        story.reconnect(present=0)
        eq(story.broker.publishes(), [(b"t", b"%d" % k, 1, 0) for k in range(3)])
        true(not set(old) & set(ids(story)), "%r again in %r" % (old, ids(story)))
        eq([handle for handle, _ in story.of(ACKED)], handles)


def test_a_clean_session_is_new_whatever_the_broker_says_of_an_old_one():
    # MQTT-3.1.2-6; a broker that says session present 1 here is wrong
    story = unacknowledged(clean_session=True)
    inbox = []
    story.client.subscribe(b"f", 1, inbox.append)
    story.client.publish(b"t", b"x", qos=1)
    story.settle()
    old = ids(story)
    story.forget()
    story.reconnect(present=1)
    eq(story.broker.publishes(), [(b"t", b"x", 1, 0)])
    true(ids(story) != old)
    eq(len(story.broker.of(peer.SUBSCRIBE)), 1)


def test_the_ack_of_an_earlier_message_is_kept_over_a_reconnect():
    story = unacknowledged(clean_session=False)
    for k in range(3):
        story.client.publish(b"t", b"%d" % k, qos=1)
    story.settle()
    story.wire.send(peer.puback(ids(story)[1]))
    story.settle()
    story.broker.seen.clear()
    story.reconnect(present=1)
    eq(story.broker.publishes(), [(b"t", b"0", 1, 1), (b"t", b"2", 1, 1)])


def test_every_further_reconnect_resends_again_and_never_twice_on_one():
    story = unacknowledged(clean_session=False)
    story.client.publish(b"t", b"x", qos=1)
    story.settle()
    for turn in range(1, 5):
        story.reconnect(present=1)
        eq(len(ids(story)), turn + 1)
        eq(story.broker.of(peer.PUBLISH)[-1].dup, 1)
        eq(story.client.resent, turn)
        story.advance(1000)
        eq(len(ids(story)), turn + 1)
    eq(len(set(ids(story))), 1)


def test_a_half_sent_publish_is_sent_whole_on_the_next_connection():
    for qos in (0, 1):
        story = Story(clean_session=False).connect()
        story.wire.write_limit = 7
        story.wire.fail_write_in = 2
        handle = story.client.publish(b"topic", b"a longer payload", qos=qos)
        story.settle()
        eq(story.client.state, DOWN)
        eq(story.of(ACKED), [])
        story.wire.write_limit = 10000
        story.broker.present = 1
        story.connect()
        eq(story.broker.payloads(), [b"a longer payload"], "qos %d" % qos)
        eq(story.broker.of(peer.PUBLISH)[0].dup, qos)
        eq(story.of(ACKED), [(handle, qos)])


def test_a_missing_puback_ends_the_connection_at_its_deadline():
    story = unacknowledged(ack_timeout_ms=3000, keepalive=0)
    story.client.publish(b"t", b"x", qos=1)
    story.settle()
    story.advance(2990)
    eq(story.client.state, UP)
    story.advance(20)
    eq(story.last(), (CLOSED, ACK_TIMEOUT, 0))
    eq(story.client.inflight + story.client.queued > 0, True)


def test_each_ack_has_its_own_deadline_not_the_first_ones():
    story = unacknowledged(ack_timeout_ms=3000, keepalive=0)
    story.client.publish(b"t", b"0", qos=1)
    story.settle()
    story.advance(2000)
    story.client.publish(b"t", b"1", qos=1)
    story.settle()
    story.wire.send(peer.puback(ids(story)[0]))
    story.settle()
    story.advance(2900)
    eq(story.client.state, UP)
    story.advance(200)
    eq(story.last(), (CLOSED, ACK_TIMEOUT, 0))

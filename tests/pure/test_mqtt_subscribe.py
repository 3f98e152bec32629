"""Subscriptions: sent when needed, refused, kept, taken back."""

import peer
from check import eq, true
from mqtt import (
    ACK_TIMEOUT,
    BAD_FILTER,
    BAD_QOS,
    CLOSED,
    FULL,
    MALFORMED,
    SUBACK,
    UNSUBACK,
    UP,
    VIOLATION,
)
from story import Inbox, Story


def nothing(msg):
    pass


def asked(story):
    """(filter, qos) of each SUBSCRIBE so far."""
    return [pair for packet in story.broker.of(peer.SUBSCRIBE) for pair in packet.filters]


def left(story):
    return [name for packet in story.broker.of(peer.UNSUBSCRIBE) for name in packet.filters]


def test_a_subscription_is_sent_once_and_its_grant_told():
    # MQTT-3.8.1-1, 3.8.3-1, 3.8.3-3, 3.8.3-4, 2.3.1-7
    story = Story().connect()
    ident = story.client.subscribe(b"a/+", 1, nothing)
    true(ident > 0)
    story.settle()
    eq((asked(story), story.of(SUBACK)), ([(b"a/+", 1)], [(ident, 1)]))
    story.advance(5000)
    eq(len(asked(story)), 1)


def test_a_lower_grant_is_told_and_messages_of_that_qos_arrive():
    # MQTT-3.8.4-6
    story = Story()
    story.broker.grants[b"a"] = 0
    inbox = Inbox()
    ident = story.client.subscribe(b"a", 1, inbox.handler)
    story.connect()
    eq(story.of(SUBACK), [(ident, 0)])
    story.deliver(b"a", b"x", 0)
    eq(inbox.payloads(), [b"x"])


def test_a_refusal_is_told_and_the_connection_goes_on():
    # MQTT-3.9.3-2
    story = Story()
    story.broker.grants[b"secret"] = 0x80
    ident = story.client.subscribe(b"secret", 1, nothing)
    other = story.client.subscribe(b"open", 0, nothing)
    story.connect()
    eq(sorted(story.of(SUBACK)), sorted([(ident, 0x80), (other, 0)]))
    eq(story.client.state, UP)


def test_a_suback_code_that_does_not_exist_closes():
    # MQTT-3.9.3-2, 4.8.0-1
    for code in (3, 0x7F, 0x81, 0xFF):
        story = Story()
        story.broker.grants[b"a"] = code
        story.client.subscribe(b"a", 1, nothing)
        story.client.connect()
        story.settle()
        kind, reason, _ = story.last()
        eq((kind, reason in (MALFORMED, VIOLATION)), (CLOSED, True), "code %d" % code)


def test_a_suback_with_more_codes_than_were_asked_for_closes():
    story = Story().connect()
    story.broker.mute.add(peer.SUBSCRIBE)
    story.client.subscribe(b"a", 1, nothing)
    story.settle()
    packet = story.broker.of(peer.SUBSCRIBE)[0]
    story.wire.send(peer.suback(packet.id, 1, 1))
    story.settle()
    eq((story.last()[0], story.last()[1] in (MALFORMED, VIOLATION)), (CLOSED, True))


def test_subacks_and_unsubacks_are_matched_by_their_id_not_by_their_order():
    # MQTT-2.3.1-7
    story = Story().connect()
    story.broker.mute.update((peer.SUBSCRIBE, peer.UNSUBSCRIBE))
    ids = [story.client.subscribe(name, 2, nothing) for name in (b"a", b"b", b"c")]
    story.settle()
    packets = story.broker.of(peer.SUBSCRIBE)
    for k in (2, 0, 1):
        story.wire.send(peer.suback(packets[k].id, k))
    story.settle()
    eq(story.of(SUBACK), [(ids[2], 2), (ids[0], 0), (ids[1], 1)])
    for name in (b"a", b"b"):
        story.client.unsubscribe(name)
    story.settle()
    packets = story.broker.of(peer.UNSUBSCRIBE)
    story.wire.send(peer.unsuback(packets[1].id) + peer.unsuback(packets[0].id))
    story.settle()
    eq(story.of(UNSUBACK), [(ids[1], 0), (ids[0], 0)])


def test_bad_filters_and_qos_are_refused_with_their_code():
    # MQTT-4.7.1-2, 4.7.1-3, 4.7.3-1, 4.7.3-2, 3.8.3-1
    client = Story().connect().client
    for name in (b"", b"a#", b"#/a", b"a/#/b", b"a+", b"+a/b", b"a/b+", b"\x00", b"a/\xff", b"##"):
        eq(client.subscribe(name, 1, nothing), BAD_FILTER, "%r" % name)
    eq(client.subscribe(b"a" * 65536, 1, nothing), BAD_FILTER)
    eq(client.subscribe(b"a", 3, nothing), BAD_QOS)
    eq(client.unsubscribe(b""), BAD_FILTER)


def test_good_filters_of_every_shape_are_sent():
    story = Story(max_subscriptions=16).connect()
    names = [b"#", b"+", b"/", b"a/#", b"+/+/#", b"/+", b"a//b", b"$share/x", b"\xc3\xa9/+"]
    for name in names:
        true(story.client.subscribe(name, 0, nothing) > 0, "%r" % name)
    story.settle()
    eq(sorted(name for name, _ in asked(story)), sorted(names))


def test_no_more_than_max_subscriptions_are_taken():
    story = Story(max_subscriptions=2).connect()
    true(story.client.subscribe(b"a", 0, nothing) > 0)
    true(story.client.subscribe(b"b", 0, nothing) > 0)
    eq(story.client.subscribe(b"c", 0, nothing), FULL)
    story.settle()
    true(story.client.unsubscribe(b"a") > 0)
    story.settle()
    true(story.client.subscribe(b"c", 0, nothing) > 0)


def test_the_first_connect_sends_all_even_if_the_broker_has_a_session():
    story = Story(clean_session=False)
    story.broker.present = 1
    for name in (b"a", b"b/+", b"c/#"):
        story.client.subscribe(name, 1, nothing)
    story.connect()
    eq(sorted(asked(story)), [(b"a", 1), (b"b/+", 1), (b"c/#", 1)])


def test_held_subscriptions_are_sent_again_only_when_the_session_is_lost():
    story = Story(clean_session=False)
    story.client.subscribe(b"a", 1, nothing)
    story.connect()
    story.forget()
    story.reconnect(present=1)
    eq(asked(story), [])
    story.reconnect(present=0)
    eq(asked(story), [(b"a", 1)])
    story.forget()
    story.reconnect(present=1)
    eq(asked(story), [])


def test_a_session_lost_once_stays_lost_for_a_subscription_not_acknowledged_since():
    story = Story(clean_session=False)
    story.client.subscribe(b"a", 1, nothing)
    story.connect()
    story.broker.mute.add(peer.SUBSCRIBE)
    story.reconnect(present=0)
    story.broker.mute.clear()
    story.forget()
    story.reconnect(present=1)
    eq(asked(story), [(b"a", 1)])


def test_a_subscription_made_while_down_is_sent_on_the_next_connection():
    story = Story(clean_session=False).connect()
    story.wire.reset()
    story.settle()
    ident = story.client.subscribe(b"late", 1, nothing)
    story.broker.present = 1
    story.connect()
    eq((asked(story), story.of(SUBACK)), ([(b"late", 1)], [(ident, 1)]))


def test_a_missing_suback_ends_the_connection_at_its_deadline():
    story = Story(ack_timeout_ms=3000, keepalive=0).connect()
    story.broker.mute.add(peer.SUBSCRIBE)
    story.client.subscribe(b"a", 1, nothing)
    story.settle()
    story.advance(2990)
    eq(story.client.state, UP)
    story.advance(20)
    eq(story.last(), (CLOSED, ACK_TIMEOUT, 0))
    story.broker.mute.clear()
    story.connect()
    eq(len(story.of(SUBACK)), 1)


def test_unsubscribe_is_sent_acknowledged_and_not_asked_for_again():
    # MQTT-3.10.1-1, 3.10.3-1, 3.10.3-2
    story = Story()
    inbox = Inbox()
    story.client.subscribe(b"a", 1, inbox.handler)
    story.client.subscribe(b"b", 1, inbox.handler)
    story.connect()
    ident = story.client.unsubscribe(b"a")
    true(ident > 0)
    story.settle()
    eq((left(story), story.of(UNSUBACK)), ([b"a"], [(ident, 0)]))
    story.deliver(b"a", b"gone")
    story.deliver(b"b", b"here")
    eq((inbox.payloads(), story.client.unmatched), ([b"here"], 1))
    story.forget()
    story.reconnect(present=0)
    eq(asked(story), [(b"b", 1)])


def test_unsubscribing_while_down_reaches_a_broker_that_kept_the_session():
    story = Story(clean_session=False)
    story.client.subscribe(b"a", 1, nothing)
    story.connect()
    story.wire.reset()
    story.settle()
    story.client.unsubscribe(b"a")
    story.broker.present = 1
    story.forget()
    story.connect()
    eq((asked(story), left(story)), ([], [b"a"]))


def test_subscribing_again_changes_the_handler():
    story = Story()
    first, second = Inbox(), Inbox()
    story.client.subscribe(b"a", 1, first.handler)
    story.connect()
    true(story.client.subscribe(b"a", 1, second.handler) > 0)
    story.settle()
    story.deliver(b"a", b"x")
    eq((first.payloads(), second.payloads()), ([], [b"x"]))


def test_str_filters_are_taken_at_set_up():
    story = Story().connect()
    inbox = Inbox()
    true(story.client.subscribe("caf\u00e9/+", 1, inbox.handler) > 0)
    story.settle()
    story.deliver(b"caf\xc3\xa9/x", b"x")
    eq(inbox.payloads(), [b"x"])


def test_a_message_may_come_before_its_suback():
    # section 3.8.4 allows it
    story = Story().connect()
    story.broker.mute.add(peer.SUBSCRIBE)
    inbox = Inbox()
    ident = story.client.subscribe(b"a", 1, inbox.handler)
    story.settle()
    story.deliver(b"a", b"early", retain=1)
    story.wire.send(peer.suback(story.broker.of(peer.SUBSCRIBE)[0].id, 1))
    story.settle()
    eq((inbox.payloads(), story.of(SUBACK)), ([b"early"], [(ident, 1)]))


def test_a_filter_without_utf_8_form_is_refused_and_takes_no_place():
    client = Story(max_subscriptions=1).client
    eq(client.subscribe(chr(0xD800) + "/a", 0, print), BAD_FILTER)
    true(client.subscribe("a", 0, print) > 0)


def test_a_filter_of_any_length_is_asked_for_and_taken_back():
    # one more byte of remaining length from 128 and from 16384 on
    for size in (50, 120, 123, 124, 16377, 16378, 16379, 16380, 16381, 65535):
        name = b"f" * size
        story = Story().connect()
        story.wire.write_limit = 8000
        ident = story.client.subscribe(name, 2, nothing)
        story.settle()
        eq((asked(story), story.of(SUBACK)), ([(name, 2)], [(ident, 2)]), "%d bytes" % size)
        eq(story.client.unsubscribe(name), ident)
        story.settle()
        eq((left(story), story.of(UNSUBACK)), ([name], [(ident, 0)]), "%d bytes" % size)

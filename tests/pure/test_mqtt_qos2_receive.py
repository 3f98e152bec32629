"""QoS 2 as the receiver: one delivery, PUBREC to every repeat, PUBCOMP to PUBREL."""

import peer
from check import eq, true
from mqtt import CLOSED, DOWN, FULL, MALFORMED, UP
from story import Inbox, Story


def listening(inbox=None, **options):
    """A connected story in a kept session that listens to a/#, and whose broker sends no PUBREL
    by itself; (story, inbox)."""
    options.setdefault("clean_session", False)
    story = Story(**options)
    inbox = inbox or Inbox()
    story.client.subscribe(b"a/#", 2, inbox.handler)
    story.broker.mute.add(peer.PUBREC)
    story.connect()
    return story, inbox


def say(story, data):
    story.wire.send(data)
    story.settle()


def test_a_qos_2_message_is_delivered_once_and_each_step_of_it_answered():
    # MQTT-3.3.4-1, 4.3.3-2, 2.3.1-6
    story, inbox = listening()
    story.deliver(b"a/b", b"once", 2, 77, retain=1)
    eq(inbox.got, [(b"a/b", b"once", 2, 1, 0)])
    eq((story.broker.ids(peer.PUBREC), story.broker.ids(peer.PUBCOMP)), ([77], []))
    say(story, peer.pubrel(77))
    eq((story.broker.ids(peer.PUBREC), story.broker.ids(peer.PUBCOMP)), ([77], [77]))
    eq((inbox.payloads(), story.client.received), ([b"once"], 1))


def test_a_repeat_before_pubrel_gets_pubrec_and_no_delivery():
    # MQTT-4.3.3-2; brokers exist that redeliver with DUP 0
    story, inbox = listening()
    for dup in (0, 1, 0):
        story.deliver(b"a", b"x", 2, 5, dup=dup)
    eq((inbox.payloads(), story.broker.ids(peer.PUBREC)), ([b"x"], [5, 5, 5]))
    eq(story.client.received, 1)


def test_after_pubrel_the_id_is_a_new_message_with_or_without_dup():
    # MQTT-4.3.3-2
    story, inbox = listening()
    for k in range(4):
        story.deliver(b"a", b"%d" % k, 2, 5, dup=k % 2)
        say(story, peer.pubrel(5))
    eq(inbox.payloads(), [b"0", b"1", b"2", b"3"])
    eq(story.broker.ids(peer.PUBCOMP), [5] * 4)


def test_duplicates_are_filtered_over_reconnects_of_a_kept_session():
    # MQTT-4.3.3-2, 4.1.0-1, 3.1.2-4
    story, inbox = listening()
    story.deliver(b"a", b"x", 2, 5)
    for _ in range(3):
        story.reconnect(present=1)
        story.deliver(b"a", b"x", 2, 5, dup=1)
    eq((inbox.payloads(), story.broker.ids(peer.PUBREC)), ([b"x"], [5] * 4))
    say(story, peer.pubrel(5))
    story.deliver(b"a", b"new", 2, 5)
    eq(inbox.payloads(), [b"x", b"new"])


def test_pubrel_after_a_reconnect_of_a_kept_session_frees_the_id():
    story, inbox = listening()
    story.deliver(b"a", b"x", 2, 5)
    story.reconnect(present=1)
    say(story, peer.pubrel(5))
    eq(story.broker.ids(peer.PUBCOMP), [5])
    story.deliver(b"a", b"y", 2, 5)
    eq(inbox.payloads(), [b"x", b"y"])


def test_ids_are_forgotten_when_the_session_is_lost():
    # MQTT-3.1.2-6
    for clean in (False, True):
        for present in (0, 1):
            story, inbox = listening(clean_session=clean)
            story.deliver(b"a", b"x", 2, 5)
            story.reconnect(present)
            story.deliver(b"a", b"y", 2, 5)
            lost = clean or not present
            eq(inbox.payloads(), [b"x", b"y"] if lost else [b"x"], "%r %d" % (clean, present))


def test_a_connection_that_fails_before_connack_forgets_no_id():
    story, inbox = listening()
    story.deliver(b"a", b"x", 2, 5)
    story.wire.reset()
    story.settle()
    story.broker.mute.add(peer.CONNECT)
    story.client.connect()
    story.settle()
    story.broker.mute.discard(peer.CONNECT)
    story.reconnect(present=1)
    story.deliver(b"a", b"x", 2, 5, dup=1)
    eq((inbox.payloads(), story.broker.ids(peer.PUBREC)), ([b"x"], [5, 5]))


def test_pubrel_for_an_unknown_id_is_answered_with_pubcomp():
    story, _ = listening()
    say(story, peer.pubrel(9) + peer.pubrel(65535) + peer.pubrel(9))
    eq(story.broker.ids(peer.PUBCOMP), [9, 65535, 9])
    eq((story.client.state, story.client.malformed), (UP, 0))


def test_pubrecs_keep_the_order_of_the_messages_and_pubcomps_that_of_the_pubrels():
    # MQTT-4.6.0-3
    story, inbox = listening()
    order = (5, 3, 900, 4)
    say(story, b"".join(peer.publish(b"a", b"%d" % k, 2, k) for k in order))
    eq(story.broker.ids(peer.PUBREC), list(order))
    eq(inbox.payloads(), [b"5", b"3", b"900", b"4"])
    say(story, b"".join(peer.pubrel(k) for k in (900, 5, 4, 3)))
    eq(story.broker.ids(peer.PUBCOMP), [900, 5, 4, 3])


def test_pubrec_leaves_after_the_handlers_have_returned():
    left = []
    inbox = Inbox(lambda msg: left.append(b"\x50\x02" in story.wire.written()))
    story, inbox = listening(inbox)
    story.deliver(b"a", b"x", 2, 1)
    eq((left, story.broker.ids(peer.PUBREC)), ([False], [1]))


def test_the_brokers_ids_and_ours_are_not_confused_at_qos_2():
    # MQTT-2.3.1-4
    story, inbox = listening()
    story.broker.mute.update((peer.PUBLISH, peer.PUBREL))
    story.client.next_id = story.client.ids_end = 5
    story.client.publish(b"t", b"ours", qos=2)
    story.settle()
    story.deliver(b"a", b"theirs", 2, 5)
    say(story, peer.pubrel(5))
    eq((story.client.inflight, story.of(2)), (1, []))
    story.deliver(b"a", b"theirs again", 2, 5)
    say(story, peer.pubrec(5) + peer.pubcomp(5))
    eq(len(story.of(2)), 1)
    story.deliver(b"a", b"theirs again", 2, 5, dup=1)
    eq(inbox.payloads(), [b"theirs", b"theirs again"])


def test_a_handler_that_raises_gets_the_message_once_and_it_is_acknowledged():
    def fail(msg):
        raise RuntimeError("on purpose")

    story, inbox = listening(Inbox(fail))
    story.deliver(b"a", b"x", 2, 1)
    story.deliver(b"a", b"x", 2, 1, dup=1)
    eq((len(inbox.got), story.client.handler_errors), (1, 1))
    eq((story.broker.ids(peer.PUBREC), story.client.state), ([1, 1], UP))


def test_an_unmatched_message_is_acknowledged_and_its_repeat_not_counted_again():
    # MQTT-4.5.0-2
    story, inbox = listening()
    story.deliver(b"other", b"x", 2, 1)
    story.deliver(b"other", b"x", 2, 1, dup=1)
    say(story, peer.pubrel(1))
    eq((inbox.got, story.client.unmatched), ([], 1))
    eq((story.broker.ids(peer.PUBREC), story.broker.ids(peer.PUBCOMP)), ([1, 1], [1]))


def test_a_full_table_withholds_pubrec_and_delivers_nothing_it_could_not_filter():
    story, inbox = listening(max_held=2)
    for ident in (1, 2, 3):
        story.deliver(b"a", b"%d" % ident, 2, ident)
    eq((inbox.payloads(), story.broker.ids(peer.PUBREC)), ([b"1", b"2"], [1, 2]))
    eq((story.client.withheld, story.client.received, story.client.state), (1, 2, UP))
    # no id was forgotten to make room
    for ident in (1, 2):
        story.deliver(b"a", b"%d" % ident, 2, ident, dup=1)
    eq((inbox.payloads(), story.broker.ids(peer.PUBREC)), ([b"1", b"2"], [1, 2, 1, 2]))


def test_after_one_was_withheld_no_other_overtakes_it():
    story, inbox = listening(max_held=2)
    for ident in (1, 2, 3):
        story.deliver(b"a", b"%d" % ident, 2, ident)
    say(story, peer.pubrel(1))
    story.deliver(b"a", b"4", 2, 4)
    eq((inbox.payloads(), story.client.withheld, story.client.state), ([b"1", b"2"], 2, UP))


def test_when_the_last_held_id_is_released_the_connection_ends_for_what_was_withheld():
    story, inbox = listening(max_held=2)
    for ident in (1, 2, 3, 4):
        story.deliver(b"a", b"%d" % ident, 2, ident)
    say(story, peer.pubrel(1))
    eq(story.client.state, UP)
    say(story, peer.pubrel(2))
    eq((story.client.state, story.of(CLOSED)), (DOWN, [(FULL, 0)]))
    story.reconnect(present=1)
    for ident in (3, 4):
        story.deliver(b"a", b"%d" % ident, 2, ident, dup=1)
    eq(inbox.payloads(), [b"1", b"2", b"3", b"4"])


def test_ids_in_doubt_do_not_keep_a_new_message_waiting_for_ever():
    story, inbox = listening(max_held=1)
    story.deliver(b"a", b"1", 2, 1)
    story.wire.reset()
    story.settle()
    story.broker.mute.add(peer.CONNECT)  # a CONNACK is lost: what is held may be of a lost session
    story.client.connect()
    story.settle()
    story.broker.mute.clear()
    story.broker.mute.add(peer.SUBSCRIBE)
    story.reconnect(present=1)
    story.deliver(b"a", b"2", 2, 2)
    eq((inbox.payloads(), story.client.withheld, story.client.state), ([b"1"], 1, UP))
    say(story, peer.suback(story.broker.ids(peer.SUBSCRIBE)[-1], 2))
    eq((story.client.state, story.of(CLOSED)[-1]), (DOWN, (FULL, 0)))
    story.reconnect(present=1)
    say(story, peer.suback(story.broker.ids(peer.SUBSCRIBE)[-1], 2))
    story.deliver(b"a", b"2", 2, 2, dup=1)
    eq(inbox.payloads(), [b"1", b"2"])


def test_a_table_that_was_never_too_small_ends_no_connection():
    story, inbox = listening(max_held=2)
    for ident in (1, 2):
        story.deliver(b"a", b"x", 2, ident)
    say(story, peer.pubrel(1) + peer.pubrel(2) + peer.pubrel(3))
    eq((story.client.state, story.client.closes), (UP, 0))


def test_what_was_withheld_is_delivered_when_the_broker_sends_it_again():
    story, inbox = listening(max_held=1)
    story.deliver(b"a", b"1", 2, 1)
    story.deliver(b"a", b"2", 2, 2)
    story.reconnect(present=1)
    say(story, peer.pubrel(1))
    story.deliver(b"a", b"2", 2, 2, dup=1)
    eq((inbox.payloads(), story.broker.ids(peer.PUBREC)), ([b"1", b"2"], [1, 2]))


def test_a_full_table_holds_back_no_other_message():
    story, inbox = listening(max_held=1)
    story.deliver(b"a", b"1", 2, 1)
    story.deliver(b"a", b"2", 2, 2)
    story.deliver(b"a", b"3", 1, 1)
    story.deliver(b"a", b"4", 0)
    eq((inbox.payloads(), story.broker.ids(peer.PUBACK)), ([b"1", b"3", b"4"], [1]))


def test_a_table_of_no_room_takes_no_qos_2_message_and_the_rest_works():
    story, inbox = listening(max_held=0)
    story.deliver(b"a", b"2", 2, 1)
    story.deliver(b"a", b"1", 1, 1)
    say(story, peer.pubrel(1))
    eq((inbox.payloads(), story.client.withheld), ([b"1"], 1))
    eq((story.broker.ids(peer.PUBREC), story.broker.ids(peer.PUBCOMP)), ([], [1]))


def test_a_link_that_breaks_at_any_byte_received_delivers_exactly_once():
    stream = peer.publish(b"a", b"x", 2, 5) + peer.pubrel(5)
    for cut in range(len(stream)):
        story, inbox = listening()
        say(story, stream[:cut])
        story.reconnect(present=1)
        # the broker repeats what was not answered before the break
        if 5 not in story.broker.ids(peer.PUBREC):
            story.deliver(b"a", b"x", 2, 5, dup=1)
        say(story, peer.pubrel(5))
        eq(inbox.payloads(), [b"x"], "byte %d" % cut)
        eq(story.broker.ids(peer.PUBCOMP)[-1:], [5], "byte %d" % cut)


def test_a_link_that_breaks_at_any_byte_of_an_answer_delivers_exactly_once():
    for cut in range(8):
        story, inbox = listening()
        story.wire.write_limit = 1
        story.wire.fail_write_in = cut
        story.deliver(b"a", b"x", 2, 5)
        if story.client.state == UP:
            say(story, peer.pubrel(5))
        eq(story.client.state, DOWN)
        story.wire.fail_write_in = None
        story.broker.present = 1
        story.connect()
        if not story.broker.ids(peer.PUBREC):
            story.deliver(b"a", b"x", 2, 5, dup=1)
        say(story, peer.pubrel(5))
        eq(inbox.payloads(), [b"x"], "byte %d" % cut)
        eq(story.broker.ids(peer.PUBCOMP), [5], "byte %d" % cut)


def test_a_handler_may_publish_at_qos_2():
    story = Story()
    inbox = Inbox(lambda msg: story.client.publish(b"answer", msg.payload(), qos=2))
    story.client.subscribe(b"a", 2, inbox.handler)
    story.connect()
    story.deliver(b"a", b"x", 2, 1)
    eq(story.broker.delivered, [(b"answer", b"x")])
    eq((story.broker.ids(peer.PUBCOMP), [qos for _, qos in story.of(2)]), ([1], [2]))


def test_two_copies_of_one_message_under_two_ids_are_both_delivered():
    # section 3.3.5: one copy for each of two overlapping filters
    story, inbox = listening()
    story.deliver(b"a", b"x", 2, 1)
    story.deliver(b"a", b"x", 2, 2)
    eq((inbox.payloads(), story.broker.ids(peer.PUBREC)), ([b"x", b"x"], [1, 2]))


def test_id_0_or_a_wrong_length_in_any_answer_closes():
    # MQTT-2.3.1-1
    for data in (
        peer.pubrec(0),
        peer.pubrel(0),
        peer.pubcomp(0),
        peer.puback(0),
        peer.publish(b"a", b"x", 2, 0),
        b"\x50\x00",
        b"\x50\x03\x00\x01\x00",
        b"\x62\x01\x01",
        b"\x62\x03\x00\x01\x00",
        b"\x70\x00",
        b"\x70\x03\x00\x01\x00",
    ):
        story, inbox = listening()
        say(story, data)
        eq(story.last(), (CLOSED, MALFORMED, 0), "%r" % data)
        eq((inbox.got, story.client.malformed), ([], 1))
        true(not story.wire.is_open)


def test_a_hundred_messages_at_once_pass_through_a_small_table():
    story = Story(max_held=4, clean_session=False)
    inbox = Inbox()
    story.client.subscribe(b"a", 2, inbox.handler)
    story.connect()
    for ident in range(1, 101):
        story.wire.send(peer.publish(b"a", b"%d" % ident, 2, ident))
        if ident % 4 == 0:
            story.settle()
    eq(inbox.payloads(), [b"%d" % k for k in range(1, 101)])
    eq((story.broker.ids(peer.PUBCOMP), story.client.withheld), (list(range(1, 101)), 0))

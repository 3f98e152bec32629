"""QoS 2 as the sender when things go wrong: lost sessions, brokers that err, ids nobody knows."""

import peer
from check import eq, true
from exchange import EXCHANGE, outline, say, silent
from mqtt import (
    ACKED,
    CLOSED,
    CONNECTED,
    DOWN,
    FAILED,
    UNCERTAIN,
    UP,
    VIOLATION,
)
from story import Story


def test_a_session_lost_before_pubrec_sends_the_message_as_a_new_one():
    # MQTT-3.1.2-6: fresh id, DUP 0
    for clean in (False, True):
        story = silent(clean_session=clean)
        handle = story.client.publish(b"t", b"x", qos=2)
        story.settle()
        old = story.broker.ids()[0]
        story.broker.mute.clear()
        story.reconnect(present=0)
        new = story.broker.ids()[1]
        eq(outline(story)[1:], [(peer.PUBLISH, new, 0), (peer.PUBREL, new, None)])
        true(new != old)
        eq((story.of(ACKED), story.client.uncertain), ([(handle, 2)], 0))


def test_a_session_lost_after_pubrec_ends_the_publish_as_uncertain():
    # neither PUBREL (the broker knows no such id) nor PUBLISH (it may have arrived)
    for clean in (False, True):
        story = silent(clean_session=clean)
        lost = story.client.publish(b"t", b"lost", qos=2)
        kept = story.client.publish(b"t", b"kept", qos=2)
        story.settle()
        say(story, peer.pubrec(story.broker.ids()[0]))
        story.forget()
        story.broker.mute.clear()
        story.reconnect(present=0)
        eq(story.of(FAILED), [(lost, UNCERTAIN)])
        eq(story.of(ACKED), [(kept, 2)])
        eq([p.payload for p in story.broker.of(peer.PUBLISH)], [b"kept"])
        eq(len(story.broker.of(peer.PUBREL)), 1)
        client = story.client
        eq((client.uncertain, client.failed, client.queued, client.inflight), (1, 1, 0, 0))


def test_a_pubrel_not_yet_sent_again_is_uncertain_too_when_the_session_is_lost():
    story = silent()
    handles = [story.client.publish(b"t", b"%d" % k, qos=2) for k in range(3)]
    story.settle()
    say(story, b"".join(peer.pubrec(ident) for ident in story.broker.ids()))
    story.broker.mute.add(peer.CONNECT)
    story.wire.reset()
    story.settle()
    story.client.connect()  # a connection that never comes up changes nothing
    story.settle()
    story.broker.mute.discard(peer.CONNECT)
    story.reconnect(present=0)
    eq(story.of(FAILED), [(handle, UNCERTAIN) for handle in handles])
    eq((story.client.uncertain, story.client.queued), (3, 0))


def uncertain_story(react):
    """The session is lost after PUBREC; `react(client)` is called in the FAILED event."""
    story = silent()
    story.client.publish(b"t", b"x", qos=2)
    story.settle()
    say(story, peer.pubrec(story.broker.ids()[0]))
    story.broker.mute.clear()
    story.forget()
    tell = story.client.on_event

    def on_event(kind, a, b):
        tell(kind, a, b)
        if kind == FAILED:
            react(story.client)

    story.client.on_event = on_event
    story.wire.reset()
    story.settle()
    story.client.connect()
    story.settle()
    return story


def test_a_publish_in_the_event_of_an_uncertain_one_goes_out():
    story = uncertain_story(lambda client: client.publish(b"t", b"again", qos=2))
    eq(story.broker.delivered[-1], (b"t", b"again"))
    eq([qos for _, qos in story.of(ACKED)], [2])


def test_a_disconnect_in_the_event_of_an_uncertain_publish_is_carried_out():
    story = uncertain_story(lambda client: client.disconnect())
    eq((story.last(), story.client.state), ((CLOSED, 0, 0), DOWN))
    eq(story.broker.seen[-1].kind, peer.DISCONNECT)


def no_qos_2(**options):
    """A story whose broker answers a QoS-2 PUBLISH with PUBACK, as RabbitMQ 3.10 does."""
    story = Story(clean_session=False, **options)
    answer_to = story.broker.answer_to

    def answer(packet):
        if packet.kind == peer.PUBLISH and packet.qos:
            return peer.puback(packet.id)
        return answer_to(packet)

    story.broker.answer_to = answer
    return story.connect()


def test_a_puback_for_a_qos_2_publish_is_no_ack_but_closes():
    story = no_qos_2()
    story.client.publish(b"t", b"x", qos=2)
    story.settle()
    eq((story.of(ACKED), story.last()), ([], (CLOSED, VIOLATION, 0)))
    eq((story.client.malformed, story.client.queued, story.client.failed), (1, 1, 0))


def test_a_second_puback_for_it_ends_the_publish_as_failed_and_the_rest_flows_on():
    for present in (0, 1):
        story = no_qos_2()
        bad = story.client.publish(b"t", b"x", qos=2)
        story.settle()
        good = [story.client.publish(b"t", b"y", qos=1), story.client.publish(b"t", b"z", qos=0)]
        story.broker.present = present
        story.connect()
        eq(story.of(FAILED), [(bad, VIOLATION)])
        eq(sorted(story.of(ACKED)), [(good[0], 1), (good[1], 0)])
        client = story.client
        eq((client.state, client.failed, client.queued, client.inflight), (UP, 1, 0, 0))
        eq((client.closes, client.uncertain, client.dropped), (1, 0, 0))
        story.advance(100000)
        eq(client.state, UP)


def test_a_broker_without_qos_2_can_never_stop_the_client_for_good():
    story = no_qos_2(max_inflight=2)
    handles = [story.client.publish(b"t", b"%d" % k, qos=2) for k in range(5)]
    last = story.client.publish(b"t", b"last", qos=1)
    story.broker.present = 1
    for _ in range(20):
        story.settle()
        if story.client.state == DOWN:
            story.client.connect()
    eq([handle for handle, _ in story.of(FAILED)], handles)
    eq((story.of(ACKED), story.client.queued, story.client.state), ([(last, 1)], 0, UP))


def test_a_single_wrong_puback_is_forgiven_when_pubrec_comes_the_next_time():
    story = silent()
    handle = story.client.publish(b"t", b"x", qos=2)
    story.settle()
    ident = story.broker.ids()[0]
    say(story, peer.puback(ident))
    eq(story.client.state, DOWN)
    story.broker.mute.clear()
    story.broker.present = 1
    story.connect()
    eq((story.of(ACKED), story.of(FAILED)), ([(handle, 2)], []))
    # and the next publish is not held to account for it
    story.broker.mute.update(EXCHANGE)
    story.client.publish(b"t", b"y", qos=2)
    story.settle()
    story.reconnect(present=1)
    say(story, peer.puback(story.broker.ids()[-1]))
    eq((story.last(), story.of(FAILED)), ((CLOSED, VIOLATION, 0), []))


def test_acks_of_the_wrong_kind_close_the_connection():
    for qos, wrong in ((1, peer.pubrec), (1, peer.pubcomp), (2, peer.pubcomp)):
        story = silent()
        story.client.publish(b"t", b"x", qos=qos)
        story.settle()
        say(story, wrong(story.broker.ids()[0]))
        eq((story.last(), story.client.queued), ((CLOSED, VIOLATION, 0), 1), "%d" % qos)


def test_pubrec_for_an_unknown_id_is_answered_with_pubrel():
    # so that the broker can free it
    story = silent()
    say(story, peer.pubrec(4711))
    say(story, peer.pubrec(65535) + peer.pubrec(1))
    eq(story.broker.ids(peer.PUBREL), [4711, 65535, 1])
    eq((story.client.state, story.of(ACKED)), (UP, []))


def test_pubcomp_and_puback_for_an_unknown_id_are_counted_and_do_no_harm():
    story = silent()
    handle = story.client.publish(b"t", b"x", qos=2)
    story.settle()
    ident = story.broker.ids()[0]
    other = ident % 65535 + 1
    say(story, peer.pubcomp(other) + peer.puback(other))
    eq((story.client.stray, story.client.state, story.of(ACKED)), (2, UP, []))
    say(story, peer.pubrec(ident) + peer.pubcomp(ident))
    eq(story.of(ACKED), [(handle, 2)])


def test_an_answer_for_what_has_not_been_sent_on_this_connection_is_unknown():
    # the PUBLISH is still in the outbox; it goes out all the same
    story = silent(peer.PUBLISH, peer.PUBREL)
    story.client.publish(b"t", b"x", qos=2)
    story.settle()
    ident = story.broker.ids()[0]
    story.wire.reset()
    story.settle()
    story.forget()
    story.broker.present = 1
    story.client.connect()
    story.client.step(story.now)
    story.wire.write_limit = 1
    story.broker.serve()
    story.wire.send(peer.pubcomp(ident))
    story.settle()
    eq(story.of(CONNECTED), [(1, 0)])
    eq(outline(story), [(peer.PUBLISH, ident, 1)])


def test_half_a_pubrel_is_finished_before_anything_else():
    story = silent()
    for k in range(2):
        story.client.publish(b"t", b"%d" % k, qos=2)
    story.settle()
    ids = story.broker.ids()
    say(story, peer.pubrec(ids[0]) + peer.pubrec(ids[1]))
    story.wire.reset()
    story.settle()
    story.forget()
    story.wire.write_limit = 1
    story.broker.present = 1
    story.client.publish(b"t", b"late", qos=0)
    story.client.connect()
    for k in range(60):
        story.step()  # one byte each
        if story.client.state == UP and k % 5 == 4:
            story.wire.send(peer.publish(b"x", b"", 1, k + 1))
    story.settle()
    eq(story.broker.ids(peer.PUBREL)[:2], ids)
    eq(story.broker.payloads(), [b"late"])
    true(len(story.broker.of(peer.PUBACK)) > 1)

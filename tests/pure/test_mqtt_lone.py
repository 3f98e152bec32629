"""A QoS-1 publish with nothing beside it: whatever comes instead of its PUBACK, nothing is lost."""

import peer
from check import eq, true
from exchange import HOW, ids, outline, publisher, put, say, sent_alone, silent
from mqtt import ACK_TIMEOUT, ACKED, CLOSED, DOWN, PEER_CLOSED, TRANSPORT, Client
from story import MASK, Inbox, Story


def listening():
    """(story, inbox): the topic a is subscribed to, and no PUBLISH is acknowledged."""
    story = silent(peer.PUBLISH)
    inbox = Inbox()
    story.client.subscribe(b"a", 1, inbox.handler)
    story.settle()
    return story, inbox


def test_its_puback_ends_it_and_is_told_once():
    for how in HOW:
        story, handle = sent_alone(how)
        eq((story.client.inflight, story.client.queued), (1, 1), "asked for while it waits")
        for _ in range(3):
            handle = publisher(story, how, 1)(b"again")
            story.broker.serve()
            say(story, peer.puback(ids(story)[-1]))
            eq(story.last(), (ACKED, handle, 1))
        say(story, peer.puback(ids(story)[0]))
        eq(len(story.of(ACKED)), 4)
        eq((story.client.inflight, story.client.queued, story.client.acked), (0, 0, 4))
        eq((story.client.sent, story.client.stray), (4, 0))


def test_its_puback_may_come_in_parts_or_beside_other_packets():
    for how in HOW:
        for parts in ((1, 3), (2, 2), (3, 1), (1, 1, 1, 1)):
            story, handle = sent_alone(how)
            ack = peer.puback(ids(story)[0])
            for size in parts:
                story.wire.send(ack[:size])
                ack = ack[size:]
                story.client.step(story.now)
            eq((story.events, story.client.inflight), ([(ACKED, handle, 1)], 0))
        for before in (0, 1):
            story, handle = sent_alone(how)
            inbox = Inbox()
            story.client.subscribe(b"a", 1, inbox.handler)
            other = peer.publish(b"a", b"beside", 1, 7)
            ack = peer.puback(ids(story)[0])
            say(story, other + ack if before else ack + other)
            eq((story.of(ACKED), inbox.payloads()), ([(handle, 1)], [b"beside"]))
            eq([p.id for p in story.broker.of(peer.PUBACK)], [7])


def test_a_puback_under_another_id_does_not_end_it():
    for how in HOW:
        story, handle = sent_alone(how)
        say(story, peer.puback(ids(story)[0] % 65535 + 1))
        eq((story.events, story.client.inflight, story.client.stray), ([], 1, 1))
        say(story, peer.puback(ids(story)[0]))
        eq(story.events, [(ACKED, handle, 1)])


def test_what_looks_like_its_puback_inside_another_packet_does_not_end_it():
    story, inbox = listening()
    story.client.next_id = story.client.ids_end = 77
    packet = peer.publish(b"a", b"1234" + peer.puback(77))
    say(story, packet[:-4])
    story.forget()
    handle = story.client.publish(b"t", b"lone", qos=1)
    say(story, packet[-4:])
    eq((inbox.payloads(), story.events), ([b"1234" + peer.puback(77)], []))
    say(story, peer.puback(77))
    eq(story.events, [(ACKED, handle, 1)])


def test_what_was_read_and_not_yet_acted_on_comes_before_its_puback():
    story, inbox = listening()
    story.client.next_id = story.client.ids_end = 77
    # In one read are more than there is room for acknowledgements.
    story.wire.send(b"".join(peer.publish(b"a", b"", 1, k) for k in range(1, 19)))
    story.client.step(story.now)
    true(len(inbox.got) < 18)
    handle = story.client.publish(b"t", b"lone", qos=1)
    say(story, peer.puback(77) + peer.publish(b"a", b"x" * 100))
    eq((len(inbox.got), story.last()), (19, (ACKED, handle, 1)))


def test_after_disconnect_its_puback_is_read_past():
    for how in HOW:
        story, handle = sent_alone(how)
        story.client.disconnect()
        say(story, peer.puback(ids(story)[0]))
        story.advance(1000)
        eq((story.of(ACKED), story.client.queued), ([], 1))


def test_an_error_that_is_told_once_is_not_missed():
    for how in HOW:
        story, _ = sent_alone(how)
        answers = [-104]
        story.wire.readinto = lambda buf, n, answers=answers: answers.pop() if answers else 0
        story.client.step(story.now)
        eq((story.last(), story.client.queued), ((CLOSED, TRANSPORT, -104), 1))


def test_a_second_puback_to_it_is_counted_as_stray():
    for how in HOW:
        story, _ = sent_alone(how)
        say(story, peer.puback(ids(story)[0]) * 2)
        eq((len(story.of(ACKED)), story.client.stray), (1, 1))
        say(story, peer.puback(ids(story)[0]))
        eq((len(story.of(ACKED)), story.client.stray), (1, 2))


def test_another_publish_before_the_next_step_leaves_it_its_place_and_its_handle():
    for how in HOW:
        for second in (0, 1, 2):
            for other in HOW:
                story, handle = sent_alone(how)
                more = publisher(story, other, second, b"second")(b"more")
                true(more != handle)
                eq(story.client.queued, 2 if second else 1)
                story.broker.serve()
                eq(story.broker.payloads(), [b"lone", b"more"])
                story.reconnect(1)
                resent = [p.payload for p in story.broker.of(peer.PUBLISH)][2:]
                eq(resent, [b"lone", b"more"] if second else [b"lone"])
                say(story, peer.puback(ids(story)[0]))
                true((handle, 1) in story.of(ACKED))


def test_the_window_counts_it():
    story, _ = sent_alone("publish", max_inflight=1)
    story.client.publish(b"t", b"next", qos=1)
    story.settle()
    eq(story.broker.payloads(), [b"lone"])
    say(story, peer.puback(ids(story)[0]))
    eq(story.broker.payloads(), [b"lone", b"next"])


def test_it_is_sent_again_as_it_was_after_the_connection_was_lost():
    for how in HOW:
        for present in (1, 0):
            story = silent(peer.PUBLISH)
            publication = story.client.prepare(b"topic", 20, qos=1)
            payload = bytearray(b"lone")
            if how == "send":
                handle = put(publication, payload)
            else:
                handle = story.client.publish(b"topic", payload, qos=1)
            payload[:] = b"else"  # the caller's own again
            publication.buf[publication.start :] = b"?" * 20
            story.broker.serve()
            story.reconnect(present)
            first, again = outline(story)
            eq(again[2], present, "DUP")
            eq(again[1] == first[1], present == 1, "the same id")
            eq(story.broker.payloads(), [b"lone", b"lone"])
            say(story, peer.puback(again[1]))
            eq(story.last(), (ACKED, handle, 1))


def test_it_outlives_an_end_of_any_kind_before_the_next_step():
    def closed(story):
        story.wire.end()

    def reset(story):
        story.wire.reset()

    def raised(story):
        story.wire.raises = True
        story.wire.reset()

    def left(story):
        story.client.disconnect()

    for how in HOW:
        for end, reason in (
            (closed, PEER_CLOSED),
            (reset, TRANSPORT),
            (raised, TRANSPORT),
            (left, 0),
        ):
            story, handle = sent_alone(how)
            end(story)
            if end is left:
                story.advance(1000)
            story.settle()
            eq(story.of(CLOSED)[0][0], reason)
            eq((story.client.state, story.client.queued), (DOWN, 1))
            story.wire.raises = False
            story.broker.present = 1
            story.connect()
            eq([p.dup for p in story.broker.of(peer.PUBLISH)], [0, 1])
            say(story, peer.puback(ids(story)[-1]))
            eq(story.last(), (ACKED, handle, 1))


def test_without_a_puback_the_time_for_it_runs_out():
    for how in HOW:
        story, _ = sent_alone(how, keepalive=0, ack_timeout_ms=2000)
        eq(story.client.deadline(), story.client.now, "a step is due at once")
        story.client.step(story.now)
        eq(story.client.deadline(), (story.now + 2000) & MASK)
        story.advance(2000)
        eq(story.of(CLOSED), [(ACK_TIMEOUT, 0)])


def test_its_puback_counts_as_heard_and_the_publish_as_spoken():
    story = Story(keepalive=60).connect()
    for _ in range(5):
        story.advance(40000)
        story.client.publish(b"t", b"x", qos=1)
        story.broker.serve()
    story.settle()
    eq((story.client.pings, story.client.acked), (0, 5))
    story.advance(46000)
    eq(story.client.pings, 1)


def test_what_was_sent_before_it_is_told_before_it():
    story = Story().connect()
    story.forget()
    handles = [story.client.publish(b"t", b"0"), story.client.publish(b"t", b"1", qos=1)]
    story.broker.serve()
    story.settle()
    eq(story.events, [(ACKED, handles[0], 0), (ACKED, handles[1], 1)])


def test_the_event_of_its_puback_may_publish_and_disconnect():
    for how in HOW:
        story, _ = sent_alone(how)
        more = []

        def go_on(kind, a, b, story=story, more=more):
            if kind == ACKED:
                more.append(story.client.publish(b"t", b"more", qos=1))
                story.client.disconnect()

        story.client.on_event = go_on
        say(story, peer.puback(ids(story)[0]))
        story.advance(1000)
        eq((story.client.state, story.client.queued, len(more)), (DOWN, 1, 1))
        story.client.on_event = None
        story.broker.present = 1
        story.connect()
        eq(story.broker.payloads(), [b"lone", b"more"])


def test_the_newest_payload_does_not_take_the_place_of_one_that_has_left():
    story = silent(peer.PUBLISH, tx_size=64)
    publication = story.client.prepare(b"topic", 24, qos=1, replace=True)
    first = put(publication, b"one")
    second = put(publication, b"two")
    true(second != first)
    eq(put(publication, b"three"), -10, "full: both have left")
    story.broker.serve()
    eq(story.broker.payloads(), [b"one", b"two"])


def test_a_transport_may_ask_what_is_in_flight_while_it_reads():
    for how in HOW:
        story, handle = sent_alone(how)
        readinto = story.wire.readinto
        asked = []

        def counting(buf, n, story=story, readinto=readinto, asked=asked):
            asked.append((story.client.inflight, story.client.queued))
            return readinto(buf, n)

        story.wire.readinto = counting
        story.settle()
        eq(set(asked), {(1, 1)})
        say(story, peer.puback(ids(story)[0]))
        eq((story.events, story.client.queued), ([(ACKED, handle, 1)], 0))
        eq(story.broker.payloads(), [b"lone"])


def test_what_a_transport_keeps_behind_its_puback_is_read_by_the_next_step():
    for how in HOW:
        story, inbox = listening()
        story.forget()
        handle = publisher(story, how, 1)(b"lone")
        story.broker.serve()
        frames = [peer.puback(ids(story)[0]), peer.publish(b"a", b"ON")]

        def framed(buf, n, frames=frames):
            if not frames:
                return None
            frame = frames.pop(0)
            buf[: len(frame)] = frame
            return len(frame)

        story.wire.readinto = framed
        story.client.step(story.now)
        eq((story.events, len(frames)), ([(ACKED, handle, 1)], 1))
        story.client.step(story.now)
        eq(inbox.payloads(), [b"ON"])


def test_a_client_knows_what_it_has_not_even_before_it_is_made():
    class Unmade(Client):
        def __init__(self):
            pass

    eq(hasattr(Story().client, "nothing of this name"), False)
    eq(hasattr(Unmade(), "inflight"), False)

"""A publish that nothing waits before is handed to the link at once; the next step tells of it."""

import peer
from check import eq, true
from exchange import SHORT, WAYS, ids, pattern, publisher, silent, unacknowledged
from mqtt import ACK_TIMEOUT, ACKED, CLOSED, UP
from story import MASK, Inbox, Story

HANDLES = 0x3FFFFFFF


def test_it_leaves_within_the_call_in_one_write():
    sizes = (0, 1, 40, 116, 117, 118, 119, 120, 121, 200)
    for how, qos in WAYS:
        story = silent(tx_size=4000, max_inflight=len(sizes))
        put = publisher(story, how, qos)
        for k, size in enumerate(sizes if how != "short" else sizes[: sizes.index(SHORT) + 1]):
            story.settle()
            writes = story.wire.writes
            true(put(pattern(size)) > 0)
            eq(story.wire.writes - writes, 1, "%s QoS %d, %d bytes" % (how, qos, size))
            story.broker.serve()
            eq((len(story.broker.payloads()), story.broker.payloads()[-1]), (k + 1, pattern(size)))
            eq(story.client.queued, k + 1 if qos else 0)
            story.settle()
            eq(story.wire.writes - writes, 1, "and not again")
            eq(story.client.sent, k + 1, "counted by the next step")


def test_without_eager_it_waits_for_the_step():
    for how, qos in WAYS:
        story = silent()
        story.client.eager = False
        story.settle()
        writes = story.wire.writes
        true(publisher(story, how, qos)(b"x") > 0)
        eq((story.wire.writes, story.client.sent, story.client.queued), (writes, 0, 1))
        story.client.step(story.now)
        eq((story.wire.writes, story.client.sent), (writes + 1, 1))
        story.client.eager = True
        story.client.step(story.now)
        true(publisher(story, how, qos)(b"y") > 0)
        eq(story.wire.writes, writes + 2)
        story.client.step(story.now)
        eq((story.wire.writes, story.client.sent), (writes + 2, 2))


def test_nothing_leaves_outside_of_a_step_but_while_the_connection_is_up():
    story = Story()
    story.broker.mute.add(peer.CONNECT)
    story.client.publish(b"t", b"down")
    story.client.connect()
    story.client.publish(b"t", b"opening")
    story.settle()
    writes = story.wire.writes
    story.client.publish(b"t", b"connecting")
    eq((story.wire.writes, story.broker.payloads()), (writes, []))
    story.wire.send(peer.connack())
    story.settle()
    writes = story.wire.writes
    story.client.disconnect()
    story.client.publish(b"t", b"closing")
    eq(story.wire.writes, writes)
    story.settle()
    story.client.publish(b"t", b"down again")
    eq(story.broker.payloads(), [b"down", b"opening", b"connecting"])
    story.broker.mute.clear()
    story.connect()
    eq(story.broker.payloads()[3:], [b"closing", b"down again"])


def test_it_does_not_overtake_a_request_or_what_a_handler_has_published():
    story = Story().connect()
    inbox = Inbox(lambda msg: story.client.publish(b"t", b"of a handler"))
    story.client.subscribe(b"a", 1, inbox.handler)
    story.client.publish(b"t", b"behind a request")
    story.settle()
    kinds = [packet.kind for packet in story.broker.seen]
    eq(kinds, [peer.CONNECT, peer.SUBSCRIBE, peer.PUBLISH])
    story.forget()
    story.wire.send(peer.publish(b"a", b"", 1, 7))
    writes = story.wire.writes
    story.client.step(story.now)
    story.client.publish(b"t", b"behind a handler")
    eq(story.wire.writes - writes, 3)
    story.broker.serve()
    eq([packet.kind for packet in story.broker.seen], [peer.PUBACK, peer.PUBLISH, peer.PUBLISH])
    eq(story.broker.payloads(), [b"of a handler", b"behind a handler"])


def test_a_later_qos_0_does_not_overtake_a_qos_1_that_waits_for_the_window():
    for how in ("publish", "send"):
        story = unacknowledged(max_inflight=1)
        first, second = publisher(story, how, 1), publisher(story, how, 1)
        third = publisher(story, how, 0)
        first(b"in flight")
        second(b"waits")
        writes = story.wire.writes
        third(b"behind")
        eq(story.wire.writes, writes)
        story.settle()
        eq(story.broker.payloads(), [b"in flight"])
        third(b"behind, too")
        eq(story.wire.writes, writes)
        story.wire.send(peer.puback(ids(story)[0]))
        story.settle()
        eq(story.broker.payloads(), [b"in flight", b"waits", b"behind", b"behind, too"])


def test_the_window_holds_for_it_too():
    story = unacknowledged(max_inflight=3)
    for k in range(5):
        story.client.publish(b"t", b"%d" % k, qos=1 + k % 2)
    story.broker.serve()
    eq((story.broker.payloads(), story.client.inflight), ([b"0", b"1", b"2"], 3))


def test_acked_of_a_qos_0_is_told_by_the_next_step_in_the_order_of_publishing():
    for how in ("publish", "send"):
        story = Story(tx_size=2000).connect()
        put = [publisher(story, how, qos) for qos in (0, 1)]
        story.settle()
        for qualities in ((0, 0), (0, 1, 0, 0, 1, 1, 0), (1, 0, 0, 1, 0), (1, 0, 1, 1), (0,)) * 4:
            story.forget()
            handles = [(put[qos](b"x"), qos) for qos in qualities]
            eq(story.events, [], "nothing within the call")
            story.client.step(story.now)
            eq(story.of(ACKED), [pair for pair in handles if not pair[1]])
            story.settle()
            eq(sorted(story.of(ACKED)), handles)
            eq(len(story.broker.payloads()), len(handles))


def test_many_between_two_steps_take_no_room_and_are_told_each_once():
    story = Story(tx_size=64).connect()
    for last in (story.client.outbox.last, HANDLES - 50):
        story.client.outbox.last = last
        story.forget()
        handles = []
        for k in range(100):
            handles.append(story.client.publish(b"t", b"%d" % k))
            eq(story.client.queued, 0)
        eq(handles, [(last + k) % HANDLES + 1 for k in range(100)])
        acked = story.client.acked
        story.client.step(story.now)
        eq(story.of(ACKED), [(handle, 0) for handle in handles])
        eq((story.client.sent, story.client.acked), (acked + 100, acked + 100))
        story.settle()
        eq(story.broker.payloads(), [b"%d" % k for k in range(100)])
        eq(len(story.events), 100)


def test_what_has_left_is_told_before_the_connection_is_over():
    story = Story().connect()
    story.forget()
    handle = story.client.publish(b"t", b"x")
    story.broker.serve()
    story.wire.reset()
    story.client.step(story.now)
    eq([event[0] for event in story.events], [ACKED, CLOSED])
    eq(story.events[0], (ACKED, handle, 0))
    later = story.client.publish(b"t", b"y")
    story.connect()
    eq(story.broker.payloads(), [b"x", b"y"])
    eq(story.of(ACKED), [(handle, 0), (later, 0)])


def test_the_time_for_its_ack_runs_from_the_next_step_however_late_that_comes():
    for how, qos in WAYS:
        if not qos:
            continue
        story = unacknowledged(keepalive=0, ack_timeout_ms=2000)
        put = publisher(story, how, qos)
        story.settle()
        true(put(b"x") > 0)
        eq(story.client.deadline(), story.client.now, "a step is due at once")
        story.now = (story.now + 60000) & MASK
        story.client.step(story.now)
        eq(story.client.state, UP)
        eq(story.client.deadline(), (story.now + 2000) & MASK)
        story.advance(1999)
        eq(story.client.state, UP)
        story.advance(1)
        eq(story.of(CLOSED), [(ACK_TIMEOUT, 0)])


def test_the_time_of_what_a_step_has_sent_goes_on_whatever_follows_it_at_once():
    story = unacknowledged(keepalive=0, ack_timeout_ms=2000)
    story.client.publish(b"t", b"x", qos=1)
    for _ in range(19):
        story.advance(100)
        true(story.client.publish(b"t", b"x", qos=1) > 0)
    eq(story.client.state, UP)
    story.advance(100)
    eq(story.of(CLOSED), [(ACK_TIMEOUT, 0)])


def test_it_counts_as_sent_for_the_keep_alive_from_the_next_step_on():
    story = unacknowledged(keepalive=60, ack_timeout_ms=100000)
    for _ in range(4):
        story.advance(20000)
        story.wire.send(peer.puback(99))  # so that it is heard, too
        story.client.publish(b"t", b"x")
    eq(story.client.pings, 0)
    story.advance(44000)
    eq(story.client.pings, 0)
    story.advance(2000)
    eq(story.client.pings, 1)

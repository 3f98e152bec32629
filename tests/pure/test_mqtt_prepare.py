"""prepare(): topic and flags once, the payload in place; replacing the newest reading."""

import peer
from check import eq, raises, true
from exchange import pattern, put
from mqtt import ACKED, FULL, TOO_LARGE, UP
from story import Story


def test_a_prepared_publication_goes_out_like_a_published_one():
    story = Story().connect()
    one = story.client.prepare(b"a/state", 40, qos=1, retain=True)
    zero = story.client.prepare("a/caf\u00e9", 40)
    handles = [put(one, b"payload"), put(zero, b""), put(one, b"x" * 40)]
    true(min(handles) > 0)
    story.settle()
    got = [(p.topic, p.payload, p.qos, p.retain, p.dup) for p in story.broker.of(peer.PUBLISH)]
    eq(
        got,
        [
            (b"a/state", b"payload", 1, 1, 0),
            (b"a/caf\xc3\xa9", b"", 0, 0, 0),
            (b"a/state", b"x" * 40, 1, 1, 0),
        ],
    )
    eq(sorted(story.of(ACKED)), sorted(zip(handles, [1, 0, 1])))


def test_start_stays_where_it_is_and_the_buffer_may_be_rewritten_at_once():
    story = Story(tx_size=4000).connect()
    story.wire.block_writes = 5
    publication = story.client.prepare(b"t", 300)
    start = publication.start
    for payload in (b"short", b"x" * 300, b"", b"y" * 126, b"z" * 125):
        true(put(publication, payload) > 0)
        eq(publication.start, start)
    put(publication, b"last")
    publication.buf[start : start + 4] = b"gone"
    story.settle()
    wanted = [b"short", b"x" * 300, b"", b"y" * 126, b"z" * 125, b"last"]
    eq(story.broker.payloads(), wanted)


def test_what_can_never_work_is_refused_at_set_up():
    client = Story().client
    raises(ValueError, client.prepare, b"a/+", 10)
    raises(ValueError, client.prepare, b"", 10)
    raises(ValueError, client.prepare, b"\xff", 10)
    raises(ValueError, client.prepare, b"a", 10, 3)
    raises(ValueError, client.prepare, b"a", 100000)
    raises(ValueError, client.prepare, b"a", -1)


def test_a_length_outside_the_payload_is_refused():
    story = Story().connect()
    publication = story.client.prepare(b"t", 10)
    eq(publication.send(11), TOO_LARGE)
    eq(publication.send(-1), TOO_LARGE)
    eq(story.client.refused, 2)
    story.settle()
    eq((story.broker.payloads(), story.client.state), ([], UP))


def fill(story, publication):
    """Send numbered payloads until there is no room; the handles."""
    handles = []
    while True:
        before = story.client.replaced
        handle = put(publication, b"%04d" % len(handles))
        if handle < 0 or story.client.replaced != before:
            return handles
        handles.append(handle)


def test_without_replace_a_full_outbox_refuses():
    story = Story(tx_size=100)
    publication = story.client.prepare(b"t", 10, qos=1)
    handles = fill(story, publication)
    eq(put(publication, b"new"), FULL)
    eq(story.client.replaced, 0)
    story.connect()
    eq(story.broker.payloads(), [b"%04d" % k for k in range(len(handles))])


def test_the_newest_payload_takes_the_place_of_the_newest_unsent_one():
    for qos in (0, 1):
        story = Story(tx_size=100)
        publication = story.client.prepare(b"t", 10, qos=qos, replace=True)
        handles = fill(story, publication)
        count = len(handles)
        eq(put(publication, b"new1"), handles[-1])
        eq(put(publication, b"new2"), handles[-1])
        eq((story.client.replaced, story.client.refused), (3, 0))
        story.connect()
        wanted = [b"%04d" % k for k in range(count - 1)] + [b"new2"]
        eq(story.broker.payloads(), wanted)
        eq([handle for handle, _ in story.of(ACKED)], handles)


def test_a_publication_replaces_only_its_own():
    story = Story(tx_size=100)
    events = story.client.prepare(b"event", 10, qos=1)
    reading = story.client.prepare(b"t", 10, qos=1, replace=True)
    mine = put(reading, b"first")
    fill(story, events)
    eq(put(reading, b"again"), mine)
    story.connect()
    eq(story.broker.payloads()[0], b"again")
    eq(b"first" in story.broker.payloads(), False)


def test_what_was_sent_even_in_part_is_never_replaced():
    for eager in (True, False):
        story = Story(tx_size=64, keepalive=0, ack_timeout_ms=60000)
        story.client.eager = eager
        story.broker.mute.add(peer.PUBLISH)
        story.connect()
        publication = story.client.prepare(b"t", 40, qos=1, replace=True)
        story.wire.write_limit = 10
        true(put(publication, b"a" * 40) > 0)
        if not eager:
            story.client.step(story.now)
        eq(put(publication, b"b" * 40), FULL)
        story.wire.write_limit = 1000
        story.settle()
        eq(put(publication, b"c" * 40), FULL)  # sent whole, awaits its ack
        eq(story.client.replaced, 0)
        story.reconnect(present=1)
        eq(put(publication, b"d" * 40), FULL)
        eq(story.broker.payloads(), [b"a" * 40] * 2)


def test_what_the_link_did_not_take_may_be_replaced_by_a_longer_one_of_any_header():
    for qos in (0, 1, 2):
        for room in (0, 1, 60):
            story = Story(tx_size=6 + 150 + (2 if qos else 0) + room).connect()
            publication = story.client.prepare(b"t", 150, qos=qos, replace=True)
            story.wire.stuck = True
            handle = put(publication, b"short")
            for size in (150, 3, 124, 149, 150):
                eq(put(publication, pattern(size)), handle, "QoS %d, %d bytes" % (qos, size))
            before = len(story.client.outbox.buf)
            story.wire.stuck = False
            story.settle()
            eq(story.broker.payloads(), [pattern(150)])
            eq(story.of(ACKED), [(handle, qos)])
            eq((story.client.replaced, len(story.client.outbox.buf)), (5, before))


def test_a_longer_payload_replaces_a_shorter_one_or_says_full():
    story = Story(tx_size=64)
    publication = story.client.prepare(b"t", 40, qos=0, replace=True)
    fill(story, publication)
    handle = put(publication, b"x" * 40)
    story.connect()
    if handle > 0:
        eq(story.broker.payloads()[-1], b"x" * 40)
    else:
        eq(handle, FULL)
        eq(b"x" * 40 in story.broker.payloads(), False)
    for payload in story.broker.payloads():
        true(len(payload) in (4, 40), "%r" % payload)


def test_replaced_and_resent_messages_never_mix():
    # a flood over a link that breaks again and again: each sent payload is one that was put
    for eager in (True, False):
        story = Story(tx_size=150, clean_session=False, max_inflight=3)
        story.client.eager = eager
        publication = story.client.prepare(b"t", 20, qos=1, replace=True)
        accepted = {}
        for k in range(200):
            payload = b"%d:" % k + b"x" * (k % 17)
            handle = put(publication, payload)
            if handle > 0:
                accepted[handle] = payload
            if k % 5 == 4:
                story.wire.write_limit = 1 + k % 30
                story.wire.fail_write_in = None
                story.reconnect(present=k // 5 % 2)
            if k % 7 == 3 and story.client.state == UP:
                story.wire.fail_write_in = 1 + k % 3
        story.wire.fail_write_in = None
        story.wire.write_limit = 1000
        if story.client.state != UP:
            story.connect()
        story.settle()
        seen = story.broker.payloads()
        acked = [handle for handle, _ in story.of(ACKED)]
        eq(sorted(acked), sorted(accepted))
        eq(len(acked), len(set(acked)))
        for handle in accepted:
            true(accepted[handle] in seen, "%r was accepted" % accepted[handle])
        eq((story.client.queued, story.client.inflight), (0, 0))

"""A full outbox and a slow peer: who gives way, what is counted, and what passes all the same."""

import peer
from check import eq, raises, true
from dice import Dice
from exchange import put, silent
from mqtt import ACKED, DOWN, FAILED, FULL, REPLACED, TOO_LARGE
from story import Inbox, Story


def dropping(**options):
    """A story, not connected, whose client gives up its oldest unsent message to make room."""
    options.setdefault("tx_size", 100)
    return Story(drop_oldest=True, clean_session=False, **options)


def publish(story, number, size=10, qos=0):
    """A message of 5 + size bytes (7 over QoS 0) that tells its number; its handle."""
    payload = b"%04d" % number
    return story.client.publish(b"t", payload + b"." * (size - 4), qos=qos)


def numbers(story):
    return [int(payload[:4]) for payload in story.broker.payloads()]


def test_by_default_a_full_outbox_refuses_the_new_one_and_gives_up_none():
    story = Story(tx_size=100)
    handles = [publish(story, k) for k in range(8)]
    eq((handles[6:], story.client.refused, story.client.dropped), ([FULL, FULL], 2, 0))
    story.connect()
    eq((numbers(story), story.of(FAILED)), (list(range(6)), []))


def test_with_drop_oldest_the_oldest_unsent_ones_give_way_to_the_new_ones():
    for qos in (0, 1, 2):
        story = dropping()
        handles = [publish(story, k, 10 if qos == 0 else 8, qos) for k in range(20)]
        true(min(handles) > 0)
        client = story.client
        eq((client.dropped, client.refused, client.queued), (14, 0, 6))
        story.connect()
        eq(numbers(story), list(range(14, 20)), "QoS %d" % qos)
        eq(story.of(FAILED), [(handle, REPLACED) for handle in handles[:14]])
        eq([handle for handle, _ in story.of(ACKED)], handles[14:])
        eq((client.failed, client.queued, client.inflight), (14, 0, 0))


def test_each_one_given_up_is_told_by_the_next_step_also_while_down():
    story = dropping()
    handles = [publish(story, k) for k in range(8)]
    eq((story.events, story.client.dropped, story.client.failed), ([], 2, 0))
    story.client.step(story.now)
    eq(story.of(FAILED), [(handles[0], REPLACED), (handles[1], REPLACED)])
    eq((story.client.failed, story.client.state), (2, DOWN))
    publish(story, 8)
    story.client.step(story.now)
    eq(story.of(FAILED)[2:], [(handles[2], REPLACED)])


def test_as_many_are_given_up_as_a_large_one_needs_and_no_more():
    story = dropping()
    for k in range(6):
        publish(story, k)
    true(publish(story, 6, 40) > 0)  # 45 bytes: three of 15
    eq(story.client.dropped, 3)
    story.connect()
    eq(numbers(story), [3, 4, 5, 6])


def test_one_that_never_fits_gives_up_nobody():
    story = dropping()
    for k in range(6):
        publish(story, k)
    eq((publish(story, 6, 96), story.client.dropped, story.client.queued), (TOO_LARGE, 0, 6))


def test_a_prepared_publication_makes_room_too():
    story = dropping()
    publication = story.client.prepare(b"t", 10)
    for k in range(8):
        publication.buf[publication.start :] = b"%04d......" % k
        true(publication.send(10) > 0)
    eq(story.client.dropped, 2)
    story.connect()
    eq(numbers(story), list(range(2, 8)))


def test_too_many_small_ones_give_way_too():
    story = dropping(tx_size=64, max_inflight=2)  # room for three packets, whatever their size
    for k in range(7):
        true(publish(story, k, 4) > 0)
    eq(story.client.dropped, 4)
    story.connect()
    eq(numbers(story), [4, 5, 6])


def unacknowledged(count, qos, **options):
    """A story with `count` messages in flight, whose link then broke."""
    story = dropping(**options)
    story.broker.mute.add(peer.PUBLISH)
    story.connect()
    for k in range(count):
        publish(story, k, 8, qos)
    story.settle()
    story.wire.reset()
    story.settle()
    story.forget()
    story.broker.mute.clear()
    story.broker.present = 1
    return story


def test_what_was_sent_is_never_given_up_and_the_unsent_behind_it_is():
    # the outage that fills an outbox begins with messages in flight
    for qos in (1, 2):
        story = unacknowledged(2, qos)
        handles = [publish(story, k, 8, qos) for k in range(2, 20)]
        true(min(handles) > 0, "QoS %d: %r" % (qos, handles))
        eq((story.client.dropped, story.client.queued), (14, 6))
        story.connect()
        eq(numbers(story), [0, 1, 16, 17, 18, 19], "QoS %d" % qos)
        eq(story.of(FAILED), [(handle, REPLACED) for handle in handles[:14]])
        eq((len(story.of(ACKED)), story.client.queued), (6, 0))


def test_when_all_was_sent_the_new_one_is_refused():
    story = unacknowledged(6, 1)
    eq((publish(story, 6, 8, 1), story.client.dropped, story.client.refused), (FULL, 0, 1))
    story.connect()
    eq(numbers(story), list(range(6)))


def test_nobody_is_given_up_for_one_that_would_not_fit_all_the_same():
    story = unacknowledged(4, 1)
    true(publish(story, 4, 8, 1) > 0)
    eq((publish(story, 5, 70), story.client.dropped, story.client.queued), (FULL, 0, 5))


def test_a_half_sent_one_is_never_given_up():
    for eager in (True, False):
        story = dropping(keepalive=0)
        story.client.eager = eager
        story.connect()
        story.wire.write_limit = 3
        publish(story, 0)
        story.client.step(story.now)
        for k in range(1, 12):
            true(publish(story, k) > 0)
        story.settle()
        eq(numbers(story), [0] + list(range(7, 12)))


def test_only_what_was_given_up_is_told_so_whatever_was_sent_between():
    # in one step: a handler's publish drops one, the next is sent, and its event wants another gone
    story = dropping(keepalive=0)
    inbox = Inbox(lambda msg: publish(story, 100))
    story.client.subscribe(b"go", 0, inbox.handler)
    story.connect()
    story.wire.stuck = True
    handles = [publish(story, k) for k in range(6)]
    tell = story.client.on_event

    def on_event(kind, a, b):
        tell(kind, a, b)
        if kind == ACKED and a == handles[1]:
            publish(story, 101, 35)

    story.client.on_event = on_event
    story.wire.send(peer.publish(b"go"))
    story.wire.stuck = False
    story.settle()
    story.client.step(story.now)
    given_up = [handle for handle, _ in story.of(FAILED)]
    acked = [handle for handle, _ in story.of(ACKED)]
    eq((given_up, story.client.dropped), (handles[:1], 1))
    eq((acked[:5], len(acked), len(numbers(story))), (handles[1:], 6, 6))


def test_an_event_of_a_message_given_up_may_publish():
    story = dropping()
    more = []
    tell = story.client.on_event

    def on_event(kind, a, b):
        tell(kind, a, b)
        if kind == FAILED and len(more) < 3:
            more.append(publish(story, 50 + len(more)))

    story.client.on_event = on_event
    handles = [publish(story, k) for k in range(7)]
    for _ in range(5):
        story.client.step(story.now)
    true(min(more) > 0)
    eq(story.of(FAILED), [(handle, REPLACED) for handle in handles[:4]])
    story.connect()
    eq(numbers(story), [4, 5, 6, 50, 51, 52])


def test_an_event_that_always_publishes_again_does_not_hold_the_step():
    story = dropping()
    story.client.on_event = lambda kind, a, b: kind == FAILED and publish(story, 99)
    for k in range(9):
        publish(story, k)
    for _ in range(4):
        failed = story.client.failed
        story.client.step(story.now)
        eq(story.client.failed - failed, 3)


def test_at_random_every_accepted_message_ends_once_as_acked_or_as_given_up():
    for seed in range(12):
        dice = Dice(seed)
        story = dropping(tx_size=120 + dice.below(200), max_inflight=1 + dice.below(4), keepalive=0)
        story.client.eager = seed % 2 == 0
        handles = []
        number = 0
        for _ in range(150):
            for _ in range(dice.below(6)):
                handle = publish(story, number, 4 + dice.below(50), dice.below(3))
                if handle > 0:
                    handles.append(handle)
                    number += 1
            if story.client.state == DOWN and dice.chance(50):
                story.broker.present = 1 if story.client.connects else 0
                story.client.connect()
            story.wire.write_limit = dice.pick((1, 7, 10000))
            story.wire.block_writes = dice.below(3)
            for _ in range(dice.below(10)):
                story.step()
            if dice.chance(10):
                story.wire.reset()
        story.wire.write_limit = 10000
        story.settle()
        if story.client.state == DOWN:
            story.broker.present = 1
            story.connect()
        story.settle()
        where = "seed %d" % seed
        acked = [handle for handle, _ in story.of(ACKED)]
        given_up = [handle for handle, code in story.of(FAILED) if code == REPLACED]
        eq(sorted(acked + given_up), handles, where)
        eq((story.client.dropped, len(story.of(FAILED))), (len(given_up), len(given_up)), where)
        true(acked and given_up, where)
        firsts = []
        for value in numbers(story):
            if value not in firsts:
                firsts.append(value)
        eq(firsts, sorted(firsts), where)
        eq(len(firsts), len(acked), where)


def test_what_a_step_has_no_turn_left_for_may_still_be_replaced_or_given_up():
    for given_up in (False, True):
        story = Story(keepalive=0, tx_size=33 * 40, max_inflight=100, drop_oldest=given_up)
        publication = story.client.prepare(b"t", 35, replace=True)
        for k in range(33):
            true(put(publication, b"%05d" % k) > 0)
        story.client.connect()
        story.client.step(story.now)
        story.broker.serve()
        story.client.step(story.now)  # CONNACK, and as many writes as a step may have
        while story.client.publish(b"t", b"A" * 30, qos=1) > 0 and not story.client.dropped:
            pass
        true(put(publication, b"N" * 35) > 0)
        story.settle()
        sizes = [len(payload) for payload in story.broker.payloads()]
        eq(set(sizes), {5, 30, 35})
        eq(sizes.count(35), 1)
        eq(story.client.queued, 0)


def test_what_a_broken_write_left_unsent_may_still_be_replaced():
    for kind in (ValueError, KeyboardInterrupt):
        story = silent(tx_size=64)
        story.client.eager = False
        story.settle()
        publication = story.client.prepare(b"t", 35, replace=True)
        put(publication, b"older")
        write = story.wire.write

        def broken(buf, off, n, kind=kind):
            raise kind

        story.wire.write = broken
        raises(kind, story.client.step, story.now)
        story.wire.write = write
        put(publication, b"N" * 35)
        story.settle()
        eq(story.broker.payloads(), [b"N" * 35])

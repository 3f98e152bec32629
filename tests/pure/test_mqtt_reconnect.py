"""Reconnect: backoff with jitter, the list of brokers, hold, stop."""

import peer
from broker import Broker
from check import eq, less, true, within
from mqtt import ACKED, CLOSED, DOWN, FULL, PEER_CLOSED, UP, Reconnect
from story import MASK, Story, ticks_diff
from wire import Wire

REFUSED_ERRNO = -111


def always(value):
    """A getrandbits that gives the same fraction of its range: 0 lowest, 1 highest."""
    return lambda bits: ((1 << bits) - 1) * value


def watched(count=1, getrandbits=None, **options):
    """A story driven by a Reconnect over `count` wires."""
    story = Story(clean_session=False, keepalive=0, **options)
    story.wires = [story.wire] + [Wire() for _ in range(count - 1)]
    story.driver = story.link = Reconnect(
        story.client, story.wires, first_ms=1000, max_ms=8000, getrandbits=getrandbits
    )
    return story


def refuse(wires):
    for wire in wires:
        wire.opening = [REFUSED_ERRNO] * 10000


def attempts(story):
    return sum(10000 - len(wire.opening) for wire in story.wires)


def gaps(story, count):
    """Milliseconds between one failed attempt and the next, `count` of them."""
    found = []
    while len(found) < count:
        before, began = attempts(story), story.now
        while attempts(story) == before:
            story.advance(10)
            less(ticks_diff(story.now, began), 20000)
        found.append(ticks_diff(story.now, began))
    return found


def test_start_connects_and_an_end_is_followed_by_a_new_connection():
    story = watched()
    story.link.start()
    story.advance(10)
    eq(story.client.state, UP)
    for turn in range(2, 6):
        story.wire.reset()
        story.settle()
        story.advance(8010)
        eq((story.client.state, story.wire.opens), (UP, turn))


def test_nothing_happens_before_start():
    story = watched()
    story.advance(100000)
    eq((story.wire.opens, story.client.state), (0, DOWN))


def test_the_wait_doubles_up_to_its_limit():
    for value in (0, 1):
        story = watched(getrandbits=always(value))
        refuse(story.wires)
        story.link.start()
        story.advance(1)
        waits = gaps(story, 7)
        for k in range(1, 7):
            within(waits[k - 1] - 20, waits[k], 8020)
        true(waits[1] > waits[0] and waits[2] > waits[1], "%r" % waits)
        within(waits[-2] - 20, waits[-1], waits[-2] + 20)
        within(250, waits[0], 2020)
        within(2000, waits[-1], 8020)


def test_jitter_spreads_the_waits():
    low = watched(getrandbits=always(0))
    high = watched(getrandbits=always(1))
    for story in (low, high):
        refuse(story.wires)
        story.link.start()
        story.advance(1)
    shorter, longer = gaps(low, 5), gaps(high, 5)
    true(sum(longer) > sum(shorter) * 5 // 4, "%r %r" % (shorter, longer))


def test_a_good_connection_resets_the_wait():
    story = watched(getrandbits=always(1))
    refuse(story.wires)
    story.link.start()
    story.advance(1)
    first = gaps(story, 5)[0]
    story.wire.opening = []
    story.advance(20000)
    eq(story.client.state, UP)
    story.advance(30000)
    refuse(story.wires)
    story.wire.reset()
    story.settle()
    story.advance(1)
    before, began = attempts(story), story.now
    while attempts(story) == before:
        story.advance(10)
    less(ticks_diff(story.now, began), first + 1100)


def test_a_broker_that_accepts_and_closes_at_once_is_not_hammered():
    story = watched()
    story.link.start()
    for _ in range(600):
        story.advance(100)
        if story.client.state == UP:
            story.wire.end()
    less(story.wire.opens, 60)
    less(6, story.wire.opens)


def test_a_refused_password_is_retried_with_backoff():
    story = watched()
    story.broker.refuse = 5
    story.link.start()
    story.advance(60000)
    within(6, story.wire.opens, 40)
    story.broker.refuse = 0
    story.advance(8100)
    eq(story.client.state, UP)


def test_the_next_broker_of_the_list_is_tried_and_the_first_comes_round_again():
    story = watched(count=3)
    refuse(story.wires)
    story.link.start()
    story.advance(120000)
    tried = [10000 - len(wire.opening) for wire in story.wires]
    less(1, min(tried))
    less(max(tried) - min(tried), 2)
    other = story.wires[2]
    other.opening = []
    story.wire = story.broker.wire = other
    story.broker.connection = 0
    story.advance(30000)
    eq((story.client.state, story.client.transport is other), (UP, True))
    eq(story.link.index, 2)


def test_the_outbox_and_its_acks_survive_a_change_of_broker():
    story = watched(count=2)
    story.broker.mute.add(peer.PUBLISH)
    story.link.start()
    story.advance(10)
    handle = story.client.publish(b"t", b"kept", qos=1)
    story.settle()
    story.wires[0].opening = [REFUSED_ERRNO] * 10000
    story.wires[0].reset()
    story.settle()
    story.wire = story.wires[1]
    story.broker = Broker(story.wire)
    story.advance(30000)
    eq(story.broker.payloads(), [b"kept"])
    eq(story.of(ACKED), [(handle, 1)])


def test_hold_opens_nothing_and_release_connects():
    story = watched()
    story.link.hold = True
    story.link.start()
    story.advance(100000)
    eq(story.wire.opens, 0)
    story.link.hold = False
    story.advance(8100)
    eq(story.client.state, UP)


def test_after_a_hold_or_a_stop_of_many_days_the_first_attempt_is_due_at_once():
    for held in (True, False):
        for days in range(1, 14):
            story = watched()
            refuse(story.wires)
            story.link.start()
            story.advance(100)
            if held:
                story.link.hold = True
            else:
                story.link.stop()
            for _ in range(days * 24):
                story.now = (story.now + 3600000) & MASK
                story.link.step(story.now)
            before = attempts(story)
            if held:
                story.link.hold = False
            else:
                story.link.start()
            what = "%d days, hold %r" % (days, held)
            less(ticks_diff(story.link.deadline(), story.now), 1, what)
            story.settle()
            eq(attempts(story), before + 1, what)


def test_hold_does_not_break_a_connection_that_stands():
    story = watched()
    story.link.start()
    story.advance(10)
    story.link.hold = True
    story.advance(100000)
    eq((story.client.state, story.wire.opens), (UP, 1))
    story.wire.reset()
    story.advance(100000)
    eq((story.client.state, story.wire.opens), (DOWN, 1))


def test_stop_says_disconnect_and_stays_down():
    story = watched()
    story.link.start()
    story.advance(10)
    story.link.stop()
    story.advance(100000)
    eq(story.broker.seen[-1].kind, peer.DISCONNECT)
    eq((story.client.state, story.wire.opens), (DOWN, 1))
    eq(story.last(), (CLOSED, 0, 0))
    eq(story.driver.deadline(), -1)
    story.link.start()
    story.advance(8100)
    eq((story.client.state, story.wire.opens), (UP, 2))


def test_stop_while_waiting_ends_the_waiting():
    story = watched()
    refuse(story.wires)
    story.link.start()
    story.advance(5000)
    tried = attempts(story)
    story.link.stop()
    story.advance(100000)
    eq(attempts(story), tried)


def test_attempts_and_wait_are_shown():
    story = watched()
    refuse(story.wires)
    story.link.start()
    story.advance(1)
    less(0, story.link.attempts)
    within(1, story.link.wait_ms, 8000)


def test_the_wait_is_the_deadline_also_across_the_wrap():
    story = watched(getrandbits=always(1))
    refuse(story.wires)
    story.link.start()
    story.advance(1)
    for _ in range(6):
        before = attempts(story)
        ahead = ticks_diff(story.link.deadline(), story.now)
        within(1, ahead, 8000)
        story.now = (story.now + ahead - 1) & ((1 << 30) - 1)
        story.settle()
        eq(attempts(story), before)
        story.advance(2)
        eq(attempts(story), before + 1)


def accepted_and_ended(story, reason, more=b""):
    """One step brings CONNACK, `more`, and the end of the connection for that reason."""
    story.link.step(story.now)
    story.broker.serve()
    story.wire.send(more)
    if not more:
        story.wire.end()
    story.link.step(story.now)
    eq((story.client.connects, story.client.state), (1, DOWN))
    eq(story.of(CLOSED), [(reason, 0)])


def test_a_broker_that_accepts_and_closes_within_one_step_was_connected_and_is_kept():
    story = watched(count=2, getrandbits=always(0))
    story.link.start()
    story.link.step(story.now)
    accepted_and_ended(story, PEER_CLOSED)
    eq((story.link.index, story.link.wait_ms), (0, 1000))


def test_a_connection_that_ends_with_full_within_one_step_sets_the_wait_back():
    story = watched(count=2, getrandbits=always(0), max_held=1)
    story.broker.present = 1
    story.link.start()
    story.link.step(story.now)
    held = peer.publish(b"a", b"x", 2, 1)
    accepted_and_ended(story, FULL, held + peer.publish(b"a", b"y", 2, 2) + peer.pubrel(1))
    eq((story.link.index, story.link.wait_ms), (0, 500))

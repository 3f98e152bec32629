"""Keep alive, ping, and the clock's wrap at 2^30 ms."""

import peer
from check import eq, less, true, within
from exchange import silent
from mqtt import ACK_TIMEOUT, ACKED, CLOSED, PING_TIMEOUT, SEND_TIMEOUT, UP
from story import MASK, START, Inbox, Story, ticks_diff


def test_an_idle_client_never_stays_silent_longer_than_its_keepalive():
    # MQTT-3.1.2-23
    story = Story(keepalive=10).connect()
    silent_since = story.now
    for _ in range(600):
        seen = len(story.broker.seen)
        story.advance(100)
        if len(story.broker.seen) != seen:
            silent_since = story.now
        less(ticks_diff(story.now, silent_since), 10001)
    eq(story.client.state, UP)
    pings = len(story.broker.of(peer.PINGREQ))
    within(5, pings, 12)
    eq(story.client.pings, pings)


def test_no_ping_is_sent_while_other_packets_go_out_and_come_in():
    story = Story(keepalive=10).connect()
    for _ in range(60):
        story.client.publish(b"t", b"x", qos=1)
        story.advance(1000)
    eq(story.broker.of(peer.PINGREQ), [])


def test_what_comes_in_does_not_replace_what_must_go_out():
    # MQTT-3.1.2-23 counts what the client sends
    story = Story(keepalive=10)
    inbox = Inbox()
    story.client.subscribe(b"a", 0, inbox.handler)
    story.connect()
    for _ in range(60):
        story.deliver(b"a", b"x")
        story.advance(1000)
    less(4, len(story.broker.of(peer.PINGREQ)))


def test_keepalive_0_sends_no_ping_in_a_day():
    story = Story(keepalive=0).connect()
    story.advance(86400000)
    eq((story.broker.of(peer.PINGREQ), story.client.state), ([], UP))


def test_a_missing_pingresp_ends_the_connection():
    story = Story(keepalive=10, ack_timeout_ms=3000).connect()
    story.broker.mute.add(peer.PINGREQ)
    story.advance(9990 + 3000)
    story.advance(100)
    eq(story.of(CLOSED), [(PING_TIMEOUT, 0)])


def test_a_half_open_link_is_noticed_within_keepalive_and_the_ack_timeout():
    for qos in (0, 1):
        story = Story(keepalive=10, ack_timeout_ms=3000).connect()
        story.wire.half_open = True
        began = story.now
        while story.client.state == UP:
            story.client.publish(b"t", b"x", qos=qos)
            story.advance(500)
            less(ticks_diff(story.now, began), 14000)
        true(story.last()[1] in (PING_TIMEOUT, ACK_TIMEOUT))


def test_a_ping_is_sent_even_when_the_outbox_is_full():
    story = Story(keepalive=10, ack_timeout_ms=100000, tx_size=64)
    story.broker.mute.add(peer.PUBLISH)
    story.connect()
    while story.client.publish(b"t", b"x" * 10, qos=1) > 0:
        pass
    story.advance(30000)
    less(1, len(story.broker.of(peer.PINGREQ)))


def test_timeouts_are_exact_across_the_wrap_of_the_clock():
    story = Story(keepalive=0, ack_timeout_ms=5000)
    story.broker.mute.add(peer.PUBLISH)
    story.connect()
    story.client.publish(b"t", b"x", qos=1)
    story.settle()
    sent = story.now
    while story.client.state == UP:
        story.advance(1)
    eq(ticks_diff(story.now, sent), 5000)
    less(story.now, START)  # the wrap lay between
    eq(story.last(), (CLOSED, ACK_TIMEOUT, 0))


def test_the_deadline_is_a_tick_value_also_across_the_wrap():
    story = Story(keepalive=10).connect()
    for _ in range(40):
        deadline = story.client.deadline()
        within(0, deadline, MASK)
        within(0, ticks_diff(deadline, story.now), 10000)
        story.advance(300)


def test_days_pass_with_no_trouble():
    story = Story(keepalive=60)
    story.connect()
    for _ in range(60):
        story.advance(3600000)
        story.client.publish(b"t", b"x", qos=1)
        story.settle()
    eq((story.client.state, story.client.closes, story.client.acked), (UP, 0, 60))


def test_late_steps_do_no_harm_by_themselves():
    # a sensor's read holds the interpreter for 275 ms, flash writes for longer
    story = Story(keepalive=10, ack_timeout_ms=3000).connect()
    for _ in range(50):
        story.client.publish(b"t", b"x", qos=1)
        story.client.step(story.now)
        story.broker.serve()  # the ack is there, but nobody looks for 4 s
        story.now = (story.now + 4000) & MASK
        story.settle()
    eq((story.client.state, story.client.acked), (UP, 50))


def test_a_late_step_tries_a_stuck_transport_once_more_before_it_gives_up():
    for moves in (True, False):
        story = Story(keepalive=0, ack_timeout_ms=3000).connect()
        story.wire.stuck = True
        handle = story.client.publish(b"t", b"x", qos=1)
        story.settle()
        true(story.client.blocked)
        story.wire.stuck = not moves  # and nobody looks for 4 s
        story.now = (story.now + 4000) & MASK
        story.settle()
        if moves:
            eq((story.client.state, story.of(ACKED)), (UP, [(handle, 1)]))
        else:
            eq(story.of(CLOSED), [(SEND_TIMEOUT, 0)])


def dribble(story, size):
    """Let the client write so many bytes, one each 100 ms; it is then the time of the last one."""
    story.wire.write_limit = 1
    for k in range(size):
        if k:
            story.now = (story.now + 100) & MASK
        writes = story.wire.writes
        story.client.step(story.now)
        eq((story.wire.writes, story.client.state), (writes + 1, UP), "byte %d" % k)
    story.wire.write_limit = 10000
    story.broker.serve()


def times_out_in(story, ms):
    """It waits no less and no more than `ms` from now on."""
    story.advance(ms - 1)
    eq(story.client.state, UP)
    story.advance(1)
    eq(story.last(), (CLOSED, ACK_TIMEOUT, 0))


def test_the_time_for_a_suback_or_unsuback_runs_from_the_last_byte_of_the_request():
    flt = b"f" * 20
    for kind in (peer.SUBSCRIBE, peer.UNSUBSCRIBE):
        story = silent(kind, keepalive=0, ack_timeout_ms=2000)
        story.client.subscribe(flt, 1, print)
        if kind == peer.UNSUBSCRIBE:
            story.settle()
            story.client.unsubscribe(flt)
        dribble(story, 26 + (kind == peer.SUBSCRIBE))
        eq(len(story.broker.of(kind)), 1)
        times_out_in(story, 2000)


def test_the_time_for_a_pubcomp_runs_from_the_last_byte_of_a_pubrel_sent_again():
    story = silent(peer.PUBREL, keepalive=0, ack_timeout_ms=2000)
    for _ in range(8):
        story.client.publish(b"t", b"x", qos=2)
    story.settle()
    story.wire.reset()
    story.settle()
    story.forget()
    story.broker.present = 1
    story.client.connect()
    story.client.step(story.now)  # CONNECT
    story.broker.serve()
    dribble(story, 8 * 4)
    eq(len(story.broker.of(peer.PUBREL)), 8)
    times_out_in(story, 2000)


def test_a_driver_that_never_asks_for_the_deadline_still_pings_in_time_once_a_stuck_link_moves():
    story = Story(keepalive=4, ack_timeout_ms=10000).connect()

    def longest_silence(ms):
        longest, silent_since, writes = 0, story.now, story.wire.writes
        for _ in range(ms // 10):
            story.now = (story.now + 10) & MASK
            story.step()
            if story.wire.writes != writes:
                silent_since, writes = story.now, story.wire.writes
            longest = max(longest, ticks_diff(story.now, silent_since))
        return longest

    story.wire.stuck = True
    longest_silence(3500)
    true(story.client.pings and story.client.blocked)
    story.wire.stuck = False
    less(longest_silence(20000), 4000)
    eq(story.client.state, UP)

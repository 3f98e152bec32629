"""A publish handed to the link at once, and a link that takes a part of it, or breaks."""

import peer
from check import eq
from exchange import WAYS, pattern, publisher, silent
from mqtt import ACKED, CLOSED, DOWN, PEER_CLOSED, TRANSPORT, UP
from story import Inbox, Story


def test_the_rest_of_one_that_leaves_in_part_goes_before_all_else():
    for how, qos in WAYS:
        for cut in range(1, 30):
            story = Story(tx_size=4000, keepalive=0, rx_size=300)
            inbox = Inbox()
            story.client.subscribe(b"a/#", 1, inbox.handler)
            story.connect()
            put = publisher(story, how, qos)
            story.settle()
            story.forget()
            story.wire.write_limit = cut
            writes = story.wire.writes
            handles = [put(pattern(40))]
            eq(story.wire.writes - writes, 1)
            handles.append(put(b"second"))
            eq(story.wire.writes - writes, 1, "no byte of another")
            story.client.subscribe(b"b", 0, inbox.handler)
            story.wire.send(peer.publish(b"a/b", b"x", 1, 7))
            story.wire.write_limit = 10000
            story.settle()
            what = "%s QoS %d, %d bytes" % (how, qos, cut)
            kinds = [packet.kind for packet in story.broker.seen if packet.kind != peer.PUBREL]
            eq(kinds, [peer.PUBLISH, peer.PUBACK, peer.SUBSCRIBE, peer.PUBLISH], what)
            eq(story.broker.payloads(), [pattern(40), b"second"], what)
            eq(story.of(ACKED), [(handle, qos) for handle in handles], what)


def test_the_rest_of_one_that_left_in_part_may_be_lost_and_all_of_it_is_sent_again():
    for how, qos in WAYS:
        story = silent(keepalive=0, clean_session=False)
        put = publisher(story, how, qos)
        story.settle()
        story.wire.write_limit = 5
        handle = put(pattern(40))
        story.wire.write_limit = 10000
        story.broker.mute.clear()
        story.reconnect(present=1)
        eq(story.broker.publishes(), [(b"topic", pattern(40), qos, 1 if qos else 0)])
        eq(story.of(ACKED), [(handle, qos)])


def raising_write(story):
    """From now on write() raises, though nothing else shows that the link is broken."""

    def write(buf, off, n):
        raise OSError(5)

    story.wire.write = write


def test_one_whose_write_raises_ends_the_connection_at_the_next_step_and_is_sent_again():
    for how, qos in WAYS:
        story = Story(clean_session=False).connect()
        put = publisher(story, how, qos)
        story.settle()
        story.forget()
        write = story.wire.write
        raising_write(story)
        handles = [put(b"first")]
        handles.append(put(b"second"))
        eq((story.client.state, story.events), (UP, []))
        story.wire.write = write
        eq(story.client.deadline(), story.client.now)
        story.client.step(story.now)
        eq((story.client.state, story.last()[:2]), (DOWN, (CLOSED, TRANSPORT)))
        story.broker.present = 1
        story.connect()
        eq(story.broker.payloads(), [b"first", b"second"])
        eq(story.of(ACKED), [(handle, qos) for handle in handles])
        # no byte was taken: it is the first time, also for what was queued behind it
        eq([packet.dup for packet in story.broker.of(peer.PUBLISH)], [0, 0])
        eq((story.client.sent, story.client.resent), (2, 0))


def test_one_whose_write_says_closed_or_an_error_ends_the_connection_at_the_next_step():
    for how, qos in WAYS:
        for answer in (0, -104):
            story = Story(clean_session=False).connect()
            put = publisher(story, how, qos)
            story.settle()
            write = story.wire.write
            story.wire.write = lambda buf, off, n, answer=answer: answer
            handle = put(b"x")
            eq(story.client.state, UP)
            story.client.step(story.now)
            eq(story.client.state, DOWN)
            eq(story.last(), (CLOSED, TRANSPORT, -104) if answer else (CLOSED, PEER_CLOSED, 0))
            story.wire.write = write
            story.broker.present = 1
            story.connect()
            eq((story.broker.payloads(), story.of(ACKED)), ([b"x"], [(handle, qos)]))

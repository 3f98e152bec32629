"""What raises outside of the client leaves the call that was under way; the next one goes on."""

import peer
from check import eq, raises, true
from exchange import HOW, WAYS, ids, publisher, say, sent_alone
from mqtt import ACKED, CLOSED, CONNECTING, DOWN, PEER_CLOSED, UP
from story import Story


def test_a_step_that_raises_what_no_transport_should_raises_it_once_and_goes_on():
    for kind in (ValueError, KeyboardInterrupt):
        story, handle = sent_alone("publish")
        readinto = story.wire.readinto

        def broken(buf, n, kind=kind):
            raise kind("of the transport")

        story.wire.readinto = broken
        raises(kind, story.client.step, story.now)
        story.wire.readinto = readinto
        say(story, peer.puback(ids(story)[0]))
        eq((story.client.state, story.events), (UP, [(ACKED, handle, 1)]))


def test_a_step_that_raised_while_nobody_is_told_anything_is_followed_by_a_step_like_any_other():
    for kind in (ValueError, KeyboardInterrupt):
        for how in HOW:
            story, _ = sent_alone(how)
            story.client.on_event = None
            readinto = story.wire.readinto

            def broken(buf, n, kind=kind):
                raise kind("of the transport")

            story.wire.readinto = broken
            raises(kind, story.client.step, story.now)
            story.wire.readinto = readinto
            story.wire.send(peer.puback(ids(story)[0]))
            eq(story.client.step(story.now), UP)
            eq((story.client.acked, story.client.queued), (1, 0))


def test_a_transport_that_raises_when_it_is_closed_is_closed_all_the_same():
    story = Story().connect()
    close = story.wire.close

    def broken():
        close()
        raise OSError(5)

    story.wire.close = broken
    story.wire.end()
    story.client.step(story.now)
    eq((story.client.state, story.last()), (DOWN, (CLOSED, PEER_CLOSED, 0)))
    story.client.connect()
    story.client.step(story.now)
    eq(story.client.state, CONNECTING)


def test_an_exception_of_the_event_that_tells_an_end_leaves_step_and_the_client_goes_on():
    for kind in (KeyboardInterrupt, SystemExit, GeneratorExit):
        story, _ = sent_alone("publish")

        def stop(event, a, b, kind=kind):
            raise kind

        told = story.client.on_event
        story.client.on_event = stop
        story.wire.raises = True
        story.wire.reset()
        raises(kind, story.client.step, story.now)
        eq((story.client.state, story.client.queued), (DOWN, 1))
        story.client.on_event = told
        story.wire.raises = False
        story.broker.mute.clear()
        story.broker.present = 1
        story.connect()
        eq(story.client.queued, 0)


def test_a_transport_may_raise_anything_in_any_of_its_methods():
    for kind in (ValueError, KeyboardInterrupt, GeneratorExit, MemoryError):
        for method in ("open", "readinto", "write", "close"):
            story = Story(clean_session=False)
            whole = getattr(story.wire, method)

            def broken(*arguments, kind=kind):
                raise kind

            if method != "open":
                story.connect()
            story.client.eager = False
            story.settle()
            story.client.publish(b"t", b"x", qos=1)
            setattr(story.wire, method, broken)
            if method == "open":
                story.client.connect()
            elif method == "close":
                story.wire.end()
            raises(kind, story.client.step, story.now)
            setattr(story.wire, method, whole)
            story.settle()
            story.broker.present = 1 if story.broker.seen else 0
            if story.client.state == DOWN:
                story.connect()
            story.settle()
            eq((story.client.queued, story.broker.payloads()[-1:]), (0, [b"x"]), method)


def test_what_a_transport_raises_leaves_the_publish_and_the_next_one_goes_out():
    for kind in (ValueError, KeyboardInterrupt, GeneratorExit, MemoryError):
        for how, qos in WAYS:
            story = Story().connect()
            story.forget()
            publish = publisher(story, how, qos)
            write = story.wire.write

            def broken(*arguments, kind=kind):
                raise kind

            for _ in range(2):
                story.wire.write = broken
                raises(kind, publish, b"first")
                story.wire.write = write
                true(publish(b"second") > 0)
                story.settle()
            eq(story.broker.payloads()[-2:], [b"second"] * 2)
            eq((story.client.state, story.client.queued), (UP, 0))

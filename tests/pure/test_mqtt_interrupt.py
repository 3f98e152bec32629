"""Ctrl-C between any two instructions, or want of memory, leaves the call that was under way, and
nothing else."""

try:
    from micropython import heap_lock, heap_unlock
except ImportError:  # CPython

    def heap_lock():
        pass

    heap_unlock = heap_lock

import peer
from check import eq, raises, true
from exchange import HOW, WAYS, publisher
from interrupt import after
from mqtt import DOWN, FULL, UP
from story import Story


def test_ctrl_c_while_a_publish_is_refused_leaves_the_next_ones_as_they_were():
    for how in HOW:
        story = Story(tx_size=300)
        publish = publisher(story, how, 1)
        while publish(b"queued") > 0:
            pass
        refuse = story.client.refuse
        story.client.refuse = after(FULL)
        raises(KeyboardInterrupt, publish, b"interrupted")
        story.client.refuse = refuse
        eq(publish(b"refused"), FULL)
        story.connect()
        eq(story.client.queued, 0)
        true(publish(b"last") > 0)
        story.settle()
        eq(set(story.broker.payloads()), {b"queued", b"last"})


def test_ctrl_c_while_the_transport_fails_in_a_publish_leaves_the_next_ones_as_they_were():
    for how, qos in WAYS:
        story = Story(clean_session=False).connect()
        publish = publisher(story, how, qos)
        write = story.wire.write
        story.wire.write = after(error=OSError(104))
        raises(KeyboardInterrupt, publish, b"interrupted")
        story.wire.write = write
        true(publish(b"last") > 0)
        story.settle()
        if story.client.state == DOWN:
            story.broker.present = 1
            story.connect()
        story.settle()
        eq((story.client.queued, story.broker.payloads()[-1]), (0, b"last"))


def test_ctrl_c_while_the_transport_fails_in_a_step_leaves_the_next_ones_as_they_were():
    for method in ("readinto", "write"):
        story = Story().connect()
        story.client.eager = False
        story.settle()
        story.client.publish(b"t", b"queued", qos=1)
        whole = getattr(story.wire, method)
        setattr(story.wire, method, after(error=OSError(104)))
        raises(KeyboardInterrupt, story.client.step, story.now)
        setattr(story.wire, method, whole)
        eq(story.client.step(story.now), UP)
        story.settle()
        eq((story.client.queued, len(story.broker.of(peer.PUBLISH))), (0, 1))


def test_a_publish_that_finds_no_memory_leaves_the_next_ones_as_they_were():
    error = MemoryError()

    def broken(buf, at, n):
        raise error

    for how, qos in WAYS:
        story = Story().connect()
        publish = publisher(story, how, qos)
        write = story.wire.write
        publish(b"first")
        story.settle()
        story.wire.write = broken
        left = False
        heap_lock()
        try:
            publish(b"lost")
        except MemoryError:
            left = True
        finally:
            heap_unlock()
        story.wire.write = write
        true(left)
        true(publish(b"last") > 0)
        story.settle()
        eq((story.client.queued, story.broker.payloads()), (0, [b"first", b"last"]))

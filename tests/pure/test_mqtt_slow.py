"""A slow peer, and an outbox full of what it has not acknowledged: what passes all the same."""

import peer
from check import eq, true
from mqtt import ACKED, FULL, UP
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


def crowded(qos=1, **options):
    """A connected story that listens to a/#, its outbox full of unacknowledged messages."""
    options.setdefault("tx_size", 128)
    story = Story(clean_session=False, **options)
    inbox = Inbox()
    story.client.subscribe(b"a/#", 2, inbox.handler)
    story.connect()
    story.broker.mute.update((peer.PUBLISH, peer.PUBREC))
    while publish(story, 1, 20, qos) > 0:
        pass
    story.settle()
    return story, inbox


def test_every_answer_and_every_ping_passes_a_full_outbox():
    story, inbox = crowded(ack_timeout_ms=100000, keepalive=10, max_held=60)
    for ident in range(1, 50):
        story.deliver(b"a", b"1", 1, ident)
        story.deliver(b"a", b"2", 2, ident)
        story.deliver(b"a", b"2", 2, ident, dup=1)
        story.wire.send(peer.pubrel(ident) + peer.pubrec(60000 + ident))
        story.settle()
    wanted = list(range(1, 50))
    eq(story.broker.ids(peer.PUBACK), wanted)
    eq(len(story.broker.ids(peer.PUBREC)), 98)
    eq(story.broker.ids(peer.PUBCOMP), wanted)
    eq(story.broker.ids(peer.PUBREL), [60000 + ident for ident in wanted])
    story.advance(20000)
    true(story.broker.of(peer.PINGREQ))
    eq(story.client.publish(b"t", b"x" * 20, qos=1), FULL)


def test_a_half_sent_packet_is_finished_before_acks_pings_and_new_work():
    for qos in (0, 1, 2):
        story = Story(keepalive=10, ack_timeout_ms=100000)
        inbox = Inbox()
        story.client.subscribe(b"a/#", 2, inbox.handler)
        story.broker.mute.update((peer.PUBREC, peer.PUBLISH))
        story.connect()
        story.forget()
        story.wire.write_limit = 1
        story.client.publish(b"topic", b"the first of all", qos=qos)
        story.client.step(story.now)
        story.wire.stuck = True
        story.client.publish(b"topic", b"second", qos=qos)
        story.client.subscribe(b"b", 0, inbox.handler)
        story.wire.send(peer.publish(b"a", b"", 1, 7) + peer.publish(b"a", b"", 2, 8))
        story.now = (story.now + 8000) & ((1 << 30) - 1)
        for _ in range(5):
            story.client.step(story.now)
        story.wire.stuck = False
        story.settle()
        kinds = [packet.kind for packet in story.broker.seen][:6]
        acks = [peer.PUBACK, peer.PUBREC, peer.PINGREQ]
        eq(kinds, [peer.PUBLISH] + acks + [peer.SUBSCRIBE, peer.PUBLISH], "QoS %d" % qos)
        eq((inbox.payloads(), story.client.state), ([b"", b""], UP))


def test_a_slow_peer_blocks_no_step_and_loses_nothing():
    story = Story(keepalive=0).connect()
    for k in range(60):
        true(publish(story, k, 10, k % 3) > 0)
        story.wire.write_limit = 1 + k % 5
        writes = story.wire.writes
        story.step()
        true(story.wire.writes - writes <= 32)
        story.settle()
    eq(numbers(story), list(range(60)))


def test_replacing_at_qos_2_keeps_the_handle_and_takes_one_exchange():
    story = Story(tx_size=64)
    publication = story.client.prepare(b"t", 20, qos=2, replace=True)
    handles = set()
    for k in range(9):
        publication.buf[publication.start : publication.start + 4] = b"%04d" % k
        handles.add(publication.send(4))
    client = story.client
    eq((len(handles), client.replaced, client.refused, client.dropped), (2, 7, 0, 0))
    story.connect()
    eq((numbers(story), len(story.of(ACKED))), ([0, 8], 2))


def test_both_policies_together_give_up_other_messages_before_the_newest_reading_changes():
    story = dropping()
    publication = story.client.prepare(b"t", 10, replace=True)
    for k in range(6):
        publish(story, k)
    publication.buf[publication.start :] = b"0100......"
    true(publication.send(10) > 0)
    eq((story.client.dropped, story.client.replaced), (1, 0))
    story.connect()
    eq(numbers(story), [1, 2, 3, 4, 5, 100])

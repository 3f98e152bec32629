"""QoS 2 as the sender: PUBLISH, PUBREC, PUBREL, PUBCOMP, over reconnects and lost sessions."""

import peer
from check import eq, true
from exchange import outline, say, silent
from mqtt import (
    ACK_TIMEOUT,
    ACKED,
    CLOSED,
    UP,
)
from story import Story


def test_a_qos_2_publish_is_acked_by_pubcomp_and_by_nothing_before():
    # MQTT-4.3.3-1, 2.3.1-1, 2.3.1-6
    story = silent()
    handle = story.client.publish(b"a/b", b"once", qos=2, retain=True)
    story.settle()
    packet = story.broker.of(peer.PUBLISH)[0]
    eq((packet.qos, packet.dup, packet.retain, packet.payload), (2, 0, 1, b"once"))
    say(story, peer.pubrec(packet.id))
    eq(story.broker.ids(peer.PUBREL), [packet.id])
    eq((story.of(ACKED), story.client.inflight, story.client.queued), ([], 1, 1))
    say(story, peer.pubcomp(packet.id))
    eq(story.of(ACKED), [(handle, 2)])
    client = story.client
    eq((client.inflight, client.queued, client.sent, client.acked), (0, 0, 1, 1))


def test_a_well_behaved_broker_gets_every_qos_2_publish_once_in_order():
    story = Story().connect()
    for k in range(20):
        true(story.client.publish(b"t", b"%d" % k, qos=2) > 0)
        story.settle()
    eq(story.broker.delivered, [(b"t", b"%d" % k) for k in range(20)])
    eq((len(story.of(ACKED)), len(story.broker.of(peer.PUBREL))), (20, 20))


def test_a_prepared_publication_goes_out_at_qos_2_and_replaces_under_its_id():
    story = Story(tx_size=64)
    publication = story.client.prepare(b"t", 40, qos=2, replace=True)
    publication.buf[publication.start] = 65
    handle = publication.send(1)
    publication.buf[publication.start] = 66
    eq(publication.send(1), handle)
    story.connect()
    eq((story.broker.delivered, story.of(ACKED)), ([(b"t", b"B")], [(handle, 2)]))


def test_without_pubrec_the_publish_goes_out_again_with_its_id_and_dup():
    # MQTT-3.3.1-1, 4.4.0-1, 2.3.1-3, 3.1.2-4
    story = silent()
    handle = story.client.publish(b"t", b"x", qos=2)
    story.settle()
    ident = story.broker.ids()[0]
    story.reconnect(present=1)
    eq(outline(story), [(peer.PUBLISH, ident, 0), (peer.PUBLISH, ident, 1)])
    story.broker.mute.clear()
    story.reconnect(present=1)
    eq((story.of(ACKED), len(story.broker.delivered)), ([(handle, 2)], 1))


def test_after_pubrec_pubrel_goes_out_again_and_the_publish_never():
    # MQTT-4.3.3-1, 4.4.0-1
    story = silent()
    handle = story.client.publish(b"t", b"x", qos=2)
    story.settle()
    ident = story.broker.ids()[0]
    say(story, peer.pubrec(ident))
    for turn in range(1, 4):
        story.reconnect(present=1)
        story.advance(1000)
        rest = [(peer.PUBREL, ident, None)] * (1 + turn)
        eq(outline(story), [(peer.PUBLISH, ident, 0)] + rest)
        eq(story.client.inflight, 1)
    say(story, peer.pubcomp(ident))
    eq(story.of(ACKED), [(handle, 2)])
    eq((story.client.resent, story.client.queued), (0, 0))


def test_nothing_is_sent_twice_on_one_connection():
    # resending belongs to the next connection only
    story = silent(ack_timeout_ms=100000, keepalive=0)
    story.client.publish(b"t", b"0", qos=2)
    story.client.publish(b"t", b"1", qos=2)
    story.settle()
    say(story, peer.pubrec(story.broker.ids()[0]))
    story.advance(99000)
    eq([kind for kind, _, _ in outline(story)], [peer.PUBLISH, peer.PUBLISH, peer.PUBREL])


def test_a_repeated_pubrec_gets_its_pubrel_each_time_and_one_acked():
    story = silent()
    handle = story.client.publish(b"t", b"x", qos=2)
    story.settle()
    ident = story.broker.ids()[0]
    say(story, peer.pubrec(ident) * 3)
    eq(story.broker.ids(peer.PUBREL), [ident] * 3)
    say(story, peer.pubcomp(ident) * 3)
    eq((story.of(ACKED), story.client.stray, story.client.state), ([(handle, 2)], 2, UP))


def cut_while_writing(byte, payloads):
    """A story whose link breaks when the client writes that byte of the exchange."""
    story = Story(clean_session=False).connect()
    story.wire.write_limit = 1
    story.wire.fail_write_in = byte
    for payload in payloads:
        story.client.publish(b"t", payload, qos=2)
    story.settle()
    if story.client.state == UP:
        return None
    story.wire.fail_write_in = None
    story.broker.present = 1
    return story.connect()


def test_a_link_that_breaks_at_any_byte_sent_delivers_exactly_once_in_order():
    payloads = [b"zero", b"one", b"two"]
    cuts = 0
    while True:
        story = cut_while_writing(cuts, payloads)
        if story is None:
            break
        eq(story.broker.delivered, [(b"t", payload) for payload in payloads], "byte %d" % cuts)
        eq([qos for _, qos in story.of(ACKED)], [2, 2, 2], "byte %d" % cuts)
        eq(story.client.queued, 0)
        cuts += 1
    eq(cuts, 3 * (7 + 4) + len(b"".join(payloads)))


def test_a_link_that_breaks_at_any_byte_received_delivers_exactly_once_in_order():
    for lost in range(2 * 4 * 2):
        story = silent()
        for k in range(2):
            story.client.publish(b"t", b"%d" % k, qos=2)
        story.settle()
        left = lost
        for answer in (peer.pubrec, peer.pubcomp):
            for ident in story.broker.ids()[:2]:
                story.wire.send(answer(ident)[: max(0, left)])
                left -= 4
            story.settle()
        story.broker.mute.clear()
        story.reconnect(present=1)
        eq(story.broker.delivered, [(b"t", b"0"), (b"t", b"1")], "byte %d" % lost)
        eq([qos for _, qos in story.of(ACKED)], [2, 2], "byte %d" % lost)


def test_everything_goes_out_again_in_the_order_it_was_first_sent():
    # MQTT-4.6.0-1
    story = silent(max_inflight=8, tx_size=1024)
    for k in range(6):
        story.client.publish(b"t", b"%d" % k, qos=1 + k % 2)
    story.settle()
    ids = story.broker.ids()
    say(story, peer.pubrec(ids[3]))
    story.forget()
    story.reconnect(present=1)
    again = [(peer.PUBLISH, ids[k], 1) for k in range(6)]
    again[3] = (peer.PUBREL, ids[3], None)
    eq(outline(story), again)


def test_pubrels_keep_the_order_of_the_pubrecs():
    # MQTT-4.6.0-4
    story = silent(max_inflight=8)
    for k in range(5):
        story.client.publish(b"t", b"%d" % k, qos=2)
    story.settle()
    ids = story.broker.ids()
    order = [ids[k] for k in (2, 0, 4, 1, 3)]
    say(story, b"".join(peer.pubrec(ident) for ident in order))
    eq(story.broker.ids(peer.PUBREL), order)


def test_pubcomps_and_pubacks_out_of_order_are_accepted():
    story = silent(max_inflight=8)
    handles = [story.client.publish(b"t", b"%d" % k, qos=1 + k % 2) for k in range(6)]
    story.settle()
    ids = story.broker.ids()
    for k in (5, 1, 3):
        say(story, peer.pubrec(ids[k]))
    for k in (3, 4, 5, 0, 2, 1):
        say(story, (peer.pubcomp if k % 2 else peer.puback)(ids[k]))
    eq([handle for handle, _ in story.of(ACKED)], [handles[k] for k in (3, 4, 5, 0, 2, 1)])
    eq((story.client.state, story.client.queued, story.client.stray), (UP, 0, 0))


def test_the_window_counts_a_qos_2_publish_until_its_pubcomp():
    story = silent(max_inflight=2)
    for k in range(3):
        story.client.publish(b"t", b"%d" % k, qos=2)
    story.settle()
    ids = story.broker.ids()
    say(story, peer.pubrec(ids[0]) + peer.pubrec(ids[1]))
    eq((len(story.broker.payloads()), story.client.inflight), (2, 2))
    say(story, peer.pubcomp(ids[1]))
    eq((story.broker.payloads(), story.client.inflight), ([b"0", b"1", b"2"], 2))


def test_a_round_trip_of_100_ms_does_not_limit_the_rate_to_ten_a_second():
    for qos, least in ((1, 80), (2, 40)):  # QoS 2 needs two round trips
        story = Story(max_inflight=8, keepalive=0).connect()
        for _ in range(10):  # a second, in which the broker answers ten times
            while story.client.publish(b"t", b"x", qos=qos) > 0:
                pass
            story.client.step(story.now)
            story.now = (story.now + 100) & ((1 << 30) - 1)
            story.broker.serve()
        story.client.step(story.now)
        true(story.client.acked >= least, "QoS %d: %d a second" % (qos, story.client.acked))


def test_an_id_is_not_free_before_pubcomp():
    # MQTT-2.3.1-2, 2.3.1-3
    story = silent()
    story.client.next_id = story.client.ids_end = 10
    story.client.publish(b"t", b"0", qos=2)
    story.settle()
    say(story, peer.pubrec(10))
    story.client.next_id = story.client.ids_end = 10
    story.client.publish(b"t", b"1", qos=2)
    story.settle()
    say(story, peer.pubcomp(10))
    story.client.next_id = story.client.ids_end = 10
    story.client.publish(b"t", b"2", qos=2)
    story.settle()
    eq(story.broker.ids(), [10, 11, 10])


def test_the_whole_exchange_has_one_time_limit_from_the_last_byte_of_the_publish():
    for answered in (False, True):
        story = silent(ack_timeout_ms=3000, keepalive=0)
        story.client.publish(b"t", b"x", qos=2)
        story.settle()
        story.advance(2000)
        if answered:
            say(story, peer.pubrec(story.broker.ids()[0]))
        story.advance(990)
        eq(story.client.state, UP)
        story.advance(20)
        eq((story.last(), story.client.queued), ((CLOSED, ACK_TIMEOUT, 0), 1))


def test_a_resent_pubrel_has_a_time_limit_of_its_own():
    story = silent(ack_timeout_ms=3000, keepalive=0)
    story.client.publish(b"t", b"x", qos=2)
    story.settle()
    say(story, peer.pubrec(story.broker.ids()[0]))
    story.advance(2000)
    story.reconnect(present=1)
    story.advance(2990)
    eq(story.client.state, UP)
    story.advance(20)
    eq(story.last(), (CLOSED, ACK_TIMEOUT, 0))

"""Opening and ending a connection: CONNECT, CONNACK, refusals, broken peers, deadlines."""

import peer
from check import eq, raises, true, within
from mqtt import (
    CLOSED,
    CONNECT_TIMEOUT,
    CONNECTED,
    CONNECTING,
    DOWN,
    MALFORMED,
    OPENING,
    PEER_CLOSED,
    REFUSED,
    SEND_TIMEOUT,
    TRANSPORT,
    UP,
    VIOLATION,
    Client,
)
from story import Story
from wire import Wire

ECONNREFUSED = -111


def connect_of(**options):
    story = Story(**options).connect()
    return story.broker.of(peer.CONNECT)[0]


def refused_with(data):
    """The CLOSED event after the peer's first bytes were `data`."""
    story = Story()
    story.broker.mute.add(peer.CONNECT)
    story.client.connect()
    story.settle()
    eq(story.client.state, CONNECTING)
    story.wire.send(data)
    story.settle()
    eq(story.client.state, DOWN)
    eq(story.wire.closes, 1)
    eq(story.of(CONNECTED), [])
    return story


def test_a_plain_connect_carries_client_id_keepalive_and_clean_session():
    # MQTT-3.1.0-1, 3.1.3-3; no field without its flag: 3.1.2-11, 3.1.2-13, 3.1.2-15, 3.1.2-18,
    # 3.1.2-20
    packet = connect_of(client_id=b"node-1", keepalive=37)
    eq(packet.client_id, b"node-1")
    eq(packet.keepalive, 37)
    eq(packet.clean, 1)
    eq((packet.will, packet.username, packet.password), (None, None, None))


def test_str_arguments_are_taken_as_utf8():
    # MQTT-3.1.3-4, 3.1.3-11
    packet = connect_of(client_id="n\u00e9", username="\u00fc", clean_session=False)
    eq(packet.client_id, b"n\xc3\xa9")
    eq(packet.username, b"\xc3\xbc")
    eq(packet.clean, 0)


def test_user_name_and_password_go_out_as_given():
    # MQTT-3.1.2-19, 3.1.2-21, 3.1.3-1
    packet = connect_of(username=b"anna", password=b"\x00\xff secret")
    eq((packet.username, packet.password), (b"anna", b"\x00\xff secret"))


def test_the_will_carries_topic_payload_qos_and_retain():
    # MQTT-3.1.2-9, 3.1.3-10
    packet = connect_of(will=(b"a/status", b"offline", 1, True), username=b"u")
    eq(packet.will, (b"a/status", b"offline", 1, 1))
    eq(packet.username, b"u")
    eq(connect_of(will=(b"a/status", b"", 0, False)).will, (b"a/status", b"", 0, 0))
    eq(connect_of(will=(b"a/status", b"x", 2, False)).will, (b"a/status", b"x", 2, 0))


def test_an_empty_client_id_is_sent_with_clean_session_and_refused_without():
    # MQTT-3.1.3-6, 3.1.3-7
    eq(connect_of(client_id=b"").client_id, b"")
    raises(ValueError, lambda: Client(b"", Wire(), clean_session=False))


def test_what_can_never_work_is_refused_at_set_up_with_a_clear_text():
    # MQTT-3.1.2-14, 3.1.2-22, 1.5.3-1, 1.5.3-2
    def refuse(word, client_id=b"x", **options):
        text = raises(ValueError, lambda: Client(client_id, Wire(), **options))
        true(word in text, "%r names %r" % (text, word))

    refuse("keepalive", keepalive=65536)
    refuse("keepalive", keepalive=-1)
    refuse("will", will=(b"a/+", b"", 0, False))
    refuse("will", will=(b"a", b"", 3, False))
    refuse("password", password=b"p")
    refuse("client_id", client_id=b"\xff\xfe")
    refuse("client_id", client_id=b"a\x00b")
    refuse("client_id", client_id=b"\xed\xa0\x80")
    refuse("username", username=b"\xc0\x80")


def test_every_connection_is_made_under_the_same_client_id():
    # MQTT-3.1.3-2: the session is that id's
    story = Story(client_id=b"node-1", clean_session=False).connect()
    for present in (1, 0, 1):
        story.reconnect(present)
    eq([packet.client_id for packet in story.broker.of(peer.CONNECT)], [b"node-1"] * 4)


def test_connected_hands_up_session_present():
    # MQTT-3.2.2-2
    for present in (0, 1):
        story = Story(clean_session=False)
        story.broker.present = present
        story.connect()
        eq(story.of(CONNECTED), [(present, 0)])
        eq(story.client.connects, 1)


def test_each_connack_code_is_a_refusal_with_that_code():
    # MQTT-3.2.2-4
    for code in (1, 2, 3, 4, 5):
        story = refused_with(peer.connack(0, code))
        eq(story.last(), (CLOSED, REFUSED, code))


def test_a_refusal_followed_at_once_by_a_reset_is_still_a_refusal():
    story = Story()
    story.broker.refuse = 5
    story.client.connect()
    while not story.broker.seen:
        story.step()
    story.wire.reset()
    story.settle()
    eq(story.last(), (CLOSED, REFUSED, 5))


def test_anything_but_connack_first_is_a_violation():
    # MQTT-3.2.0-1, 4.8.0-1
    for data in (
        peer.pingresp(),
        peer.publish(b"a", b"x"),
        peer.puback(1),
        peer.suback(1, 0),
        peer.unsuback(1),
    ):
        story = refused_with(data)
        eq(story.last(), (CLOSED, VIOLATION, 0), "%r" % data)
        eq(story.client.malformed, 1)


def test_a_connack_of_the_wrong_form_closes():
    for data in (
        b"\x20\x00",
        b"\x20\x01\x00",
        b"\x20\x03\x00\x00\x00",
        b"\x20\x02\x02\x00",  # reserved bits of the acknowledge flags
        b"\x21\x02\x00\x00",  # MQTT-2.2.2-2
    ):
        story = refused_with(data)
        true(story.last()[1] in (MALFORMED, VIOLATION), "%r: %r" % (data, story.last()))
        eq(story.client.malformed, 1)


def test_a_second_connack_closes():
    story = Story().connect()
    story.wire.send(peer.connack())
    story.settle()
    eq(story.last(), (CLOSED, VIOLATION, 0))


def test_garbage_instead_of_connack_closes():
    for data in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\x00\x00\x00", b"\xff\xff\xff\xff\xff"):
        eq(refused_with(data).last()[1], MALFORMED, "%r" % data)


def test_a_peer_that_closes_silently_is_told_apart_from_a_refusal():
    story = Story()
    story.broker.mute.add(peer.CONNECT)
    story.client.connect()
    story.settle()
    story.wire.end()
    story.settle()
    eq(story.last(), (CLOSED, PEER_CLOSED, 0))
    eq(story.client.state, DOWN)


def test_a_reset_gives_the_errno():
    # MQTT-4.8.0-2
    story = Story().connect()
    story.wire.reset()
    story.settle()
    eq(story.last(), (CLOSED, TRANSPORT, -104))
    eq(story.client.closes, 1)


def test_a_transport_that_raises_instead_is_treated_alike():
    # MicroPython's own socket does, for a failed connection
    story = Story().connect()
    story.wire.raises = True
    story.wire.reset()
    story.settle()
    eq(story.last(), (CLOSED, TRANSPORT, -104))
    eq((story.client.state, story.client.handler_errors), (DOWN, 0))
    for eager in (True, False):
        story.client.eager = eager
        story.connect()
        story.wire.fail_write_in = 0
        story.client.publish(b"t", b"x")
        story.settle()
        eq(story.last(), (CLOSED, TRANSPORT, -104))
    eq(story.client.handler_errors, 0)


def test_a_transport_that_cannot_open_gives_its_errno():
    story = Story()
    story.wire.opening = [None, None, ECONNREFUSED]
    story.client.connect()
    story.step()
    eq(story.client.state, OPENING)
    story.settle()
    eq(story.last(), (CLOSED, TRANSPORT, ECONNREFUSED))
    eq(story.client.state, DOWN)


def test_an_open_that_never_ends_times_out():
    story = Story(connect_timeout_ms=4000)
    story.wire.opening = [None] * 10000
    story.client.connect()
    story.advance(3990)
    eq(story.events, [])
    story.advance(20)
    eq(story.events, [(CLOSED, CONNECT_TIMEOUT, 0)])


def test_a_connack_that_never_comes_times_out():
    story = Story(connect_timeout_ms=4000)
    story.broker.mute.add(peer.CONNECT)
    story.client.connect()
    story.advance(3990)
    eq(story.client.state, CONNECTING)
    story.advance(20)
    eq(story.events, [(CLOSED, CONNECT_TIMEOUT, 0)])


def test_a_transport_that_takes_nothing_any_more_times_out():
    story = Story(ack_timeout_ms=2000, keepalive=0).connect()
    story.wire.stuck = True
    story.client.publish(b"a", b"x")
    story.advance(1900)
    eq(story.client.state, UP)
    story.advance(200)
    eq(story.of(CLOSED), [(SEND_TIMEOUT, 0)])


def test_a_client_makes_one_connection_per_connect():
    # MQTT-3.1.0-2 is checked by the broker of the story on every packet
    story = Story(keepalive=0).connect()
    story.wire.reset()
    story.advance(600000)
    eq(story.wire.opens, 1)
    eq(story.client.deadline(), -1)
    story.connect()
    eq(story.wire.opens, 2)
    eq(story.client.connects, 2)


def test_disconnect_sends_disconnect_closes_and_says_nothing_more():
    # MQTT-3.1.2-8, 3.14.1-1, 3.14.4-1, 3.14.4-2
    story = Story().connect()
    story.client.disconnect()
    story.settle()
    eq(story.broker.seen[-1].kind, peer.DISCONNECT)
    eq(story.last(), (CLOSED, 0, 0))
    eq((story.client.state, story.wire.is_open), (DOWN, False))


def test_a_broker_that_does_not_close_after_disconnect_is_closed_within_a_second():
    story = Story().connect()
    story.broker.mute.add(peer.DISCONNECT)
    story.client.disconnect()
    story.advance(1000)
    eq((story.last(), story.wire.is_open), ((CLOSED, 0, 0), False))


def test_disconnect_waits_for_the_half_sent_packet_only():
    story = Story(keepalive=0).connect()
    story.wire.write_limit = 5
    story.wire.block_writes = 0
    story.client.publish(b"topic", b"first of all", qos=1)
    story.client.publish(b"topic", b"second", qos=1)
    writes = story.wire.writes
    while story.wire.writes == writes:
        story.client.step(story.now)
        story.wire.block_writes = 2  # nothing more in this step
    story.wire.block_writes = 0
    story.client.disconnect()
    story.settle()
    eq(story.last(), (CLOSED, 0, 0))
    eq(story.broker.seen[-1].kind, peer.DISCONNECT)
    eq(story.broker.payloads(), [b"first of all"])


def test_disconnect_before_the_connection_is_up_ends_it():
    story = Story()
    story.broker.mute.add(peer.CONNECT)
    story.client.connect()
    story.settle()
    story.client.disconnect()
    story.settle()
    eq((story.client.state, story.wire.is_open), (DOWN, False))
    eq(story.last(), (CLOSED, 0, 0))


def test_connect_while_connected_changes_nothing():
    story = Story().connect()
    story.client.connect()
    story.settle()
    eq((story.client.state, story.wire.opens), (UP, 1))


def test_the_transport_can_be_changed_while_down():
    story = Story().connect()
    story.client.disconnect()
    story.settle()
    other = Wire()
    story.client.transport = story.wire = story.broker.wire = other
    story.broker.connection = 0
    story.connect()
    eq(other.opens, 1)


def test_the_deadline_of_an_idle_connection_is_its_ping():
    story = Story(keepalive=10).connect()
    story.advance(1)
    ahead = (story.client.deadline() - story.now) & ((1 << 30) - 1)
    within(1000, ahead, 10000)

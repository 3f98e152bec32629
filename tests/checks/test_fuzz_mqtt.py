"""No byte from the network stops the client (promise P5): arbitrary bytes, arbitrary pieces.

Runs on CPython only, where hypothesis looks for the input that breaks it.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

import peer
from feed import joined, pour
from mqtt import DOWN, UP
from mqtt.parser import Parser
from story import Inbox, Story

TOPIC = st.sampled_from([b"a", b"a/b", b"other", b"", b"a/+", b"\xff", b"a\x00"])
ID = st.integers(0, 65535)
PACKET = st.one_of(
    st.builds(
        peer.publish, TOPIC, st.binary(max_size=90), st.integers(0, 3), ID, st.integers(0, 1)
    ),
    st.builds(peer.puback, ID),
    st.builds(peer.suback, ID, st.sampled_from([0, 1, 2, 3, 0x80])),
    st.builds(peer.unsuback, ID),
    st.builds(peer.connack, st.integers(0, 2), st.integers(0, 6)),
    st.just(peer.pingresp()),
    st.builds(peer.packet, st.integers(0, 255), st.binary(max_size=6)),
    st.binary(max_size=12),
)
STREAM = st.lists(PACKET, max_size=8).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(stream=STREAM, piece=st.integers(1, 50))
def test_the_parser_finds_the_same_packets_in_pieces_of_any_size(stream, piece):
    def found(size):
        return joined(pour(Parser(64), stream, size))

    assert found(piece) == found(1 << 20)


@settings(max_examples=300, deadline=None)
@given(stream=STREAM, piece=st.integers(1, 50))
def test_the_client_survives_any_bytes_and_connects_again(stream, piece):
    story = Story(rx_size=64)
    inbox = Inbox()
    story.client.subscribe(b"a/#", 1, inbox.handler)
    handle = story.client.publish(b"t", b"kept or acked", None, 1)
    story.broker.mute.add(peer.PUBLISH)
    story.connect()
    story.wire.read_limit = piece
    story.wire.send(stream)
    story.settle()
    client = story.client
    assert client.state in (UP, DOWN)
    assert client.handler_errors == 0
    assert all(topic.startswith(b"a") for topic, *_ in inbox.got)
    assert client.closes == (client.state == DOWN) == client.malformed
    if client.state == DOWN:
        story.connect()
    story.wire.reset()
    story.settle()
    story.broker.mute.clear()
    story.connect()
    assert [b for b, _ in story.of(2)] == [handle]


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=30))
def test_whatever_comes_instead_of_connack_ends_in_a_clear_state(data):
    story = Story()
    story.broker.mute.add(peer.CONNECT)
    story.client.connect()
    story.settle()
    story.wire.send(data)
    story.wire.end()
    story.settle()
    assert story.client.state == DOWN
    assert story.last()[0] == 6 and story.last()[1] < 0
    story.broker.mute.clear()
    story.connect()

"""The ledger of the wire and the account of messages, from packets and arrivals made by hand."""

import pytest

from tools.proxy import DOWN, UP
from tools.run.account import SETTLE_S, settle
from tools.run.judge import Arrival, Listening
from tools.run.state import State
from tools.run.summary import in_order
from tools.run.wire import Decoder, Message, Wire


def packet(first, body):
    length, remaining = b"", len(body)
    while True:
        remaining, byte = remaining >> 7, remaining & 127
        length += bytes([byte | (128 if remaining else 0)])
        if not remaining:
            return bytes([first]) + length + body


def publish(number, topic=b"t", payload=b"p", dup=False):
    body = len(topic).to_bytes(2, "big") + topic + number.to_bytes(2, "big") + payload
    return packet(0x3A if dup else 0x32, body)


def puback(number):
    return packet(0x40, number.to_bytes(2, "big"))


def connack(session_present=0, code=0):
    return packet(0x20, bytes([session_present, code]))


def story(*steps):
    """A wire that saw these: (link, direction, bytes), a second apart."""
    wire = Wire()
    for at, (link, direction, data) in enumerate(steps, start=1):
        wire.tap(link, direction, data, float(at))
    return wire


def told(wire):
    return [(m.payload, m.sends, m.acked) for m in wire.snapshot()]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_packets_are_found_in_chunks_of_any_size(size):
    data = connack() + publish(7, payload=b"x" * 300) + puback(7)
    decoder = Decoder()
    packets = []
    for at in range(0, len(data), size):
        packets += decoder.feed(data[at : at + size])
    assert [p.kind for p in packets] == [2, 3, 4]
    assert packets[1].publish() == ("t", 7, b"x" * 300)
    assert not decoder.broken


def test_bytes_that_are_no_mqtt_are_noticed():
    assert story((1, UP, b"\x30\xff\xff\xff\xff\xff")).counts.broken == 1


def test_a_message_is_followed_from_publish_to_puback():
    wire = story((1, DOWN, connack()), (1, UP, publish(1)), (1, DOWN, puback(1)))
    assert told(wire) == [(b"p", 1, 3.0)]
    assert wire.unacknowledged() == []


def test_the_same_id_may_carry_a_new_message_once_it_is_acknowledged():
    wire = story((1, UP, publish(1)), (1, DOWN, puback(1)), (1, UP, publish(1)))
    assert told(wire) == [(b"p", 1, 2.0), (b"p", 1, None)]


def test_a_resend_on_a_new_connection_is_the_same_message():
    wire = story(
        (1, DOWN, connack()),
        (1, UP, publish(1)),
        (2, DOWN, connack(session_present=1)),
        (2, UP, publish(1, dup=True)),
        (2, DOWN, puback(1)),
    )
    assert told(wire) == [(b"p", 2, 5.0)]
    assert wire.counts.resent == 1


def test_a_resend_after_a_puback_that_never_reached_the_node_is_the_same_message():
    wire = story(
        (1, UP, publish(1)),
        (1, DOWN, puback(1)),
        (2, DOWN, connack(session_present=1)),
        (2, UP, publish(1, dup=True)),
        (2, DOWN, puback(1)),
    )
    assert told(wire) == [(b"p", 2, 2.0)]


def test_a_message_sent_as_new_after_a_lost_session_is_the_same_message():
    wire = story(
        (1, UP, publish(1, payload=b"a")),
        (1, UP, publish(2, payload=b"b")),
        (2, DOWN, connack()),
        (2, UP, publish(3, payload=b"a")),
        (2, DOWN, puback(3)),
    )
    assert told(wire) == [(b"a", 2, 5.0), (b"b", 1, None)]


def test_an_id_used_again_while_unacknowledged_leaves_the_first_message_open():
    wire = story(
        (1, UP, publish(1, payload=b"a")),
        (1, UP, publish(1, payload=b"b")),
        (1, DOWN, puback(1)),
    )
    assert told(wire) == [(b"a", 1, None), (b"b", 1, 3.0)]


def message(first, acked, payload=b"p", sends=1):
    return Message("t", payload, first, first, sends, acked)


def arrival(time, payload=b"p", retained=False):
    return Arrival(time, "t", payload, retained, False)


ALWAYS = [Listening(0.0)]


def test_what_was_acknowledged_and_seen_is_not_lost():
    account = settle([message(1, 2)], [arrival(1.5)], ALWAYS, [])
    assert (account.seen, account.lost, account.again) == (1, 0, 0)


def test_a_message_without_puback_is_lost_even_if_seen():
    account = settle([message(1, None)], [arrival(1.5)], ALWAYS, [])
    assert len(account.unacknowledged) == account.lost == 1


def test_an_acknowledged_message_a_listening_judge_never_saw_is_lost():
    account = settle([message(1, 2)], [], ALWAYS, [])
    assert len(account.unseen) == account.lost == 1


@pytest.mark.parametrize(
    "other",
    [arrival(0.5), arrival(1.5, retained=True), arrival(1.5, b"q")],
    ids=["older", "retained", "different"],
)
def test_another_arrival_does_not_stand_for_it(other):
    assert settle([message(1, 2)], [other], ALWAYS, []).lost == 1


def test_two_messages_of_one_content_need_two_arrivals():
    messages = [message(1, 2), message(5, 6)]
    assert settle(messages, [arrival(1.5)], ALWAYS, []).lost == 1
    assert settle(messages, [arrival(1.5), arrival(5.5)], ALWAYS, []).lost == 0


def test_a_second_copy_is_counted_apart():
    account = settle([message(1, 2, sends=2)], [arrival(1.5), arrival(1.9)], ALWAYS, [])
    assert (account.lost, account.again) == (0, 1)


def test_what_a_killed_broker_had_acknowledged_is_its_own_loss():
    listening = [Listening(0.0, 2.1), Listening(4.0)]
    account = settle([message(1, 2)], [], listening, [2.1])
    assert (account.lost, len(account.broker)) == (0, 1)
    account = settle([message(1, 2)], [], listening, [2.0 + SETTLE_S + 0.1])
    assert (account.lost, len(account.broker), account.unwatched) == (0, 0, 1)


def test_growth_of_the_heap_counts_until_the_node_is_told_to_end():
    state = State("s/n/")
    for grown, ending in ((96, False), (0, False), (11328, True)):
        state.ending = ending
        state.feed(Arrival(1.0, "s/n/health", b'{"grown":%d,"loop":3}' % grown, False, False))
    assert (state.grown, state.reports) == (96, 3)


def test_readings_must_be_rows_of_the_series_in_order():
    rows = [(1, 1), (2, 2), (2, 2), (3, 3), (4, 4)]
    assert in_order([(1, 1), (2, 2), (2, 2), (3, 3)], rows)
    assert in_order([(1, 1), (3, 3)], rows), "failed reads take rows"
    assert in_order([(1, 1), (1, 1), (2, 2)], rows), "QoS 1 may deliver twice"
    assert not in_order([(1, 1), (9, 9)], rows)
    assert not in_order([(3, 3), (2, 2)], rows)
    assert not in_order([(4, 4), (1, 1)], rows)

"""The parser: whole packets out of any chunks, in bounded buffers."""

import peer
from check import eq, true
from dice import Dice
from exchange import pattern
from feed import PIECE, WAYS, feed, joined, may_come, pour
from mqtt import MALFORMED
from mqtt.parser import STAGE, Parser, next_packet

GOOD = (
    peer.connack(1, 0),
    peer.connack(0, 5),
    peer.puback(1),
    peer.pubrec(65535),
    peer.pubrel(256),
    peer.pubcomp(2),
    peer.suback(3, 0, 1, 0x80),
    peer.unsuback(4),
    peer.pingresp(),
    peer.publish(b"a", b""),
    peer.publish(b"a/b", b"payload", 1, 77, retain=1, dup=1),
    peer.publish(b"t", b"x" * 61),
)
AROUND = sorted({n * STAGE + k for n in (1, 2, 3) for k in range(-4, 5)})  # 1..3 stages


def body_of(data):
    at = 1
    while data[at] > 127:
        at += 1
    return data[at + 1 :]


def sized(size):
    """A PUBLISH of exactly `size` bytes in all; of 130 only with its length in a byte too many."""
    head = 2 if size < 130 else 3
    body = b"\x00\x01t" + pattern(size - head - 3)
    return b"\x30\xff\x00" + body if size == 130 else peer.packet(0x30, body)


def test_each_packet_a_server_may_send_comes_out_whole_in_every_way():
    for data in GOOD:
        for way in WAYS:
            found = feed(data, way=way)
            eq(len(found), 1, "%r %s" % (data, way))
            eq((found[0].first, found[0].body), (data[0], body_of(data)), "%r %s" % (data, way))
            eq(found[0].oversize, False)


def test_a_stream_of_packets_comes_out_in_order_in_pieces_of_every_size():
    stream = b"".join(GOOD)
    for piece in range(1, STAGE + 1):
        found = pour(Parser(64), stream, piece)
        eq([copy.body for copy in found], [body_of(data) for data in GOOD], "piece %d" % piece)


def test_a_packet_is_the_same_wherever_it_lies_in_the_stage():
    # behind packets that shift it byte by byte, up to and over the end of what is read at once
    for before in range(5, STAGE + 3):
        data = GOOD[before % len(GOOD)]
        found = pour(Parser(STAGE), sized(before) + data + GOOD[0], STAGE)
        wanted = [body_of(sized(before)), body_of(data), body_of(GOOD[0])]
        eq([copy.body for copy in found], wanted, "behind %d bytes" % before)
        within = before % STAGE + len(data) <= STAGE
        eq(found[1].staged, within, "used where it lies if it lies there whole")


def test_a_packet_of_one_to_three_stages_straddles_reads_cut_anywhere():
    follower = peer.puback(7)
    for size in AROUND:
        data = sized(size)
        wanted = [(0x30, body_of(data)), (0x40, b"\x00\x07")] * 2
        for piece in (1, 2, 3, 50, 63, 64, 65, 100, STAGE - 2, STAGE - 1, STAGE):
            found = pour(Parser(4 * STAGE), (data + follower) * 2, piece)
            eq([copy.oversize for copy in found], [False] * 4)
            eq(joined(found), wanted, "%d bytes, %d at once" % (size, piece))


def test_a_packet_behind_another_at_every_distance_straddles_the_stage_unharmed():
    for size in (127, 128, 129, 130, 131, 255, 256, 300, 384, 385):
        data = sized(size)
        for before in range(5, STAGE + 2, 1 if size == 256 else 7):
            found = pour(Parser(4 * STAGE), sized(before) + data + GOOD[1], STAGE)
            wanted = [body_of(sized(before)), body_of(data), body_of(GOOD[1])]
            eq([copy.body for copy in found], wanted, "%d behind %d" % (size, before))


def test_what_lies_whole_in_the_stage_is_used_there_and_the_stage_left_as_it_is():
    parser = Parser(64)
    packets = (peer.puback(1), peer.publish(b"t", b"second"), peer.pingresp(), peer.puback(2))
    stream = b"".join(packets)
    parser.stage[: len(stream)] = stream
    parser.have = len(stream)
    at = 0
    for data in packets:
        eq(next_packet(parser), data[0])
        true(parser.buf is parser.stage)
        eq((parser.start, parser.end), (at + 2, at + len(data)))
        at += len(data)
    eq(bytes(parser.stage[:at]), stream)
    eq((next_packet(parser), parser.at, parser.have), (0, at, at))


def test_no_truncation_is_ever_taken_for_a_packet():
    for data in GOOD:
        for cut in range(1, len(data)):
            for way in ("whole", "byte by byte", "behind another"):
                eq(feed(data[:cut], way=way), [], "%r cut at %d" % (data, cut))


def test_remaining_lengths_at_each_boundary_are_read_right():
    for length in (0, 1, 127, 128, 129, 16383, 16384, 20000):
        data = peer.packet(0x30, pattern(length))
        for way in WAYS:
            found = feed(data, 20000, way)
            eq([(copy.first, copy.length) for copy in found], [(0x30, length)], way)
            eq(found[0].body, body_of(data), way)


def test_a_padded_remaining_length_is_only_a_long_way_to_write_it():
    # section 2.2.3 does not forbid it
    for way in WAYS:
        found = feed(b"\x30\x83\x80\x00\x00\x01a", way=way)
        eq([copy.body for copy in found], [b"\x00\x01a"])


def test_a_fifth_length_byte_is_malformed():
    for way in WAYS:
        found = feed(b"\x30\xff\xff\xff\xff\x01", way=way)
        eq([copy.first for copy in found], [MALFORMED], way)


def test_a_reserved_first_byte_is_malformed_or_given_up_with_its_packet_for_the_caller_to_judge():
    # MQTT-2.2.2-2, 3.3.1-4, 3.6.1-1; of a client that is fed them: test_mqtt_stream.py
    for first in range(256):
        data = bytes((first, 2, 0, 1))
        for way in WAYS:
            wanted = first if may_come(first) else MALFORMED
            eq([copy.first for copy in feed(data, way=way)], [wanted], "%#x %s" % (first, way))
        parser = Parser(64)
        parser.stage[:4] = data
        parser.have = 4
        found = next_packet(parser)
        true(found == first if may_come(first) else found in (first, MALFORMED), "%#x" % first)
        true(first > 15 or found == MALFORMED, "never taken for PIECE or nothing: %#x" % first)


def test_a_publish_larger_than_the_buffer_comes_in_pieces_that_make_it_up():
    for size in (62, 63, 64, 65, 120, 121, 122, 200, 3000):
        data = peer.publish(b"topic", pattern(size), 1, 0x1234)
        body = body_of(data)
        for way in WAYS:
            found = feed(data, 64, way)
            eq(joined(found), [(0x32, body)], "%d %s" % (size, way))
            eq(found[-1].oversize, len(body) > 64, way)
            if found[-1].oversize:
                eq((found[0].first, len(found[0].body), found[0].offset), (PIECE, 64, 0), way)
                eq(found[-1].length, len(body), way)
                true(max([len(copy.body) for copy in found[1:]]) <= STAGE, "as the contract says")


def test_pieces_are_the_same_message_in_chunks_of_every_size():
    for size in (16, 100, STAGE, 200):
        data = peer.publish(b"topic", pattern(300), 2, 7) + peer.pubrel(7)
        wanted = [(0x34, b"\x00\x05topic\x00\x07" + pattern(300)), (0x62, b"\x00\x07")] * 2
        for chunk in range(1, STAGE + 1):
            eq(joined(pour(Parser(size), data * 2, chunk)), wanted, "%d, %d" % (size, chunk))


def test_a_topic_that_fills_the_buffer_leaves_an_empty_first_piece():
    for qos in (0, 1):
        topic = b"t" * (62 - 2 * qos)
        found = feed(peer.publish(topic, b"xy", qos, 9), 64)
        eq([(copy.first, len(copy.body)) for copy in found], [(PIECE, 64), (0x30 | qos << 1, 2)])


def test_a_whole_packet_after_an_oversize_one_is_not_oversize():
    large = peer.publish(b"t", b"x" * 100)
    for data in GOOD + (b"\x30\x00",):
        for way in WAYS:
            found = feed(large + data, 64, way)
            eq((found[-1].first, found[-1].oversize), (data[0], False), "%r %s" % (data, way))


def test_any_length_that_can_be_announced_is_read_to_its_end():
    # section 2.2.3: up to 268435455; the bytes themselves are not all made here
    for length in (65536, 268435455):
        parser = Parser(64)
        head = peer.head(0x30, length)
        eq(pour(parser, head + b"\x00\x01t" + b"x" * 61, 99)[-1].first, PIECE)
        eq((parser.length, parser.got), (length, len(head) + 64))
        parser.got = len(head) + length - 10
        eq([copy.first for copy in pour(parser, b"x" * 9, 99)], [PIECE])
        eq([copy.first for copy in pour(parser, b"x", 99)], [0x30])


def test_any_other_packet_larger_than_the_buffer_is_malformed():
    for count in (62, 63, 100, 126, 200):
        for way in WAYS:
            found = feed(peer.suback(1, *([0] * count)), 64, way)
            wanted = 0x90 if count + 2 <= 64 else MALFORMED
            eq([copy.first for copy in found], [wanted], "%d %s" % (count, way))


def test_reset_forgets_half_a_packet():
    for data in GOOD + (sized(200), sized(300)):
        for cut in range(1, len(data)):
            parser = Parser(64)
            pour(parser, data[:cut], 2)
            parser.reset()
            found = pour(parser, peer.puback(9), 99)
            eq([copy.body for copy in found], [b"\x00\x09"], "%r cut at %d" % (data, cut))


def test_reset_forgets_what_was_read_and_not_yet_parsed():
    parser = Parser(64)
    parser.stage[:8] = peer.puback(1) + peer.puback(2)
    parser.have = 8
    eq(next_packet(parser), 0x40)
    parser.reset()
    eq(next_packet(parser), 0)


def test_random_bytes_never_break_it():
    # a fixed generator: the same bytes on every runtime
    dice = Dice(12345)
    for turn in range(300):
        data = bytearray(dice.below(256) for _ in range(40 if turn % 3 else 300))
        data[0] = (0x20, 0x30, 0x32, 0x90)[data[0] & 3]
        if turn % 3 == 0:
            data[1:3] = peer.head(0, 129 + dice.below(140))[1:]  # a long one
        whole = joined(feed(bytes(data)))
        for piece in (1, 1 + dice.below(STAGE)):
            eq(joined(pour(Parser(64), bytes(data), piece)), whole, "%r" % data)

"""The parser: whole packets out of any chunks, in one bounded buffer."""

import peer
from check import eq, true
from feed import PIECE, WAYS, feed, joined, pour
from mqtt import MALFORMED
from mqtt.parser import Parser

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


def body_of(data):
    at = 1
    while data[at] > 127:
        at += 1
    return data[at + 1 :]


def test_each_packet_a_server_may_send_comes_out_whole_in_all_three_ways():
    for data in GOOD:
        for way in WAYS:
            found = feed(data, way=way)
            eq(len(found), 1, "%r %s" % (data, way))
            eq((found[0].first, found[0].body), (data[0], body_of(data)), "%r %s" % (data, way))
            eq(found[0].oversize, False)


def test_a_stream_of_packets_comes_out_in_order_in_pieces_of_every_size():
    stream = b"".join(GOOD)
    for piece in range(1, 40):
        found = pour(Parser(64), stream, piece)
        eq([copy.body for copy in found], [body_of(data) for data in GOOD], "piece %d" % piece)


def test_no_truncation_is_ever_taken_for_a_packet():
    for data in GOOD:
        for cut in range(1, len(data)):
            for way in WAYS[:2]:
                eq(feed(data[:cut], way=way), [], "%r cut at %d" % (data, cut))


def test_no_more_is_asked_for_than_the_packet_still_needs():
    # what stands behind a CONNACK 5 may be a reset, which would take the CONNACK with it
    for data in GOOD:
        parser = Parser(64)
        at = 0
        while at < len(data):
            true(0 < parser.need <= len(data) - at, "%r at %d" % (data, at))
            n = min(parser.need, 3)
            parser.into[:n] = data[at : at + n]
            parser.feed(n)
            at += n


def test_remaining_lengths_at_each_boundary_are_read_right():
    for length in (0, 1, 127, 128, 129, 16383, 16384, 20000):
        data = peer.packet(0x30, bytes(length))
        for way in WAYS:
            found = feed(data, 20000, way)
            eq([(copy.first, copy.length) for copy in found], [(0x30, length)], way)


def test_a_padded_remaining_length_is_only_a_long_way_to_write_it():
    # section 2.2.3 does not forbid it
    found = feed(b"\x30\x83\x80\x00\x00\x01a")
    eq([copy.body for copy in found], [b"\x00\x01a"])


def test_a_fifth_length_byte_is_malformed():
    for way in WAYS:
        found = feed(b"\x30\xff\xff\xff\xff\x01", way=way)
        eq([copy.first for copy in found], [MALFORMED], way)


def test_reserved_types_wrong_flags_and_a_clients_packets_are_malformed():
    # MQTT-2.2.2-2, 3.3.1-4, 3.6.1-1
    good = {0x20, 0x40, 0x50, 0x62, 0x70, 0x90, 0xB0, 0xD0}
    good |= {first for first in range(0x30, 0x40) if first & 6 != 6}
    for first in range(256):
        for way in WAYS:
            found = feed(bytes((first, 2, 0, 1)), way=way)
            wanted = first if first in good else MALFORMED
            eq([copy.first for copy in found], [wanted], "%#x %s" % (first, way))


def test_a_publish_larger_than_the_buffer_comes_in_pieces_that_make_it_up():
    for size in (62, 63, 64, 65, 120, 121, 122, 200, 3000):
        data = peer.publish(b"topic", b"".join(b"%04d" % k for k in range(800))[:size], 1, 0x1234)
        body = body_of(data)
        for way in WAYS:
            found = feed(data, 64, way)
            eq(joined(found), [(0x32, body)], "%d %s" % (size, way))
            eq(found[-1].oversize, len(body) > 64, way)
            if found[-1].oversize:
                eq((found[0].first, len(found[0].body), found[0].offset), (PIECE, 64, 0), way)
                eq(found[-1].length, len(body), way)


def test_pieces_are_the_same_message_in_chunks_of_every_size():
    data = peer.publish(b"topic", bytes(range(200)), 2, 7)
    for chunk in range(1, 70):
        eq(joined(pour(Parser(16), data * 2, chunk)), [(0x34, body_of(data))] * 2, "%d" % chunk)


def test_an_oversize_publish_may_have_a_topic_beyond_the_buffer():
    # no piece comes; the id is read past the topic, wherever the chunks and the buffer end
    for length in range(60, 200):
        data = peer.publish(b"t" * length, b"x" * 5, 1, 0x0102)
        for way in WAYS:
            found = feed(data, 64, way)
            if length + 4 <= 64:
                eq([copy.headless for copy in found], [False] * len(found))
                continue
            what = "%d %s" % (length, way)
            eq([copy.first for copy in found], [0x32], what)
            eq((found[0].oversize, found[0].headless), (True, True), what)
            eq(found[0].packet_id, 0x0102, what)


def test_a_topic_that_fills_the_buffer_leaves_an_empty_first_piece():
    for qos in (0, 1):
        topic = b"t" * (62 - 2 * qos)
        found = feed(peer.publish(topic, b"xy", qos, 9), 64)
        eq([(copy.first, len(copy.body)) for copy in found], [(PIECE, 64), (0x30 | qos << 1, 2)])


def test_an_oversize_qos_0_publish_has_no_id():
    for topic in (b"t", b"t" * 100):
        for way in WAYS:
            found = feed(peer.publish(topic, b"\x01\x02" * 100), 64, way)
            eq((found[-1].oversize, found[-1].packet_id), (True, 0), way)


def test_an_oversize_publish_that_lies_about_its_topic_is_malformed():
    for way in WAYS:
        found = feed(peer.packet(0x32, b"\xff\xff" + b"x" * 100), 64, way)
        eq([copy.first for copy in found], [MALFORMED], way)
        # the topic fits, the id behind it does not
        found = feed(peer.packet(0x32, b"\x00\x63" + b"x" * 100), 64, way)
        eq([copy.first for copy in found], [MALFORMED], "no room for the id, " + way)


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
        parser._got = length - 10
        eq([copy.first for copy in pour(parser, b"x" * 9, 99)], [PIECE])
        eq([copy.first for copy in pour(parser, b"x", 99)], [0x30])


def test_any_other_packet_larger_than_the_buffer_is_malformed():
    for way in WAYS:
        found = feed(peer.suback(1, *([0] * 100)), 64, way)
        eq([copy.first for copy in found], [MALFORMED], way)


def test_reset_forgets_half_a_packet():
    for data in GOOD:
        for cut in range(1, len(data)):
            parser = Parser(64)
            pour(parser, data[:cut], 2)
            parser.reset()
            found = pour(parser, peer.puback(9), 99)
            eq([copy.body for copy in found], [b"\x00\x09"], "%r cut at %d" % (data, cut))


def test_random_bytes_never_break_it():
    # a fixed generator: the same bytes on every runtime
    state = 12345
    for _ in range(300):
        data = bytearray()
        for _ in range(40):
            state = (state * 1103 + 12347) % 1000003
            data.append(state & 255)
        data[0] = (0x20, 0x30, 0x32, 0x90)[data[0] & 3]
        whole = [(copy.first, copy.body) for copy in feed(bytes(data))]
        single = [(copy.first, copy.body) for copy in feed(bytes(data), way="byte by byte")]
        eq(whole, single, "%r" % data)

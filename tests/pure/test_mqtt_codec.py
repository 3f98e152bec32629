"""The client's encoders against the strict decoder of the other half, and topics."""

import peer
from check import eq, raises, true
from mqtt import codec, options, sending, topics


def decoded(data, way=0):
    """The packet in `data`, fed to the judge whole, byte by byte, or with a packet behind it."""
    data = bytes(data)
    if way == 1:
        for cut in range(len(data)):
            eq(peer.decode(data[:cut]), None, "%r cut at %d" % (data, cut))
    packet, used = peer.decode(data + b"\xc0\x00" * (way == 2))
    eq(used, len(data))
    return packet


def test_connect_decodes_to_what_went_in_for_every_set_of_fields():
    # MQTT-3.1.3-1, 3.1.2-9, 3.1.2-19, 3.1.2-21
    for clean in (False, True):
        for name, password in ((None, None), (b"u", None), (b"u", b"p\x00\xff"), (b"", b"")):
            for will in (None, (b"w/t", b"gone", 1, True), (b"w", b"", 0, False)):
                data = options.make_connect(b"id", 65535, clean, name, password, will)
                for way in range(3):
                    packet = decoded(data, way)
                    eq((packet.client_id, packet.keepalive), (b"id", 65535))
                    eq((packet.clean, packet.username), (clean, name))
                    eq(packet.password, password)
                    eq(packet.will, will and will[:3] + (int(will[3]),))


def test_a_long_connect_has_a_long_length():
    packet = decoded(options.make_connect(b"i" * 23, 0, True, b"u" * 200, b"p" * 20000, None))
    eq((len(packet.username), len(packet.password)), (200, 20000))


def encoded(size, put, *arguments):
    """What `put` writes in the middle of a buffer of other bytes; nothing beside its place."""
    buf = bytearray(b"\xee" * (size + 4))
    end = put(buf, 2, *arguments)
    eq(end, 2 + size)
    eq(bytes(buf[:2] + buf[end:]), b"\xee" * 4, "nothing beside its place")
    return buf[2:end]


def test_subscribe_and_unsubscribe_carry_id_filter_and_qos():
    # MQTT-3.8.1-1, 3.10.1-1
    for name in (b"a", b"a/+/#", b"x" * 122, b"x" * 123, b"x" * 124, b"y" * 65535):
        for qos in (0, 1, 2, -1):
            body = 4 + len(name) + (qos >= 0)
            size = codec.head_size(body) + body
            packet = decoded(encoded(size, codec.put_request, 0xABCD, name, qos), 2)
            if qos < 0:
                wanted = (peer.UNSUBSCRIBE, 0xABCD, [name])
            else:
                wanted = (peer.SUBSCRIBE, 0xABCD, [(name, qos)])
            eq((packet.kind, packet.id, packet.filters), wanted)


class Acks:
    """Where a client's acknowledgements and pings are put; `put` begins at acks_to."""

    def __init__(self, first):
        self.first = first
        self.acks = self.acks_to = None

    def put(self, buf, at, *ident):
        self.acks, self.acks_to = buf, at
        (sending.put_ack if ident else sending.put_bare)(self, self.first, *ident)
        return self.acks_to


def test_acks_ping_and_disconnect_are_as_in_the_standard():
    # MQTT-2.2.2-1, 2.3.1-6, 3.14.1-1
    kinds = ((0x40, peer.PUBACK), (0x50, peer.PUBREC), (0x62, peer.PUBREL), (0x70, peer.PUBCOMP))
    for first, kind in kinds:
        for ident in (1, 255, 256, 65535):
            data = encoded(4, Acks(first).put, ident)
            for way in range(3):
                packet = decoded(data, way)
                eq((packet.kind, packet.id), (kind, ident))
    for first, kind in ((0xC0, peer.PINGREQ), (0xE0, peer.DISCONNECT)):
        eq(decoded(encoded(2, Acks(first).put), 1).kind, kind)


def test_the_fixed_header_is_right_at_each_boundary():
    for remaining, size in (
        (0, 2),
        (127, 2),
        (128, 3),
        (16383, 3),
        (16384, 4),
        (2097151, 4),
        (2097152, 5),
        (codec.MAX_REMAINING, 5),
    ):
        buf = bytearray(8)
        eq(codec.head_size(remaining), size)
        eq(codec.put_head(buf, 1, 0x30, remaining), 1 + size)
        length = 0
        for k in range(1, size):
            length |= (buf[1 + k] & 127) << 7 * (k - 1)
            eq(buf[1 + k] >> 7, 1 if k < size - 1 else 0)
        eq((buf[1], length), (0x30, remaining))


def test_text_is_what_unicode_says_it_is():
    # MQTT-1.5.3-1, 1.5.3-2, 1.5.3-3; the judge's own check must agree
    good = (
        b"", b"plain", b"\xc2\x80", b"\xdf\xbf", b"\xe0\xa0\x80", b"\xed\x9f\xbf", b"\xee\x80\x80",
        b"\xef\xbf\xbf", b"\xf0\x90\x80\x80", b"\xf4\x8f\xbf\xbf", b"\xef\xbb\xbf", b"\x01\x7f",
    )  # fmt: skip
    bad = (
        b"\x00", b"a\x00", b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xc2", b"\xc2\x41",
        b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xe2\x82",
        b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xff",
        b"\xf0\x90\x80", b"\xfe\xff", b"\xf8\x88\x80\x80\x80",
    )  # fmt: skip
    for data in good:
        true(topics.text_ok(data, 0, len(data)), "%r" % data)
        peer.check_text(data)
        framed = b"\xff" + data + b"\xff"
        true(topics.text_ok(framed, 1, len(framed) - 1), "%r within other bytes" % data)
    for data in bad:
        true(not topics.text_ok(data, 0, len(data)), "%r" % data)
        raises(peer.Violation, peer.check_text, data)


def test_a_character_cut_by_the_end_of_the_text_is_ill_formed_whatever_follows():
    data = b"a\xc3\xa9"
    true(topics.text_ok(data, 0, 3))
    true(not topics.text_ok(data, 0, 2))


def test_the_judge_refuses_what_the_standard_forbids_a_client():
    # the tests' own peer must not be lenient
    for data in (
        b"\x10\x02\x00\x00",
        peer.packet(0x10, b"\x00\x04MQTT\x04\x40\x00\x00\x00\x01a\x00\x01p"),
        peer.packet(0x10, b"\x00\x04MQTT\x04\x00\x00\x00\x00\x00"),
        peer.packet(0x10, b"\x00\x04MQTT\x04\x0a\x00\x00\x00\x01a"),
        peer.packet(0x10, b"\x00\x04MQTT\x04\x1e\x00\x00\x00\x01a\x00\x01w\x00\x00"),
        peer.packet(0x10, b"\x00\x04MQTT\x04\x03\x00\x00\x00\x01a"),
        b"\x20\x02\x00\x00",
        b"\x38\x03\x00\x01a",
        b"\x36\x05\x00\x01a\x00\x01",
        b"\x32\x05\x00\x01a\x00\x00",
        b"\x30\x03\x00\x01+",
        b"\x30\x02\x00\x00",
        b"\x80\x06\x00\x01\x00\x01a\x00",
        b"\x82\x06\x00\x00\x00\x01a\x00",
        b"\x82\x06\x00\x01\x00\x01a\x03",
        b"\x82\x02\x00\x01",
        b"\xa2\x02\x00\x01",
        b"\x40\x03\x00\x01\x00",
        b"\x60\x02\x00\x01",
        b"\xc0\x01\x00",
        b"\xe1\x00",
        b"\xf0\x00",
        b"\x30\xff\xff\xff\xff\x01",
    ):
        raises(peer.Violation, peer.decode, data)

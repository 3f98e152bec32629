"""What a client makes of the broker's stream: first bytes, lying heads, the time before CONNACK and
after disconnect()."""

import peer
from check import eq, true
from dice import Dice
from exchange import pattern
from mqtt import CLOSED, CONNECTED, DOWN, MALFORMED, REFUSED, UP, VIOLATION
from mqtt.parser import STAGE
from story import Inbox, Story

RX = 64
BODIES = (b"", b"\x00\x01", b"\x00\x01\x00", b"\x00\x01a\x00\x01", b"x" * 20)
GOOD = {
    0x20: b"\x00\x00",
    0x40: b"\x00\x01",
    0x50: b"\x00\x01",
    0x62: b"\x00\x01",
    0x70: b"\x00\x01",
    0x90: b"\x00\x01\x00",
    0xB0: b"\x00\x01",
    0xD0: b"",
}
for _first in range(0x30, 0x40):
    if _first & 6 != 6:
        GOOD[_first] = b"\x00\x01a" + (b"\x00\x01" if _first & 6 else b"")


def fed(data, limit=10000, **options):
    """A connected story whose client has read these bytes, so many at once."""
    story = Story(rx_size=RX, **options).connect()
    story.wire.read_limit = limit
    story.wire.send(data)
    story.settle()
    return story


def test_reserved_types_wrong_flags_and_a_clients_packets_end_the_connection_as_malformed():
    # MQTT-2.2.2-2, 3.3.1-4, 3.6.1-1, 4.8.0-1
    for first in range(256):
        body = GOOD.get(first, BODIES[first % 5])
        for before, limit in ((b"", 10000), (peer.pingresp(), 10000), (b"", 1)):
            story = fed(before + peer.packet(first, body), limit)
            what = "%#x %r, %d at once" % (first, body, limit)
            if first not in GOOD:
                eq((story.client.state, story.last()), (DOWN, (CLOSED, MALFORMED, 0)), what)
            elif first == 0x20:
                eq(story.last(), (CLOSED, VIOLATION, 0), what)
            else:
                eq((story.client.state, story.client.malformed), (UP, 0), what)


def test_a_body_of_another_length_than_its_type_has_ends_the_connection():
    for first in GOOD:
        if first >> 4 == 3 or first == 0x20:
            continue
        for body in BODIES:
            if len(body) != len(GOOD[first]):
                for limit in (10000, 1):
                    story = fed(peer.packet(first, body), limit)
                    reason = VIOLATION if first == 0xD0 else MALFORMED
                    eq(story.last(), (CLOSED, reason, 0), "%#x %r" % (first, body))


def test_a_publish_that_lies_about_its_topic_is_malformed_whatever_its_size():
    for size in (3, 20, 61, 62, 63, 64, 65, 66, 100, 126, 127, 128, 129, 130, 200, 400):
        for first in (0x30, 0x32, 0x34):
            extra = 2 if first & 6 else 0
            for limit in (10000, STAGE, 50, 7, 1):
                body = bytearray(size)
                for claimed in (size - 1 - extra, size + 50, 65535):
                    if claimed < 1:
                        continue
                    body[0] = claimed >> 8
                    body[1] = claimed & 255
                    body[2:] = b"t" * (size - 2)
                    story = fed(peer.packet(first, body) + peer.pingresp(), limit)
                    what = "%d of %d bytes, %d at once" % (claimed, size, limit)
                    eq((story.client.state, story.last()), (DOWN, (CLOSED, MALFORMED, 0)), what)


def test_the_id_behind_a_topic_beyond_the_buffer_is_found_wherever_reads_end():
    for length in range(58, 200):
        data = peer.publish(b"t" * length, b"x" * 5, 1, 0x0102)
        for before in (0, length % 7 + 2):
            for limit in (STAGE, 64, length + 3, length + 4, length + 5, length + 6, 3, 1):
                filler = peer.pingresp() * before
                story = fed(filler + data + peer.publish(b"a", b"", 1, 9), limit)
                what = "%d bytes, %d at once, %d before" % (length, limit, before)
                eq(story.broker.ids(peer.PUBACK), [0x0102, 9], what)
                large = length + 9 > RX
                eq((story.client.oversize, story.client.unmatched), (large, 2 - large), what)


class Reader:
    """Notes how much is asked of a story's wire, and gives it in the portions it is told."""

    def __init__(self, story, portions):
        self.asked = []
        self._wire = story.wire
        self._portions = portions
        self._readinto = story.wire.readinto
        story.wire.readinto = self.readinto

    def readinto(self, buf, n):
        portion = self._portions[len(self.asked) % len(self._portions)]
        got = self._readinto(buf, min(n, portion))
        if got:
            self.asked.append((n, got))
        return got


def test_until_connack_is_here_no_more_is_asked_for_than_it_has_bytes():
    # what stands behind a CONNACK 5 may be a reset, which would take the CONNACK with it
    for code in (0, 5):
        for portions in ((4,), (1,), (2,), (3, 1), (1, 3), (1, 2, 1), (2, 1)):
            story = Story()
            story.broker.mute.add(peer.CONNECT)
            reader = Reader(story, portions)
            story.client.connect()
            story.settle()
            eq(reader.asked, [])
            story.wire.send(peer.connack(0, code) + peer.publish(b"a", b"behind it"))
            story.settle()
            left = 4
            for asked, got in reader.asked:
                true(left == 0 or 0 < asked <= left, "%d asked, %d left" % (asked, left))
                left = max(0, left - got)
                if not left:
                    break
            eq(left, 0)
            if code:
                eq(story.last(), (CLOSED, REFUSED, code))
                true(story.wire.unread() > 0, "the rest was never read")
            else:
                eq((story.of(CONNECTED), story.client.unmatched), ([(0, 0)], 1))


def test_once_it_is_up_one_read_takes_what_there_is():
    story = Story().connect()
    story.broker.mute.add(peer.PUBACK)
    reader = Reader(story, (10000,))
    story.wire.send(b"".join(peer.publish(b"a", b"%d" % k, 1, k + 1) for k in range(10)))
    story.settle()
    eq([asked for asked, _ in reader.asked], [STAGE])
    eq(story.client.unmatched, 10)


def closing(first):
    """A story whose client has half of `first`, and then was told to disconnect; the broker does
    not close."""
    story = Story(rx_size=RX, keepalive=0)
    inbox = Inbox()
    story.client.subscribe(b"a/#", 2, inbox.handler)
    story.client.subscribe(b"p/#", 2, inbox.handler, pieces=True)
    story.broker.mute.add(peer.DISCONNECT)
    story.connect()
    story.wire.send(first)
    story.settle()
    story.client.disconnect()
    story.step()
    story.forget()
    return story, inbox


def test_what_comes_after_disconnect_is_read_past_whatever_it_is():
    dice = Dice(1)
    large = peer.publish(b"a/b", pattern(300), 1, 5)
    pieces = peer.publish(b"p/b", pattern(300), 1, 5)
    noise = [bytes(dice.below(256) for _ in range(200)) for _ in range(30)]
    rests = [peer.publish(b"a/b", b"x", 1, 9), peer.publish(b"p/b", pattern(140), 2, 9)]
    rests += [peer.puback(1)[:3], b"\xff" * 500, b"\x30\xff\xff\xff\xff", b"\x00\x00" * 100]
    for data in (large, pieces, b"\xd0\x00"):
        for cut in (0, 1, 5, 40, 100, 200, 298):
            for rest in rests + noise[cut % 30 : cut % 30 + 3]:
                story, inbox = closing(data[:cut])
                called = len(inbox.got)
                size = len(story.client.parser.whole)
                for _ in range(3):
                    story.wire.send(data[cut:] + rest)
                    story.settle()
                eq(story.wire.unread(), 0)
                eq((story.events, story.broker.seen, len(inbox.got)), ([], [], called))
                eq(len(story.client.parser.whole), size, "the buffer is as large as it was")
                story.advance(500)
                eq(story.of(CLOSED), [(0, 0)])
                story.broker.mute.clear()
                story.connect()
                story.deliver(b"a/b", b"next", 1, 2)
                eq(inbox.payloads()[-1], b"next")


def test_a_broker_that_floods_a_client_which_closes_does_not_hold_its_step():
    story, _ = closing(b"")
    for _ in range(20):
        story.wire.send(b"\xff" * 3000 + peer.publish(b"a/b", pattern(200)))
        story.client.step(story.now)
    eq(story.client.malformed, 0)
    story.advance(500)
    eq(story.of(CLOSED), [(0, 0)])

"""Messages larger than the receive buffer, taken in pieces by a handler that asks for it."""

import peer
from check import eq, true
from exchange import pattern
from mqtt import CLOSED, DOWN, MALFORMED, UP
from story import Inbox, Story

RX = 64
ACK = {1: peer.PUBACK, 2: peer.PUBREC}


class Assembler:
    """A pieces handler: `whole` has (topic, payload) of each message that came to its end."""

    def __init__(self, also=None):
        self.whole = []
        self.calls = 0
        self.begun = 0
        self._topic = None
        self._parts = []
        self._also = also
        self.handler = self._take

    def _take(self, msg):
        self.calls += 1
        if not msg.offset:
            self.begun += 1
            self._topic = msg.topic()
            self._parts = []
        else:
            eq(msg.topic(), b"", "only the first piece has the topic")
        eq(msg.offset, sum([len(part) for part in self._parts]), "no gap")
        self._parts.append(msg.payload())
        if msg.offset + len(self._parts[-1]) == msg.total:
            self.whole.append((self._topic, b"".join(self._parts)))
        if self._also:
            self._also(msg)


def taking(also=None, **options):
    """A connected story in a kept session whose client takes a/# in pieces; (story, assembler)."""
    options.setdefault("clean_session", False)
    options.setdefault("rx_size", RX)
    story = Story(**options)
    taker = Assembler(also)
    story.client.subscribe(b"a/#", 2, taker.handler, pieces=True)
    story.broker.mute.add(peer.PUBREC)
    return story.connect(), taker


def acks(story, qos):
    return story.broker.ids(ACK[qos]) if qos else []


def test_payloads_of_each_size_around_the_buffer_arrive_whole():
    for qos in (0, 1, 2):
        story, taker = taking()
        story.broker.mute.clear()
        sizes = list(range(50, 75)) + list(range(118, 135)) + [RX * 5, 1000]
        for size in sizes:
            story.deliver(b"a/b", pattern(size), qos, size)
        eq(taker.whole, [(b"a/b", pattern(size)) for size in sizes], "QoS %d" % qos)
        eq(acks(story, qos), sizes if qos else [])
        client = story.client
        eq((client.received, client.oversize, client.handler_errors), (len(sizes), 0, 0))


def test_one_that_fits_comes_in_one_call_with_its_whole_length():
    spans = []
    story, taker = taking(lambda msg: spans.append((msg.offset, msg.total, msg.payload())))
    story.deliver(b"a/b", b"small", 1, 1)
    story.deliver(b"a/b", b"", 0)
    eq(spans, [(0, 5, b"small"), (0, 0, b"")])


def test_a_message_split_at_any_byte_arrives_whole():
    data = peer.publish(b"a/b", pattern(150), 2, 9)
    for cut in range(1, len(data)):
        story, taker = taking()
        story.wire.send(data[:cut])
        story.settle()
        story.wire.send(data[cut:])
        story.settle()
        eq(taker.whole, [(b"a/b", pattern(150))], "byte %d" % cut)
        eq(story.broker.ids(peer.PUBREC), [9])


def test_chunks_of_every_size_make_the_same_messages():
    for limit in list(range(1, 20)) + [31, 32, 33, 63, 64, 65]:
        story, taker = taking()
        story.wire.read_limit = limit
        for k in range(3):
            story.deliver(b"a/b", pattern(100 + k), 1, k + 1)
            story.deliver(b"a", b"small", 0)
        wanted = []
        for k in range(3):
            wanted += [(b"a/b", pattern(100 + k)), (b"a", b"small")]
        eq(taker.whole, wanted, "chunks of %d" % limit)
        eq(story.broker.ids(peer.PUBACK), [1, 2, 3])


def test_a_connection_lost_in_the_middle_begins_again_and_ends_once():
    # MQTT-4.3.3-2: at QoS 2 exactly one message comes to its end
    for qos in (1, 2):
        data = peer.publish(b"a/b", pattern(200), qos, 9)
        for cut in range(1, len(data) + 1):
            story, taker = taking()
            story.wire.send(data[:cut])
            story.settle()
            story.reconnect(present=1)
            if cut < len(data):
                eq(acks(story, qos), [], "nothing is acknowledged in the middle")
                story.deliver(b"a/b", pattern(200), qos, 9, dup=1)
            eq(taker.whole, [(b"a/b", pattern(200))], "QoS %d, byte %d" % (qos, cut))
            eq(acks(story, qos), [9])


def test_a_qos_2_message_in_pieces_is_seen_once():
    story, taker = taking()
    story.deliver(b"a/b", pattern(200), 2, 9)
    calls = taker.calls
    for dup in (1, 0):
        story.deliver(b"a/b", pattern(200), 2, 9, dup=dup)
    story.reconnect(present=1)
    story.deliver(b"a/b", pattern(200), 2, 9, dup=1)
    eq((taker.calls, len(taker.whole), story.broker.ids(peer.PUBREC)), (calls, 1, [9] * 4))
    story.wire.send(peer.pubrel(9))
    story.deliver(b"a/b", pattern(201), 2, 9)
    eq(taker.whole[1:], [(b"a/b", pattern(201))])


def test_a_message_that_will_get_no_pubrec_is_not_seen_in_pieces_either():
    story, taker = taking(max_held=1)
    story.deliver(b"a/b", b"x", 2, 1)
    story.deliver(b"a/b", pattern(200), 2, 2)
    eq((taker.whole, story.client.withheld), ([(b"a/b", b"x")], 1))
    eq(story.broker.ids(peer.PUBREC), [1])
    story.reconnect(present=1)
    story.wire.send(peer.pubrel(1))
    story.deliver(b"a/b", pattern(200), 2, 2, dup=1)
    eq(len(taker.whole), 2)


def test_each_handler_that_takes_pieces_gets_them_and_no_other():
    story = Story(rx_size=RX)
    first, second, third, plain = Assembler(), Assembler(), Assembler(), Inbox()
    story.client.subscribe(b"a/#", 1, first.handler, pieces=True)
    story.client.subscribe(b"a/b", 1, plain.handler)
    story.client.subscribe(b"+/b", 1, second.handler, pieces=True)
    story.client.subscribe(b"other", 1, third.handler, pieces=True)
    story.connect()
    story.deliver(b"a/b", pattern(300), 1, 1)
    story.deliver(b"a/b", b"small", 1, 2)
    both = [(b"a/b", pattern(300)), (b"a/b", b"small")]
    eq((first.whole, second.whole, third.whole), (both, both, []))
    eq(plain.payloads(), [b"small"])
    eq((story.client.received, story.client.oversize), (2, 0))


def test_a_handler_that_raises_gets_the_other_pieces_and_the_message_is_acknowledged():
    def fail(msg):
        raise RuntimeError("on purpose")

    story, taker = taking(fail)
    story.deliver(b"a/b", pattern(200), 1, 1)
    eq((taker.whole, story.broker.ids(peer.PUBACK)), ([(b"a/b", pattern(200))], [1]))
    eq((story.client.handler_errors, story.client.state), (taker.calls, UP))


def test_a_handler_declared_anew_in_the_middle_gets_no_rest_it_never_saw_begin():
    for pieces in (False, True):
        story, taker = taking()
        data = peer.publish(b"a/b", pattern(200), 1, 1)
        story.wire.send(data[:100])
        story.settle()
        inbox, late = Inbox(), Assembler()
        handler = late.handler if pieces else inbox.handler
        true(story.client.subscribe(b"a/#", 1, handler, pieces) > 0)
        story.wire.send(data[100:])
        story.settle()
        eq((inbox.got, late.calls, story.client.handler_errors), ([], 0, 0))
        eq((story.broker.ids(peer.PUBACK), story.client.state), ([1], UP))
        story.deliver(b"a/b", b"next", 1, 2)
        eq((inbox.payloads(), len(late.whole)), ([], 1) if pieces else ([b"next"], 0))


def test_a_piece_handler_may_disconnect_and_the_rest_is_not_handed_over():
    story, taker = taking(lambda msg: story.client.disconnect())
    story.deliver(b"a/b", pattern(300), 1, 1)
    eq((taker.calls, story.client.state, story.last()), (1, DOWN, (CLOSED, 0, 0)))
    eq(story.broker.ids(peer.PUBACK), [])


def test_a_piece_handler_may_publish_and_step_says_busy():
    said = []

    def answer(msg):
        said.append(story.client.step(story.now))
        story.client.publish(b"got", b"%d" % msg.offset)

    story, taker = taking(answer)
    story.deliver(b"a/b", pattern(150), 1, 1)
    eq(said, [-12] * taker.calls)
    eq(len(story.broker.payloads()), taker.calls)


def closes_unseen(data):
    for limit in (10000, 1):
        story, taker = taking()
        story.wire.read_limit = limit
        story.wire.send(data)
        story.settle()
        eq(story.last(), (CLOSED, MALFORMED, 0), "%r" % data[:20])
        eq((taker.calls, story.client.malformed, story.broker.seen[-1].kind), (0, 1, 8))


def test_an_oversize_message_that_may_not_come_closes_before_a_piece_is_seen():
    # MQTT-2.3.1-1, 3.3.2-2, 1.5.3-1, 1.5.3-2, 4.7.3-1
    rest = b"x" * 200
    closes_unseen(peer.publish(b"a/b", rest, 1, 0))
    closes_unseen(peer.publish(b"a/b", rest, 2, 0))
    closes_unseen(peer.publish(b"a/+", rest, 1, 1))
    closes_unseen(peer.publish(b"a/#", rest))
    closes_unseen(peer.publish(b"a/\x00", rest))
    closes_unseen(peer.publish(b"a/\xff", rest))
    closes_unseen(peer.publish(b"", rest))
    closes_unseen(peer.packet(0x32, b"\x01\x00" + rest))  # the topic is longer than the packet
    closes_unseen(peer.publish(b"a/" + b"t" * 100, b"", 1, 0))  # the id, beyond the buffer, is 0


def test_pieces_before_connack_are_a_violation_and_not_seen():
    # MQTT-3.2.0-1
    for topic in (b"a/b", b"a/" + b"t" * 100):
        story = Story(rx_size=RX)
        taker = Assembler()
        story.client.subscribe(b"a/#", 1, taker.handler, pieces=True)
        story.broker.mute.add(peer.CONNECT)
        story.client.connect()
        story.settle()
        story.wire.send(peer.publish(topic, pattern(200), 1, 1))
        story.settle()
        eq((taker.calls, story.client.state, story.client.malformed), (0, DOWN, 1))


def test_an_empty_publish_behind_an_oversize_one_is_malformed_and_not_its_last_piece():
    story, taker = taking()
    story.deliver(b"a/b", pattern(200), 1, 1)
    calls = taker.calls
    story.wire.send(b"\x32\x00")
    story.settle()
    eq((story.last(), taker.calls), ((CLOSED, MALFORMED, 0), calls))
    eq(story.broker.ids(peer.PUBACK), [1])


def test_offset_0_comes_once_whatever_room_the_topic_leaves_for_the_payload():
    for qos in (0, 1, 2):
        for size in range(RX - 8, RX + 8):
            story, taker = taking()
            topic = (b"a/" + b"t" * RX)[:size]
            story.deliver(topic, pattern(200), qos, 5 if qos else 0)
            fits = 2 + size + (2 if qos else 0) < RX
            what = "QoS %d, a topic of %d bytes" % (qos, size)
            eq((taker.whole, taker.begun), ([(topic, pattern(200))], 1) if fits else ([], 0), what)
            eq((story.client.state, story.client.oversize), (UP, 0 if fits else 1), what)
            eq(story.broker.ids(ACK[qos]) if qos else [], [5] if qos else [], what)

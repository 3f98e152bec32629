"""Several small packets leave in one write; events told of the first must not touch the others."""

import peer
from check import eq, true
from dice import Dice
from exchange import ids, pattern, put, unacknowledged
from mqtt import ACKED, FAILED, UP
from story import Inbox, Story


def queued(story, payloads, qos=0):
    """Publish all of them between two steps of a client that waits for its steps; the handles."""
    return [story.client.publish(b"t", payload, qos=qos) for payload in payloads]


def waiting(**options):
    """A connected story whose client leaves all writing to its steps."""
    options.setdefault("keepalive", 0)
    story = Story(**options)
    story.client.eager = False
    return story.connect()


def writes_of(story, act):
    """Writes that `act()` makes."""
    before = story.wire.writes
    act()
    return story.wire.writes - before


def step(story):
    story.client.step(story.now)


def test_several_small_packets_leave_in_one_write_in_their_order():
    story = waiting()
    story.broker.mute.add(peer.PUBLISH)
    wanted = []
    for k in range(12):
        qos = k % 3
        story.client.publish(b"t/%d" % k, pattern(k), qos=qos)
        wanted.append((b"t/%d" % k, pattern(k), qos, 0))
    eq(writes_of(story, lambda: step(story)), 1)
    story.broker.serve()
    eq(story.broker.publishes(), wanted)
    eq((story.client.sent, story.client.acked, story.client.inflight), (12, 4, 8))


def test_what_was_queued_without_a_connection_leaves_in_one_write():
    story = Story()
    payloads = [b"%d" % k for k in range(8)]
    queued(story, payloads, 1)
    story.client.connect()
    step(story)
    story.broker.serve()
    eq(writes_of(story, lambda: step(story)), 1)
    story.broker.serve()
    eq(story.broker.payloads(), payloads)


def test_one_write_takes_no_more_than_the_window_allows():
    for window in (1, 2, 3, 7):
        story = unacknowledged(max_inflight=window, keepalive=0)
        story.client.eager = False
        story.settle()
        queued(story, [b"one"], 1)
        story.step()
        eq(story.broker.payloads(), [b"one"])
        first = ids(story)
        story.forget()
        story.client.publish(b"t", b"none")
        queued(story, [b"%d" % k for k in range(9)], 1)
        story.client.publish(b"t", b"last")
        step(story)
        eq(story.client.inflight, window)
        story.broker.serve()
        eq(story.broker.payloads(), [b"none"] + [b"%d" % k for k in range(window - 1)])
        sent = first + ids(story)
        for ident in sent:  # grows
            story.wire.send(peer.puback(ident))
            story.forget()
            story.settle()
            true(story.client.inflight <= window)
            sent += ids(story)
        eq((len(sent), story.client.queued), (10, 0))


def test_a_run_ends_where_the_ring_begins_anew_and_nothing_is_lost_there():
    story = waiting(tx_size=100)
    sent = []
    for k in range(60):
        while story.client.publish(b"t", b"%03d" % len(sent) + pattern(k % 11)) > 0:
            sent.append(b"%03d" % len(sent) + pattern(k % 11))
        true(writes_of(story, lambda: step(story)) <= 2)
        story.broker.serve()
        eq(story.broker.payloads(), sent)


def test_acknowledgements_of_one_read_leave_in_one_write():
    story = waiting()
    inbox = Inbox()
    story.client.subscribe(b"a", 2, inbox.handler)
    story.settle()
    story.broker.mute.update((peer.PUBREC, peer.PUBACK))
    story.forget()
    for k in range(1, 9):
        story.wire.send(peer.publish(b"a", b"", 1 + k % 2, k))
    eq(writes_of(story, lambda: step(story)), 1)
    story.broker.serve()
    got = [(packet.kind, packet.id) for packet in story.broker.seen]
    eq(got, [(peer.PUBREC if k % 2 else peer.PUBACK, k) for k in range(1, 9)])
    story.forget()
    for k in (1, 3, 5, 7):
        story.wire.send(peer.pubrel(k))
    eq(writes_of(story, lambda: step(story)), 1)
    story.broker.serve()
    eq([(packet.kind, packet.id) for packet in story.broker.seen], [(7, k) for k in (1, 3, 5, 7)])


def test_pubrels_sent_again_leave_in_one_write():
    story = Story(clean_session=False)
    story.broker.mute.add(peer.PUBREL)
    story.connect()
    story.client.eager = False
    queued(story, [b"%d" % k for k in range(5)], 2)
    story.settle()
    wanted = ids(story)
    eq(len(wanted), 5)
    story.wire.reset()
    story.settle()
    story.broker.present = 1
    story.forget()
    story.client.connect()
    step(story)
    story.broker.serve()
    eq(writes_of(story, lambda: step(story)), 1)
    story.broker.serve()
    eq(story.broker.ids(peer.PUBREL), wanted)


def test_a_run_cut_at_any_byte_goes_on_there():
    payloads = [pattern(k + 4) for k in range(5)]
    size = sum(5 + len(payload) for payload in payloads)
    for qos in (0, 1, 2):
        for cut in range(1, size + (10 if qos else 0)):
            story = waiting()
            handles = queued(story, payloads, qos)
            story.wire.write_limit = cut
            step(story)
            story.wire.write_limit = 10000
            story.settle()
            eq(story.broker.payloads(), payloads, "QoS %d, byte %d" % (qos, cut))
            eq(story.of(ACKED), [(handle, qos) for handle in handles])


def test_a_run_cut_and_lost_is_sent_again_from_the_first_that_needs_it():
    payloads = [pattern(k + 4) for k in range(5)]
    for cut in range(1, 60):
        story = waiting(clean_session=False)
        story.broker.mute.add(peer.PUBLISH)
        queued(story, payloads, 1)
        story.wire.write_limit = cut
        step(story)
        story.broker.serve()
        whole = len(story.broker.payloads())
        eq((story.client.sent, story.client.inflight), (whole, whole))
        story.wire.write_limit = 10000
        story.broker.mute.clear()
        story.wire.reset()
        story.settle()
        story.forget()
        story.broker.present = 1
        story.connect()
        eq(story.broker.payloads(), payloads)
        begun = whole + (sum(7 + len(p) for p in payloads[:whole]) < cut and whole < 5)
        eq(
            [packet.dup for packet in story.broker.of(peer.PUBLISH)],
            [1] * begun + [0] * (5 - begun),
        )


def reacting(story, act):
    """Have `act()` run within on_event, once, at the first ACKED of QoS 0."""
    tell = story.client.on_event
    done = []

    def on_event(kind, a, b):
        tell(kind, a, b)
        if kind == ACKED and not b and not done:
            done.append(act())

    story.client.on_event = on_event
    return done


def test_an_event_within_a_run_replaces_nothing_that_has_left():
    for cut in list(range(1, 50)) + [10000]:
        story = waiting(tx_size=60)
        newest = story.client.prepare(b"t", 10, replace=True)
        first = story.client.publish(b"t", b"first")
        old = put(newest, b"old")
        while story.client.publish(b"t", b"") > 0:
            pass  # full
        done = reacting(story, lambda newest=newest: put(newest, b"newer"))
        story.wire.write_limit = cut
        step(story)
        story.wire.write_limit = 10000
        story.settle()
        what = "%d bytes" % cut
        eq(len(done), 1, what)
        payloads = story.broker.payloads()
        eq(payloads[0], b"first", what)
        if done[0] == old:  # not a byte of it had left
            true(b"old" not in payloads and payloads.count(b"newer") == 1, what)
            true(cut < 10 + 1, what)
        else:
            eq(payloads.count(b"old"), 1, what)
            eq(payloads.count(b"newer"), 1 if done[0] > 0 else 0, what)
        told = [handle for handle, _ in story.of(ACKED)]
        eq((told[:2], len(told)), ([first, old], len(payloads)), what)


def test_an_event_within_a_run_gives_up_nothing_that_has_left():
    for cut in list(range(1, 70)) + [10000]:
        story = waiting(tx_size=70, drop_oldest=True)
        handles = queued(story, [b"%d...." % k for k in range(7)])
        eq(story.client.dropped, 0)
        done = reacting(story, lambda story=story: story.client.publish(b"t", b"large" * 8))
        story.wire.write_limit = cut
        step(story)
        story.wire.write_limit = 10000
        story.settle()
        step(story)
        what = "%d bytes" % cut
        acked = [handle for handle, _ in story.of(ACKED)]
        failed = [handle for handle, _ in story.of(FAILED)]
        mine = [handle for handle in done if handle > 0]
        eq(sorted(acked + failed), handles + mine, what)
        wanted = [b"%d...." % k for k in range(7) if handles[k] not in failed]
        eq(story.broker.payloads(), wanted + [b"large" * 8] * len(mine), what)
        eq(story.client.state, UP)


class Eventful(Story):
    """A connected story that publishes at random, also within on_event."""

    def __init__(self, seed):
        self.dice = Dice(seed)
        self.accepted = []  # (handle, payload) of each that was taken
        super().__init__(keepalive=0, tx_size=64 + self.dice.below(100), drop_oldest=seed % 2 == 1)
        self.client.eager = seed % 3 > 0
        self.newest = [self.client.prepare(b"t", 12, qos, False, True) for qos in (0, 1)]
        self.client.on_event = self._react
        self.connect()

    def _react(self, kind, a, b):
        self.events.append((kind, a, b))
        if kind == ACKED and self.dice.chance(40) and len(self.accepted) < 200:
            self.publish()

    def publish(self):
        dice = self.dice
        payload = b"%d" % len(self.accepted) + b"." * dice.below(9)
        if dice.chance(40):
            handle = put(dice.pick(self.newest), payload)
        else:
            handle = self.client.publish(b"t", payload, qos=dice.below(3))
        if handle > 0:
            self.accepted.append((handle, payload))

    def run(self):
        dice, wire = self.dice, self.wire
        for _ in range(30):
            for _ in range(dice.below(6)):
                self.publish()
            wire.write_limit = dice.pick((1, 9, 30, 10000))
            wire.block_writes = dice.below(2)
            self.step()
        wire.write_limit = 10000
        self.settle()
        self.step()


def test_at_random_events_that_publish_replace_and_drop_leave_each_run_whole():
    replaced = dropped = 0
    for seed in range(30):
        story = Eventful(seed)
        story.run()
        where = "seed %d" % seed
        last = {}  # the newest payload of each handle
        for handle, payload in story.accepted:
            last[handle] = payload
        failed = [handle for handle, _ in story.of(FAILED)]
        ended = [handle for handle, _ in story.of(ACKED)] + failed
        eq(sorted(ended), sorted(last), where)
        eq(story.broker.payloads(), [last[h] for h in sorted(last) if h not in failed], where)
        eq((story.client.queued, story.client.handler_errors), (0, 0), where)
        replaced += story.client.replaced
        dropped += story.client.dropped
    true(replaced > 20 and dropped > 20, "%d, %d" % (replaced, dropped))

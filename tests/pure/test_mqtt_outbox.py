"""The outbox: places in the arena, order, states; against a simple model and at random."""

import peer
from check import eq, true
from dice import Dice
from mqtt.outbox import Outbox

RELEASE = 5  # PUBREC came on an earlier connection


def packet(ident, size, qos=1):
    """A PUBLISH of exactly `size` bytes (12..128) that can be told from all others."""
    payload = bytes((ident + k) & 255 for k in range(size - (7 if qos else 5)))
    data = peer.publish(b"t", payload, qos, ident)
    eq(len(data), size)
    return data


def put(box, ident, size, qos=1):
    """Queue a packet; its handle, or -1 without room."""
    at = box.place(size)
    if at < 0:
        return -1
    box.buf[at : at + size] = packet(ident, size, qos)
    return box.add(at, size, at + size, ident if qos else 0)


def send(box, window=8):
    """Send the next packet whole; its bytes, or None."""
    i = box.next(window)
    if i < 0:
        return None
    data = bytes(box.buf[box.at[i] : box.at[i] + box.size[i]])
    if box.state[i] == RELEASE:
        data = peer.pubrel(box.ids[i])
    else:
        box.begin(i)
    box.written(i, 0)
    return data


def new_connection(box, session):
    """The connection ends; on the next the broker still has its session, or has not."""
    box.lost()
    i = box.head
    for _ in range(box.count):
        if not session and box.state[i] == RELEASE:
            box.give_up(i)
        else:
            box.mark_again(i, session)
        i = (i + 1) % box.slots


def ident_of(data):
    found = peer.decode(data)[0]
    return found.id


def test_packets_leave_in_the_order_they_came():
    box = Outbox(200, 8)
    for ident in (5, 3, 9):
        true(put(box, ident, 20) > 0)
    eq([ident_of(send(box)) for _ in range(3)], [5, 3, 9])
    eq((send(box), box.inflight), (None, 3))


def test_the_window_holds_back_qos_1_and_what_is_behind_it():
    box = Outbox(200, 8)
    put(box, 1, 20)
    put(box, 2, 20)
    put(box, 3, 20, qos=0)
    true(send(box, 1) is not None)
    eq(send(box, 1), None)
    box.acked(box.find(1))
    eq(ident_of(send(box, 1)), 2)
    true(send(box, 1) is not None)


def test_qos_0_is_done_when_written_and_gives_its_place_back():
    box = Outbox(64, 4)
    for _ in range(50):
        true(put(box, 1, 60, qos=0) > 0)
        true(send(box) is not None)
        eq((box.count, box.inflight), (0, 0))


def test_qos_0_passes_freely_behind_an_unacknowledged_qos_1():
    box = Outbox(120, 8)
    put(box, 1, 30)
    send(box)
    for _ in range(50):
        true(put(box, 1, 40, qos=0) > 0)
        true(send(box) is not None)
    eq(box.inflight, 1)


def test_a_full_arena_and_a_full_table_say_so():
    box = Outbox(100, 8)
    true(put(box, 1, 60) > 0)
    eq(put(box, 2, 60), -1)
    eq(box.place(101), -1)
    box = Outbox(100, 2)
    true(put(box, 1, 20) > 0 and put(box, 2, 20) > 0)
    eq(put(box, 3, 20), -1)


def test_an_empty_arena_takes_a_packet_of_its_full_size_again_and_again():
    box = Outbox(100, 4)
    for ident in range(1, 20):
        true(put(box, ident, 100) > 0)
        send(box)
        box.acked(box.find(ident))
        eq(box.count, 0)


def test_acks_out_of_order_free_all_in_the_end():
    box = Outbox(200, 8)
    for ident in range(1, 7):
        put(box, ident, 30)
        send(box)
    for ident in (3, 1, 6, 2, 5, 4):
        box.acked(box.find(ident))
        eq(box.find(ident), -1)
    eq((box.count, box.inflight), (0, 0))
    true(put(box, 9, 128) > 0)


def test_a_connection_with_a_session_sets_dup_and_keeps_id_and_order():
    box = Outbox(200, 8)
    for ident in (1, 2, 3):
        put(box, ident, 20)
    send(box)
    box.begin(box.next(8))  # the second is half sent
    new_connection(box, True)
    sent = [send(box) for _ in range(3)]
    eq([ident_of(data) for data in sent], [1, 2, 3])
    eq([data[0] >> 3 & 1 for data in sent], [1, 1, 0])


def test_a_connection_without_a_session_clears_dup():
    box = Outbox(200, 8)
    put(box, 1, 20)
    send(box)
    new_connection(box, True)
    send(box)
    new_connection(box, False)
    eq(send(box)[0] >> 3 & 1, 0)


def test_qos_2_holds_its_place_until_pubcomp_and_its_publish_is_never_sent_again_after_pubrec():
    box = Outbox(200, 8)
    put(box, 1, 30, qos=2)
    put(box, 2, 30, qos=2)
    eq([send(box)[0] for _ in range(2)], [0x34, 0x34])
    box.received(box.find(1))
    eq(box.inflight, 2)
    new_connection(box, True)
    eq(box.inflight, 0)
    eq(send(box), peer.pubrel(1))
    eq((send(box)[0], send(box)), (0x3C, None))
    box.received(box.find(2))
    new_connection(box, True)
    eq([send(box) for _ in range(3)], [peer.pubrel(1), peer.pubrel(2), None])
    box.acked(box.find(1))
    box.acked(box.find(2))
    eq((box.count, box.inflight), (0, 0))


def test_tries_count_the_connections_on_which_a_packet_was_begun():
    box = Outbox(200, 8)
    put(box, 1, 30)
    put(box, 2, 30)
    box.begin(box.next(8))  # half sent
    first, second = box.head, box.head + 1
    for turn in range(1, 4):
        new_connection(box, True)
        eq((box.tries[first], box.tries[second]), (turn, 0))
        eq((box.mark_again(first, True), box.mark_again(second, True)), (True, False))
        box.begin(box.next(8))


def test_a_packet_given_up_in_any_state_leaves_no_trace():
    for sent in range(3):
        box = Outbox(200, 8)
        put(box, 1, 30, qos=2)
        i = box.head
        if sent:
            send(box)
        if sent == 2:
            box.received(i)
        box.give_up(i)
        eq((box.count, box.inflight, box.find(1), box.live()), (0, 0, -1, 0))


class Twin:
    """What the outbox must be, told simply: entries [ident, size, qos, what it waits for,
    whether a byte of it was sent]."""

    def __init__(self, seed):
        self.dice = Dice(seed)
        self.where = "seed %d" % seed
        self.box = Outbox(100 + self.dice.below(300), 3 + self.dice.below(8))
        self.entries = []
        self.ident = 0
        self.dropping = self.dice.chance(50)
        self.dropped = 0

    def put(self):
        self.ident = self.ident % 200 + 1
        if self.ident not in [entry[0] for entry in self.entries]:
            size, qos = 12 + self.dice.below(80), self.dice.below(3)
            while self.box.place(size) < 0 and self.dropping and self.drop(size):
                pass
            if put(self.box, self.ident, size, qos) > 0:
                self.entries.append([self.ident, size, qos, "turn", False])

    def drop(self, size):
        unsent = [entry for entry in self.entries if not entry[4]]
        if not unsent or not self.box.drop_oldest(size, 0):
            return False
        self.dropped += 1
        self.entries.remove(unsent[0])
        return True

    def send(self):
        data = send(self.box, 1 << 20)
        waiting = [entry for entry in self.entries if entry[3] in ("turn", "release")]
        eq(data is None, not waiting, self.where)
        if not waiting:
            return False
        entry = waiting[0]
        entry[4] = True
        if entry[3] == "release":
            eq(data, peer.pubrel(entry[0]), self.where)
            entry[3] = "pubcomp"
            return True
        wanted = bytearray(packet(entry[0], entry[1], entry[2]))
        wanted[0] = data[0]
        eq(data, bytes(wanted), self.where)
        entry[3] = ("", "puback", "pubrec")[entry[2]]
        if not entry[2]:
            self.entries.remove(entry)
        return True

    def answer(self):
        sent = [entry for entry in self.entries if entry[3].startswith("pub")]
        if sent:
            entry = self.dice.pick(sent)
            i = self.box.find(entry[0])
            if entry[3] == "pubrec":
                self.box.received(i)
                entry[3] = "pubcomp"
            else:
                self.box.acked(i)
                self.entries.remove(entry)

    def reconnect(self, session):
        new_connection(self.box, session)
        kept = []
        for entry in self.entries:
            released = entry[3] == "pubcomp" or entry[3] == "release"
            entry[3] = "release" if released else "turn"
            if session or not released:
                kept.append(entry)
        self.entries = kept

    def check(self):
        waiting = [entry for entry in self.entries if entry[3].startswith("pub")]
        eq(self.box.inflight, len(waiting), self.where)
        eq(self.box.live(), len(self.entries), self.where)
        for entry in waiting:
            true(self.box.find(entry[0]) >= 0, self.where)


def test_at_random_every_live_packet_keeps_its_bytes_its_order_and_its_place():
    dropped = 0
    for seed in range(20):
        twin = Twin(seed)
        for _ in range(300):
            action = twin.dice.below(10)
            if action < 4:
                twin.put()
            elif action < 6:
                twin.send()
            elif action < 9:
                twin.answer()
            else:
                twin.reconnect(twin.dice.chance(50))
            twin.check()
        twin.reconnect(True)
        while twin.send():
            pass
        while twin.entries:
            twin.answer()
        box = twin.box
        eq((box.count, box.place(len(box.buf))), (0, 0), "all space is back, seed %d" % seed)
        dropped += twin.dropped
    true(dropped > 100, "%d" % dropped)

"""The outbox: places in the arena, order, states; against a simple model and at random."""

import peer
from check import eq, true
from dice import Dice
from mqtt.outbox import Outbox


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
    box.begin(i)
    box.written(i, 0)
    return data


def new_connection(box, session):
    box.lost()
    box.redeliver(session)


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


def test_at_random_every_live_packet_keeps_its_bytes_its_order_and_its_place():
    for seed in range(20):
        dice = Dice(seed)
        box = Outbox(100 + dice.below(300), 3 + dice.below(8))
        model = []  # [ident, size, qos, sent] in order
        ident = 0
        for _ in range(300):
            action = dice.below(10)
            if action < 4:
                ident = ident % 200 + 1
                if ident not in [entry[0] for entry in model]:
                    size, qos = 12 + dice.below(80), dice.below(2)
                    if put(box, ident, size, qos) > 0:
                        model.append([ident, size, qos, False])
            elif action < 7:
                data = send(box, 1 << 20)
                waiting = [entry for entry in model if not entry[3]]
                eq(data is None, not waiting, "seed %d" % seed)
                if waiting:
                    entry = waiting[0]
                    wanted = bytearray(packet(entry[0], entry[1], entry[2]))
                    wanted[0] = data[0]
                    eq(data, bytes(wanted), "seed %d" % seed)
                    entry[3] = True
                    if not entry[2]:
                        model.remove(entry)
            elif action < 9:
                sent = [entry for entry in model if entry[3]]
                if sent:
                    entry = dice.pick(sent)
                    box.acked(box.find(entry[0]))
                    model.remove(entry)
            else:
                new_connection(box, dice.chance(50))
                for entry in model:
                    entry[3] = False
            eq(box.inflight, len([entry for entry in model if entry[3]]))
        new_connection(box, True)
        while send(box, 1 << 20):
            pass
        for entry in model:
            if entry[2]:
                box.acked(box.find(entry[0]))
        eq((box.count, box.place(len(box.buf))), (0, 0), "all space is back, seed %d" % seed)

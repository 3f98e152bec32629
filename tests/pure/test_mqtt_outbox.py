"""The outbox: places in the arena, order, states."""

import peer
from box import begin, ident_of, new_connection, packet, put, received, send
from check import eq, true
from mqtt.outbox import Outbox, acked, add, begun, find, live, lost, next_entry, place, replaceable


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
    acked(box, find(box, 1))
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
    eq(place(box, 101), -1)
    box = Outbox(100, 2)
    true(put(box, 1, 20) > 0 and put(box, 2, 20) > 0)
    eq(put(box, 3, 20), -1)


def test_an_empty_arena_takes_a_packet_of_its_full_size_again_and_again():
    box = Outbox(100, 4)
    for ident in range(1, 20):
        true(put(box, ident, 100) > 0)
        send(box)
        acked(box, find(box, ident))
        eq(box.count, 0)


def test_acks_out_of_order_free_all_in_the_end():
    box = Outbox(200, 8)
    for ident in range(1, 7):
        put(box, ident, 30)
        send(box)
    for ident in (3, 1, 6, 2, 5, 4):
        acked(box, find(box, ident))
        eq(find(box, ident), -1)
    eq((box.count, box.inflight), (0, 0))
    true(put(box, 9, 128) > 0)


def test_a_connection_with_a_session_sets_dup_and_keeps_id_and_order():
    box = Outbox(200, 8)
    for ident in (1, 2, 3):
        put(box, ident, 20)
    send(box)
    begin(box, next_entry(box, 8))  # the second is half sent
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
    received(box, 1)
    eq(box.inflight, 2)
    new_connection(box, True)
    eq(box.inflight, 0)
    eq(send(box), peer.pubrel(1))
    eq((send(box)[0], send(box)), (0x3C, None))
    received(box, 2)
    new_connection(box, True)
    eq([send(box) for _ in range(3)], [peer.pubrel(1), peer.pubrel(2), None])
    acked(box, find(box, 1))
    acked(box, find(box, 2))
    eq((box.count, box.inflight), (0, 0))


def test_without_a_session_a_message_begun_gets_its_new_id_in_place_and_nothing_else_changes():
    box = Outbox(300, 8)
    for ident, qos in ((0x0102, 1), (0x0304, 2), (0x0506, 0), (0x0708, 1)):
        put(box, ident, 30, qos)
    send(box)
    send(box)
    begin(box, next_entry(box, 8))
    new_connection(box, True)
    new_connection(box, False, 0xA001)
    sent = [send(box) for _ in range(4)]
    wanted = [bytearray(packet(n, 30, q)) for n, q in ((0x0102, 1), (0x0304, 2), (0x0506, 0))]
    wanted[0][5:7] = b"\xa0\x01"
    wanted[1][5:7] = b"\xa0\x02"
    eq(sent, [bytes(data) for data in wanted] + [packet(0x0708, 30)])
    eq((find(box, 0x0102), find(box, 0x0304)), (-1, -1))
    true(find(box, 0xA001) >= 0 and find(box, 0xA002) >= 0 and find(box, 0x0708) >= 0)


def test_the_id_is_found_behind_a_header_of_any_length():
    for size in (20, 128):
        box = Outbox(20000, 4)
        for payload in (size, 200, 17000):
            data = peer.publish(b"topic", bytes(payload), 1, 7)
            at = place(box, len(data))
            box.buf[at : at + len(data)] = data
            add(box, at, len(data), 7)
            send(box)
            new_connection(box, False, 0x1234)
            eq(send(box), peer.publish(b"topic", bytes(payload), 1, 0x1234))
            acked(box, find(box, 0x1234))


def test_tries_count_the_connections_on_which_a_packet_was_begun():
    box = Outbox(200, 8)
    put(box, 1, 30)
    put(box, 2, 30)
    begin(box, next_entry(box, 8))  # half sent
    first, second = box.head, box.head + 1
    for turn in range(1, 4):
        new_connection(box, True)
        eq((box.tries[first], box.tries[second]), (turn, 0))
        eq((bool(begun(box, first)), bool(begun(box, second))), (True, False))
        begin(box, next_entry(box, 8))


def test_only_what_was_never_begun_may_be_replaced():
    box = Outbox(200, 8)
    handles = [put(box, ident, 30) for ident in (1, 2, 3)]
    eq([box.handle[replaceable(box, handle)] for handle in handles], handles)
    send(box)
    begin(box, next_entry(box, 8))
    eq([replaceable(box, handle) >= 0 for handle in handles], [False, False, True])
    new_connection(box, True)
    eq([replaceable(box, handle) >= 0 for handle in handles], [False, False, True])
    acked(box, box.head + 2)
    eq(replaceable(box, handles[2]), -1)


def test_a_packet_given_up_in_any_state_leaves_no_trace():
    for sent in range(4):
        box = Outbox(200, 8)
        put(box, 1, 30, qos=2)
        i = box.head
        if sent:
            send(box)
        if sent > 1:
            received(box, 1)
        if sent > 2:
            lost(box)
        acked(box, i)
        eq((box.count, box.inflight, find(box, 1), live(box)), (0, 0, -1, 0))


def test_the_index_given_is_where_the_packet_is_also_where_the_ring_begins_anew():
    box = Outbox(400, 4)
    for ident in range(1, 30):
        put(box, ident, 30)
        at = place(box, 40)
        box.buf[at : at + 40] = packet(ident + 100, 40)
        i = add(box, at, 40, ident + 100)
        eq((box.ids[i], box.at[i], box.size[i]), (ident + 100, at, 40))
        for _ in range(2):
            acked(box, find(box, ident_of(send(box))))

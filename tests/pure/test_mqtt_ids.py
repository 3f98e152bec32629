"""Packet ids: in turn, 1..65535, never one that is in use (MQTT-2.3.1-2, 2.3.1-4)."""

import peer
from check import eq, true
from dice import Dice
from exchange import ids, silent, unacknowledged
from mqtt.ids import take_id
from story import Inbox, Story

TOP = 65535


def following(n):
    return n % TOP + 1


class Pool:
    """A client whose tables are filled by hand, and what its ids must be, told simply."""

    def __init__(self, used=(), requests=()):
        self.client = Story(max_subscriptions=8, tx_size=1024).client
        for k, ident in enumerate(used):
            self.client.outbox.ids[k] = ident
        for k, ident in enumerate(requests):
            self.client.subscriptions.ids[k] = ident

    def used(self):
        client = self.client
        return {n for n in client.outbox.ids + client.subscriptions.ids if n}

    def take(self):
        wanted = self.client.next_id
        while wanted in self.used():
            wanted = following(wanted)
        got = take_id(self.client)
        eq((got, self.client.next_id), (wanted, following(wanted)))
        return got

    def keep(self, ident):
        """The id just taken goes into use, if there is a place for it."""
        for table in (self.client.outbox.ids, self.client.subscriptions.ids):
            if 0 in table:
                table[table.index(0)] = ident
                return


def test_ids_in_use_around_the_wrap_are_passed_over():
    for used in (
        (TOP,),
        (1,),
        (TOP, 1),
        (TOP - 1, TOP, 1, 2),
        (TOP - 2, 1, 3),
        (1, 2, 3, 4, 5),
        (2, TOP),
        (30000,),
    ):
        for start in (1, 2, 3, TOP - 3, TOP - 2, TOP - 1, TOP):
            for half in (0, len(used) // 2, len(used)):
                pool = Pool(used[:half], used[half:])
                pool.client.next_id = pool.client.ids_end = start
                got = [pool.take() for _ in range(20)]
                eq([n for n in got if n in used or not 0 < n <= TOP], [])
                eq(len(set(got)), 20)


def test_an_id_set_by_hand_counts_at_once_wherever_it_points():
    pool = Pool((10, 11, 12, TOP), (5, 1))
    for start in (9, 10, 11, 12, 4, 5, TOP, 1, 9, 9, TOP - 1, 12):
        pool.client.next_id = pool.client.ids_end = start
        pool.take()
        pool.take()
    pool.client.next_id = pool.client.ids_end = 9
    eq([pool.take() for _ in range(3)], [9, 13, 14])
    pool.client.next_id = pool.client.ids_end = TOP - 1
    eq([pool.take() for _ in range(3)], [TOP - 1, 2, 3])


def test_all_ids_are_given_out_in_turn_round_and_round():
    pool = Pool((7, 40000), (TOP,))
    pool.client.next_id = pool.client.ids_end = 1
    wanted = [n for n in range(1, TOP) if n != 7 and n != 40000]
    for _ in range(2):
        for ident in wanted:
            got = take_id(pool.client)
            if got != ident:
                eq(got, ident)


def test_at_random_no_id_is_given_out_while_it_is_in_use():
    for seed in range(20):
        dice = Dice(seed)
        pool = Pool()
        near = dice.pick((1, TOP - 20, TOP, 500))
        pool.client.next_id = pool.client.ids_end = near
        for _ in range(400):
            action = dice.below(10)
            if action < 6:
                pool.keep(pool.take())
            elif action < 9:
                table = dice.pick((pool.client.outbox.ids, pool.client.subscriptions.ids))
                table[dice.below(len(table))] = 0
            else:
                pool.client.next_id = pool.client.ids_end = (near + dice.below(40) - 20) % TOP + 1
        true(len(pool.used()) > 5)


def test_publishes_and_requests_share_one_space_over_the_wrap():
    story = unacknowledged(max_inflight=30, tx_size=2000, keepalive=0, ack_timeout_ms=100000)
    story.broker.mute.update((peer.SUBSCRIBE, peer.UNSUBSCRIBE))
    story.client.next_id = story.client.ids_end = TOP - 3
    inbox = Inbox()
    for k in range(8):
        story.client.publish(b"t", b"", qos=1 + k % 2)
        story.client.subscribe(b"f/%d" % k, 1, inbox.handler)
        story.settle()
    seen = [packet.id for packet in story.broker.seen if "id" in packet.fields and packet.id]
    eq(seen, [TOP - 3, TOP - 2, TOP - 1, TOP] + list(range(1, 13)))
    story.client.next_id = story.client.ids_end = TOP - 3
    for _ in range(3):
        story.client.publish(b"t", b"", qos=1)
    story.settle()
    eq(ids(story)[-3:], [13, 14, 15])


def test_messages_that_become_new_ones_get_ids_that_nothing_else_has():
    story = silent(peer.PUBLISH, max_inflight=6, keepalive=0)
    story.client.next_id = story.client.ids_end = TOP - 2
    for _ in range(9):  # three of them wait for the window
        story.client.publish(b"t", b"", qos=1)
    story.settle()
    for start in (TOP - 2, TOP, 1, 2, 5):
        old = list(story.client.outbox.ids[:6])
        story.client.next_id = story.client.ids_end = start
        story.forget()
        story.reconnect(present=0)
        now = [n for n in story.client.outbox.ids if n]
        eq((len(now), len(set(now))), (9, 9))
        eq((len(ids(story)), ids(story)), (6, list(story.client.outbox.ids[:6])))
        eq([k for k in range(6) if story.client.outbox.ids[k] == old[k]], [], "each a fresh one")

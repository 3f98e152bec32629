"""The outbox against a simple model, at random."""

import peer
from box import new_connection, packet, put, received, send
from check import eq, true
from dice import Dice
from mqtt.makeroom import drop_oldest
from mqtt.outbox import Outbox, acked, find, live, place


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
            while place(self.box, size) < 0 and self.dropping and self.drop(size):
                pass
            if put(self.box, self.ident, size, qos) > 0:
                self.entries.append([self.ident, size, qos, "turn", False])

    def drop(self, size):
        unsent = [entry for entry in self.entries if not entry[4]]
        if not unsent or not drop_oldest(self.box, size, 0):
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
            if entry[3] == "pubrec":
                received(self.box, entry[0])
                entry[3] = "pubcomp"
            else:
                acked(self.box, find(self.box, entry[0]))
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
        eq(live(self.box), len(self.entries), self.where)
        for entry in waiting:
            true(find(self.box, entry[0]) >= 0, self.where)


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
        eq((box.count, place(box, len(box.buf))), (0, 0), "all space is back, seed %d" % seed)
        dropped += twin.dropped
    true(dropped > 100, "%d" % dropped)

"""What goes wrong with the broker."""

import peer


class Mischief:
    """The broker's part of Trouble, which gives it world, chance, and the connection."""

    def broker_closes(self):
        c = self._conn()
        if not c:
            return False
        self._busy()
        self.world.count("ends by the broker")
        return self._soon(self.world.server.close, c)

    def restart(self):
        return self._down("broker restarts, sessions kept")

    def restart_empty(self):
        s = self.world.server
        if not s.session or self.world.plan.clean:
            return False
        self._busy()
        self._soon(self._empty, None)
        return None

    def _empty(self, _):
        self.world.server.forget()
        self.world.server.silent_next = self.chance.percent(40)
        self._down("broker restarts, sessions lost")

    def _down(self, name):
        w = self.world
        s = w.server
        if not s.up:
            return False
        self._busy()
        s.up = False
        c = s.conn
        if c:
            # A dying broker's machine resets; a dying machine says nothing.
            if self.chance.percent(70):
                c.cut(True, self.chance.percent(50))
            else:
                c.up_dead = c.down_dead = c.gone = True
            s.conn = None
        w.count(name)
        w.later(w.t + self.chance.pick((100, 3000, 60000)), self._back, None)
        return None

    def _back(self, _):
        self.world.server.up = True

    def forget(self):
        s = self.world.server
        if not s.session or self.world.plan.clean:
            return False
        if s.conn:
            self._busy()
            s.conn.cut(True)
            s.conn = None
        s.forget()
        s.silent_next = self.chance.percent(70)
        self.world.count("sessions forgotten")
        return None

    def refuse(self):
        self.refuse_until = self.world.t + self.chance.pick((500, 5000, 60000))
        return self._reconnect()

    def hang(self):
        self.hangs += self.chance.between(1, 3)
        return self._reconnect()

    def refuse_connect(self):
        s = self.world.server
        s.refuse_next = self.chance.between(1, 6)
        s.refusals = self.chance.between(1, 3)
        return self._reconnect()

    def silent_connack(self):
        self.world.server.silent_next = True
        return self._reconnect()

    def _reconnect(self):
        c = self._conn()
        if c:
            self._busy()
            self._soon(self._reset, c)

    def stuck(self):
        return self._stuck(self.chance.between(1, 1500))

    def stuck_long(self):
        return self._stuck(self.world.plan.ack_timeout * self.chance.between(1, 3))

    def _stuck(self, ms):
        s = self.world.server
        s.stuck_until = max(s.stuck_until, self.world.t + ms)
        self.world.count("broker stuck")
        return self._busy()

    def no_pong(self):
        c = self._conn()
        if not c or not self.world.plan.keepalive:
            return False
        c.no_pong = True
        return None

    def no_acks(self):
        c = self._conn()
        if not c:
            return False
        c.no_acks = True
        self.world.count("acks withheld")
        return self._busy()

    def rogue(self):
        # Acks for ids that nobody uses: odd, and to be answered as the standard says.
        c = self._conn()
        judge = self.world.judge
        if not c or c is not self.world.server.conn:
            return False
        pid = self.chance.between(1000, 60000)
        if pid in judge.out.in_use or pid in judge.requests:
            return False
        kind = self.chance.pick((peer.PUBACK, peer.PUBREC, peer.PUBREL, peer.PUBCOMP))
        make = {
            peer.PUBACK: peer.puback,
            peer.PUBREC: peer.pubrec,
            peer.PUBREL: peer.pubrel,
            peer.PUBCOMP: peer.pubcomp,
        }
        c.push(make[kind](pid), kind, pid)
        self.world.count("acks for unknown ids")
        return None

    def illegal(self):
        # What no broker may send: the client must end the connection.
        c = self._conn()
        if not c or c is not self.world.server.conn:
            return False
        choices = (
            b"\x00\x00", b"\xf0\x00", b"\x36\x05\x00\x01ax\x01", b"\x60\x02\x00\x01",
            b"\x41\x02\x00\x01", b"\x20\x02\x00\x00", b"\x40\x02\x00\x00",
            b"\x90\x03\x00\x01\x03", b"\x30\x02\x00\x00", b"\x32\x05\x00\x01a\x00\x00",
            b"\x30\x05\x00\x01+xx", b"\x30\xff\xff\xff\xff\x01", b"\xd0\x01x",
            b"\x82\x02\x00\x01", b"\x10\x00", b"\x62\x03\x00\x01x",
        )  # fmt: skip
        packet = self.chance.pick(choices)
        c.push(packet, 0, 0, len(packet))
        self.world.count("illegal packets")
        return None

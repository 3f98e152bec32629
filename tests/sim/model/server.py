"""The model broker: sessions, QoS 0/1/2 both ways, retained messages; and its bad days.

It has one client. It follows the standard but for the habits of its plan (`shuffled` acks,
`dup_lost`, `no_qos2`) and what trouble.py makes it do: be stuck, restart with or without its
sessions, refuse, forget to answer, send acks for ids nobody used.
"""

import peer
from session import RECEIVED, WAITING, Note, Session


class Server:
    """One broker. Its time and chance are the world's."""

    def __init__(self, world):
        self.world = world
        self.plan = world.plan
        self.conn = None
        self.session = None
        self.up = True
        self.stuck_until = 0
        self.refuse_next = 0  # CONNACK code for the next CONNECTs
        self.refusals = 0  # so many of them
        self.silent_next = False  # the next CONNECT is not answered
        self.notes = []  # all that were ever made, by number
        self.retained = {}
        self.takes = {
            peer.CONNECT: self._connect,
            peer.PUBLISH: self._publish,
            peer.PUBACK: self._puback,
            peer.PUBREC: self._pubrec,
            peer.PUBREL: self._pubrel,
            peer.PUBCOMP: self._pubcomp,
            peer.SUBSCRIBE: self._subscribe,
            peer.UNSUBSCRIBE: self._unsubscribe,
            peer.PINGREQ: self._pingreq,
            peer.DISCONNECT: self._disconnect,
        }

    # Connections.

    def accept(self, conn):
        """A TCP connection was made."""
        if not self.up:
            conn.cut(False)

    def lost(self, conn):
        """The broker learns that a connection is over."""
        conn.gone = True
        if self.conn is conn:
            self.conn = None

    def close(self, conn):
        """The broker ends a connection."""
        conn.finish()
        if self.conn is conn:
            self.conn = None

    def take(self, conn, packet):
        """A packet arrived."""
        if conn.gone:
            return
        w = self.world
        conn.heard_at = w.t
        if w.t < self.stuck_until or conn.waiting:
            if not conn.waiting:
                w.later(self.stuck_until, self._unstuck, conn)
            conn.waiting.append(packet)
        elif self.up:
            self._take(conn, packet)

    def _unstuck(self, conn):
        w = self.world
        if w.t < self.stuck_until:
            w.later(self.stuck_until, self._unstuck, conn)
            return
        waiting = conn.waiting
        conn.waiting = []
        for packet in waiting:
            if self.up and not conn.gone:
                self._take(conn, packet)

    def _take(self, conn, packet):
        if packet.kind != peer.CONNECT and conn is not self.conn:
            return  # refused, or another took its place
        self.takes[packet.kind](conn, packet)

    def watch(self, conn):
        """Ends a connection that was silent for one and a half times its keep alive."""
        w = self.world
        limit = conn.keepalive * 1500 + 3000
        if conn.gone:
            return
        if w.t - conn.heard_at >= limit:
            w.count("keep alive ran out at the broker")
            self.close(conn)
        else:
            w.later(conn.heard_at + limit, self.watch, conn)

    def _connect(self, conn, p):
        w = self.world
        if self.silent_next:
            self.silent_next = False
            w.count("CONNACKs withheld")
            if w.chance.percent(50):
                return None
            conn.down_dead = True  # it is sent, and a session begun, but never arrives
        if self.refusals:
            self.refusals -= 1
            w.count("CONNECTs refused")
            conn.push(peer.connack(0, self.refuse_next), peer.CONNACK, self.refuse_next)
            if w.chance.percent(50):
                # Reset right behind it: the refusal must still be read.
                conn.cut_down_in = 4
            return self.close(conn)
        if self.conn and self.conn is not conn:
            w.count("old connections taken over")
            self.close(self.conn)
        self.conn = conn
        conn.keepalive = p.keepalive
        if p.keepalive:
            self.watch(conn)
        if p.clean:
            self.forget()
        present = self.session is not None
        if not present:
            self.session = Session()
        w.count("sessions resumed" if present else "sessions begun")
        if not present and not p.clean and w.chance.percent(40) and not w.calm:
            conn.cut_up_in = w.chance.below(400)  # a new session does not always last
        if present and w.chance.percent(5) and not w.calm:
            # Nor does an old one: what is being repeated is lost once more.
            w.later(w.t + 2 * self.plan.latency + w.chance.below(30), self._crash, conn)
        conn.push(peer.connack(1 if present else 0), peer.CONNACK, 0, (present, self.session))
        self._resume(conn, self.session)
        return None

    def forget(self):
        """The session is lost."""
        if self.session:
            for note in self.session.flight + self.session.queue:
                note.lost = True
        self.session = None

    def _crash(self, conn):
        if self.conn is conn and not self.world.calm:
            conn.cut(True)
            self.conn = None
            self.forget()
            self.world.count("sessions forgotten")

    def _resume(self, conn, s):
        for note in s.flight:
            if note.state == RECEIVED:
                conn.push(peer.pubrel(note.pid), peer.PUBREL, note.pid)
            else:
                self._send(conn, note, 0 if self.plan.dup_lost else 1)
        self.pump()

    # From the client.

    def _answer(self, conn, data, kind, pid):
        w = self.world
        if conn.no_acks:
            return
        if self.plan.shuffled:
            w.later(w.t + w.chance.below(300), self._late, (conn, data, kind, pid))
        else:
            conn.push(data, kind, pid)

    def _late(self, item):
        conn, data, kind, pid = item
        conn.push(data, kind, pid)

    def _publish(self, conn, p):
        s = self.session
        judge = self.world.judge
        if p.qos < 2 or self.plan.no_qos2:
            judge.arrived(p)
            if p.qos:
                self._answer(conn, peer.puback(p.id), peer.PUBACK, p.id)
            return
        if p.id not in s.received:
            s.received.append(p.id)
            if self.plan.on_release:
                s.stored[p.id] = p
            else:
                judge.arrived(p)
        self._answer(conn, peer.pubrec(p.id), peer.PUBREC, p.id)

    def _pubrel(self, conn, p):
        s = self.session
        if p.id in s.received:
            s.received.remove(p.id)
            if p.id in s.stored:
                self.world.judge.arrived(s.stored.pop(p.id))
        self._answer(conn, peer.pubcomp(p.id), peer.PUBCOMP, p.id)

    def _subscribe(self, conn, p):
        w = self.world
        codes = []
        for flt, qos in p.filters:
            if not w.calm and w.chance.percent(self.plan.refusals):
                codes.append(0x80)
                w.count("SUBSCRIBEs refused")
                continue
            if w.chance.percent(10):
                qos = w.chance.below(qos + 1)
            codes.append(qos)
            self.session.subs = [sub for sub in self.session.subs if sub[0] != flt]
            self.session.subs.append([flt, qos])
        conn.push(peer.suback(p.id, *codes), peer.SUBACK, p.id, codes[0])
        for flt, _ in p.filters:
            for topic in sorted(self.retained):
                if codes[0] < 3 and w.judge.matches(flt, topic):
                    size, level = self.retained[topic]
                    self._queue(topic, size, min(level, codes[0]), 1)
        self.pump()

    def _unsubscribe(self, conn, p):
        self.session.subs = [sub for sub in self.session.subs if sub[0] not in p.filters]
        conn.push(peer.unsuback(p.id), peer.UNSUBACK, p.id)

    def _pingreq(self, conn, p):
        if conn.no_pong:
            self.world.count("PINGRESPs withheld")
        else:
            conn.push(peer.pingresp(), peer.PINGRESP, 0)

    def _disconnect(self, conn, p):
        self.close(conn)

    # To the client.

    def publish(self, topic, size, qos, retain):
        """Someone publishes to `topic`, a payload of `size` bytes."""
        s = self.session
        if retain:
            self.retained[topic] = size, qos
        if not s:
            return
        for flt, granted in s.subs:
            if self.world.judge.matches(flt, topic):
                level = min(qos, granted)
                if (level or self.conn) and len(s.queue) < 400:
                    self._queue(topic, size, level, 0)
        self.pump()

    def _queue(self, topic, size, qos, retain):
        number = len(self.notes)
        note = Note(number, topic, self.world.payload(b"i", number, size), qos, retain)
        self.notes.append(note)
        self.session.queue.append(note)

    def pump(self):
        """Send what the window allows."""
        s = self.session
        if not self.conn or not s or not self.up:
            return
        while s.queue and (len(s.flight) < self.plan.window or not s.queue[0].qos):
            note = s.queue.pop(0)
            if note.qos:
                note.pid = self._free_id(s)
                note.state = WAITING
                s.flight.append(note)
            self._send(self.conn, note, 0)

    def _free_id(self, s):
        # Few ids, so that equal numbers on both sides, and early use again, are common.
        taken = [note.pid for note in s.flight]
        while s.next_id in taken:
            s.next_id = s.next_id % 50 + 1
        pid = s.next_id
        s.next_id = pid % 50 + 1
        return pid

    def _send(self, conn, note, dup):
        note.times += 1
        note.dup = dup
        data = peer.publish(note.topic, note.payload, note.qos, note.pid, note.retain, dup)
        conn.push(data, peer.PUBLISH, note.pid, note)

    def _sent(self, pid, state):
        for note in self.session.flight:
            if note.pid == pid and note.state == state:
                return note
        return None

    def _done(self, note):
        self.session.flight.remove(note)
        self.world.judge.accepted(note)
        self.pump()

    def _puback(self, conn, p):
        note = self._sent(p.id, WAITING)
        if not note or note.qos != 1:
            return self.world.fail("answers", "PUBACK %d for no QoS-1 message" % p.id)
        return self._done(note)

    def _pubrec(self, conn, p):
        note = self._sent(p.id, WAITING)
        if note and note.qos == 2:
            note.state = RECEIVED
        elif not self._sent(p.id, RECEIVED):
            return self.world.fail("answers", "PUBREC %d for no QoS-2 message" % p.id)
        conn.push(peer.pubrel(p.id), peer.PUBREL, p.id)
        return None

    def _pubcomp(self, conn, p):
        note = self._sent(p.id, RECEIVED)
        if note:
            self._done(note)

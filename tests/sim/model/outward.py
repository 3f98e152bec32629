"""The account of what the application published: each message from its acceptance to its end.

Judged on the bytes the client writes and on what it has been able to read: order, DUP, packet ids,
the in-flight window, no PUBLISH after PUBREC, and that the events tell what happened.
"""

from mail import REPLACED, UNCERTAIN, VIOLATION, Mail, verdict


class Outward:
    """Of one run."""

    def __init__(self, world, judge):
        self.world = world
        self.judge = judge
        self.fail = world.fail
        self.mails = []  # by serial
        self.by_handle = {}
        self.by_number = {}
        self.first = 0  # serial of the oldest that may be unfinished
        self.numbers = 0
        self.in_use = {}  # packet id -> Mail, in this session
        self.tails = []  # beginnings of PUBLISHes that an end of connection cut off
        self.due = []  # mails whose end must be told before the step ends
        self.recent = None  # conn whose counters these are
        self.flight = 0
        self.cursor = 0
        self.rel = []  # PUBRELs owed on this connection, by packet id
        self.releasing = 0  # PUBRELs of before a reconnect, still to be sent
        self.told_oldest = 0
        self.whole = 0  # PUBLISHes written whole
        self.n_acked = self.n_failed = self.n_uncertain = self.n_dropped = 0
        self.strays = 0

    # The application.

    def accepted(self, handle, number, topic, payload, qos, retain):
        """publish() or send() gave a handle."""
        old = self.by_handle.get(handle)
        if old is not None:
            return self._replaced(old, number, payload)
        mail = Mail(len(self.mails), handle, number, topic, payload, qos, retain)
        self.mails.append(mail)
        self.by_handle[handle] = mail
        self.by_number[number] = mail
        return None

    def _replaced(self, mail, number, payload):
        if mail.ever or mail.end is not None or mail.skipped or self._begun(mail):
            return self.fail("replacing", "%r was begun or done, and was replaced" % mail)
        self.world.count("publishes replaced")
        del self.by_number[mail.number]
        mail.number = number
        mail.payload = payload
        self.by_number[number] = mail
        return None

    def _begun(self, mail):
        c = self.world.link_conn()
        rest = c.rest if c else b""
        return len(rest) > 1 and rest[0] >> 4 == 3 and self._next(self.cursor) is mail

    def _next(self, at):
        while at < len(self.mails):
            if self.mails[at].end is None:
                return self.mails[at]
            at += 1
        return None

    def ids(self):
        """Packet ids in use."""
        return sorted(self.in_use)

    # Connections and sessions.

    def opened(self):
        """A new connection: everything unfinished may be sent on it."""
        while self.first < len(self.mails) and self.mails[self.first].end is not None:
            self.first += 1
        self.cursor = self.told_oldest = self.first
        self.flight = 0
        self.rel = []

    def ended(self, rest):
        """A connection is over; `rest`: the packet it cut off."""
        if rest and rest[0] >> 4 == 3:
            self.tails.append(rest)

    def resumed(self):
        """The client has read session present 1."""
        self.releasing = 0
        for k in range(self.first, len(self.mails)):
            m = self.mails[k]
            if m.end is None and m.recorded:
                self.releasing += 1

    def lost_unnoticed(self):
        """Session present 1, but of a session begun by a CONNECT whose CONNACK never came: there
        is no way to know, and what awaits PUBCOMP may be lost."""
        for k in range(self.first, len(self.mails)):
            m = self.mails[k]
            if m.end is None and m.recorded:
                m.unsure = True
            elif m.end is None and m.whole:
                m.losses += 1

    def lost_session(self):
        """The client has read session present 0."""
        self.in_use = {}
        self.tails = []
        self.releasing = 0
        for k in range(self.first, len(self.mails)):
            m = self.mails[k]
            if m.end is not None:
                continue
            if m.recorded:
                m.must = UNCERTAIN
                self.due.append(m)
            elif m.whole:
                m.losses += 1
            m.whole = 0
            m.pid = 0

    # Bytes written.

    def sent_publish(self, conn, p, raw):
        """A PUBLISH was written whole."""
        number = self.world.number_of(p.payload)
        m = self.by_number.get(number)
        if m is None or m.payload != p.payload or m.topic != p.topic:
            return self.fail("payload", "PUBLISH of what was never accepted: %r" % p)
        if m.qos != p.qos or m.retain != p.retain:
            return self.fail("payload", "%r went out as QoS %d retain %d" % (m, p.qos, p.retain))
        if m.end is not None or m.skipped:
            return self.fail("ends", "%r sent after its end" % m)
        self.whole += 1
        self._advance(m, conn)
        if m.qos:
            self._check_id(m, conn, p, raw)
            self._in_flight(m, conn, p.id)
        elif m.ever:
            self.fail("QoS 0 at most once", "%r sent twice" % m)
        m.ever += 1
        m.whole += 1
        return None

    def _advance(self, m, conn):
        if m.serial < self.cursor:
            return self.fail("order", "%r sent behind a later one, or twice on %d" % (m, conn.no))
        while self.cursor < m.serial:
            other = self.mails[self.cursor]
            self.cursor += 1
            if other.end is None:
                if other.whole or not self.world.plan.drop_oldest:
                    return self.fail("order", "%r sent before %r" % (m, other))
                other.skipped = True
        self.cursor = m.serial + 1
        return None

    def _check_id(self, m, conn, p, raw):
        user = self.in_use.get(p.id)
        if user is not None and user is not m:
            return self.fail("packet ids", "%r takes id %d of %r" % (m, p.id, user))
        if p.id in self.judge.requests:
            return self.fail("packet ids", "%r takes id %d of a request" % (m, p.id))
        if m.recorded:
            return self.fail("no PUBLISH after PUBREC", "%r sent again" % m)
        if m.whole:
            if p.id != m.pid:
                return self.fail("packet ids", "%r sent again as %d, was %d" % (m, p.id, m.pid))
            if not p.dup:
                return self.fail("DUP", "%r sent again without DUP" % m)
            self.world.count("publishes repeated")
        elif p.dup and not self._cut_before(raw):
            return self.fail("DUP", "%r sent first with DUP" % m)
        return None

    def _cut_before(self, raw):
        for tail in self.tails:
            if raw[1 : len(tail)] == tail[1:]:
                return True
        return False

    def _in_flight(self, m, conn, pid):
        m.pid = pid
        m.conn = conn.no
        m.when = self.world.t
        self.in_use[pid] = m
        self.flight += 1
        if self.flight > self.world.plan.max_inflight:
            self.fail("window", "%d in flight" % self.flight)

    def sent_pubrel(self, conn, pid):
        """A PUBREL was written."""
        m = self.in_use.get(pid)
        if self.rel and self.rel[0] == pid:
            self.rel.pop(0)
            return None
        if m is None or not m.recorded or m.conn == conn.no:
            return self.fail("answers", "PUBREL %d out of turn, owed: %r" % (pid, self.rel))
        self._advance(m, conn)
        self.releasing -= 1
        self._in_flight(m, conn, pid)
        self.world.count("PUBRELs repeated")
        return None

    # Packets read.

    def got_puback(self, conn, pid):
        """PUBACK reached the client."""
        m = self.in_use.get(pid)
        if m is None or m.conn != conn.no:
            self.strays += 1
        elif m.qos == 1:
            self._answered(m, 1)
        else:
            self._got_wrong_puback(m, conn)

    def _got_wrong_puback(self, m, conn):
        # Both are right: to close, and, from the second time on, to give the message up.
        self.world.count("QoS 2 answered with PUBACK")
        self.judge.illegal = conn.no

    def got_pubrec(self, conn, pid):
        """PUBREC reached the client."""
        m = self.in_use.get(pid)
        if m and m.conn == conn.no:
            if m.qos == 1:
                self.judge.illegal = conn.no
                return
            m.recorded = True
        self.rel.append(pid)

    def got_pubcomp(self, conn, pid):
        """PUBCOMP reached the client."""
        m = self.in_use.get(pid)
        if m is None or m.conn != conn.no:
            self.strays += 1
        elif m.recorded and pid not in self.rel:
            self._answered(m, 2)
        else:
            self.judge.illegal = conn.no

    def _answered(self, m, end):
        m.answered = True
        m.must = end
        self.due.append(m)
        self.in_use.pop(m.pid)
        self.flight -= 1

    def arrived(self, p):
        """The other side has it."""
        m = self.by_number.get(self.world.number_of(p.payload))
        if m:
            m.arrivals += 1
            if self.world.tracing:
                self.world.say("   %r reaches the other side" % m)

    # Events.

    def acked(self, handle, qos):
        """ACKED."""
        m = self.by_handle.get(handle)
        self.n_acked += 1
        if m is None or m.end is not None:
            return self.fail("ends", "ACKED %d, which is done or unknown" % handle)
        if qos != m.qos or (qos and not m.answered) or (not qos and not m.ever):
            return self.fail("ends", "ACKED %r without its answer" % m)
        m.end = qos
        return None

    def given_up(self, handle, code):
        """FAILED."""
        m = self.by_handle.get(handle)
        self.n_failed += 1
        if m is None or m.end is not None:
            return self.fail("ends", "FAILED %d, which is done or unknown" % handle)
        m.end = code
        if code == UNCERTAIN:
            self.n_uncertain += 1
            self.world.count("publishes uncertain")
            if m.must != UNCERTAIN:
                self.fail("uncertain", "%r" % m)
        elif code == REPLACED:
            self.n_dropped += 1
            self.world.count("publishes dropped for newer")
            if m.ever or not self.world.plan.drop_oldest:
                self.fail("dropping", "%r was sent" % m)
        elif code == VIOLATION and self.world.plan.no_qos2 and m.qos == 2 and m.whole:
            self.world.count("publishes given up, no QoS 2")
            self.in_use.pop(m.pid, None)
            self.flight -= 1
        else:
            self.fail("ends", "%r FAILED with %d" % (m, code))
        return None

    def stepped(self):
        """A step is over: what it had to tell is told."""
        for m in self.due:
            if m.end != m.must:
                self.fail("ends", "%r ended %r, must be %r" % (m, m.end, m.must))
        self.due = []

    def oldest(self, conn):
        """Age of the oldest unanswered one on this connection; -1: none."""
        k = self.told_oldest
        while k < len(self.mails):
            m = self.mails[k]
            if m.end is None:
                return self.world.t - m.when if m.qos and m.conn == conn.no else -1
            k += 1
            self.told_oldest = k
        return -1

    def final(self):
        """The run is over: each came to exactly one end, and arrived as often as it says."""
        for m in self.mails:
            wrong = verdict(m, self.world.plan)
            if wrong:
                self.fail(wrong[0], wrong[1])
            if m.arrivals > 1 and m.qos == 2:
                self.world.count("QoS-2 publishes doubled with a lost session")

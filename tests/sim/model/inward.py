"""The account of what the broker sent: which handlers each PUBLISH must reach, and its answer.

A model of the duty, not of the client's code: a set of held ids, a list of declared filters, and a
queue for each kind of answer, since each kind goes out in the order of its cause [MQTT-4.6.0].
"""


class Inward:
    """Of one run."""

    def __init__(self, world, judge):
        self.world = world
        self.judge = judge
        self.fail = world.fail
        self.held = []
        self.doubtful = []  # held in a session that may be lost
        self.spare = False  # and these may make room
        self.stuck = False  # on this connection there was no room for one: no other is taken
        self.drained = False  # and the last held one was released: the connection must end
        self.ack = []  # owed on this connection: packet ids of PUBACKs
        self.rec = []  # PUBRECs
        self.comp = []  # PUBCOMPs
        self.expect = []  # tags of the handlers that must be called now
        self.loose = []  # tags that may be called
        self.note = None  # with this message
        self.pieces = {}  # tag -> bytes so far of a message taken in pieces
        self.dealt_with = 0  # messages that came
        self.received = self.unmatched = self.oversize = self.withheld = 0
        self.last = [-1, -1, -1]  # number of the last first delivery, by QoS

    def opened(self):
        """A new connection: answers not sent on the old one are not owed."""
        self.ack = []
        self.rec = []
        self.comp = []
        self.pieces = {}
        self.stuck = self.drained = False

    def lost_session(self):
        """The client has read session present 0."""
        self.held = []
        self.doubtful = []

    def in_doubt(self):
        """The client has read session present 1, but cannot know of which session."""
        self.spare = False
        self.doubtful += self.held
        self.held = []

    def settle(self):
        """The client has read a SUBACK: the broker has taken up what it knows of the session."""
        self.spare = True
        if self.stuck and self.doubtful and not self.held:
            self.drained = True
            self.world.count("connections ended for what was withheld")

    # Packets read.

    def got_publish(self, conn, note):
        """A PUBLISH has been read to its last byte: its handlers are called next."""
        w = self.world
        self.settled()
        rx = w.plan.rx_size
        size = 2 + len(note.topic) + (2 if note.qos else 0)
        large = size + len(note.payload) > rx
        again = note.qos == 2 and self._held(note)
        full = note.qos == 2 and not again and self._full(note.pid)
        takers = [] if again or full else self._takers(note, large, size >= rx)
        if large:
            if takers:
                self.received += 1
            else:
                self.oversize += 1
            w.count("messages larger than the buffer")
        elif takers:
            self.received += 1
        elif not again and not full:
            self.unmatched += 1
        self.note = note
        if note.taken and note.qos == 2 and not again:
            note.doubled = True
            w.count("QoS-2 messages doubled in doubt")
        note.due += len(takers)
        self.expect = takers
        self.loose = []
        if full:
            self.withheld += 1
            note.withheld = True
            w.count("PUBRECs withheld, table full")
            return
        if again:
            w.count("QoS-2 messages repeated to the client")
        if not note.taken:
            self.dealt_with += 1
        note.taken = True
        if note.qos == 1:
            self.ack.append(note.pid)
        elif note.qos == 2:
            self.rec.append(note.pid)
            if not again:
                self._hold(note.pid)
        if note.times == 1 and not note.withheld:
            if note.number < self.last[note.qos]:
                self.fail("order in", "%r behind %d" % (note, self.last[note.qos]))
            self.last[note.qos] = note.number

    def _held(self, note):
        if note.pid in self.doubtful and note.dup:
            self.doubtful.remove(note.pid)
            self.held.append(note.pid)
        return note.pid in self.held

    def _full(self, pid):
        self.stuck = self.stuck or self._no_room(pid)
        return self.stuck

    def _no_room(self, pid):
        used = len(self.held) + len(self.doubtful)
        if used < self.world.plan.max_held or pid in self.doubtful:
            return False
        return not (self.spare and self.doubtful)

    def _hold(self, pid):
        self.held.append(pid)
        if pid in self.doubtful:
            self.doubtful.remove(pid)
        elif len(self.held) + len(self.doubtful) > self.world.plan.max_held:
            self.doubtful.remove(max(self.doubtful))

    def _takers(self, note, large, headless):
        takers = []
        if not headless:
            for flt, tag, pieces in self.world.node.declared:
                if (pieces or not large) and self.judge.matches(flt, note.topic):
                    takers.append(tag)
        return takers

    def got_pubrel(self, pid):
        """PUBREL reached the client."""
        known = pid in self.held or pid in self.doubtful
        if pid in self.held:
            self.held.remove(pid)
        elif pid in self.doubtful:
            self.doubtful.remove(pid)
        if known and self.stuck and not self.held:
            self.drained = True
            self.world.count("connections ended for what was withheld")
        self.comp.append(pid)

    # Handlers.

    def handled(self, tag, msg):
        """A handler was called. True if it has the whole message now."""
        data = msg.payload()
        if msg.offset or msg.total != len(data):
            data = self._joined(tag, msg, data)
            if len(data) < msg.total:
                return False
            self.world.count("messages taken in pieces")
        note = self.note
        if tag in self.loose:
            return True
        if note is None or tag not in self.expect:
            self.fail(
                "handlers", "handler %s called for %r, waited for: %r" % (tag, note, self.expect)
            )
        elif data != note.payload or (not msg.offset and msg.topic() != note.topic):
            self.fail("handlers", "handler %s got %r instead of %r" % (tag, data, note))
        elif (msg.qos, msg.retain) != (note.qos, note.retain):
            self.fail("handlers", "%r as QoS %d retain %d" % (note, msg.qos, msg.retain))
        else:
            self.expect.remove(tag)
            note.handled += 1
            if self.world.tracing:
                self.world.say("   handler %s takes %r" % (tag, note))
        return True

    def changed(self, flt):
        """The application changes this subscription: if in the middle of a message, then either
        is right for this one."""
        tag = flt.decode()
        self.loose.append(tag)
        if tag in self.expect:
            self.expect.remove(tag)
            self.note.due -= 1

    def _joined(self, tag, msg, data):
        if not msg.offset:
            self.pieces[tag] = data
        elif len(self.pieces.get(tag, b"")) != msg.offset:
            self.fail("handlers", "piece at %d of handler %s" % (msg.offset, tag))
        else:
            self.pieces[tag] += data
        return self.pieces.get(tag, b"")

    def settled(self):
        """The handlers of the last message have all been called."""
        if self.expect:
            self.fail("handlers", "%r did not reach handlers %r" % (self.note, self.expect))
        self.expect = []

    # Bytes written.

    def sent(self, owed, pid, what):
        """An answer was written."""
        if self.drained:
            self.fail("no end without cause", "%s %d, and what was withheld waits" % (what, pid))
        self.settled()
        if not owed or owed[0] != pid:
            self.fail("answers", "%s %d, owed: %r" % (what, pid, owed))
        else:
            owed.pop(0)

    def owes(self):
        """True if an answer is still to be sent."""
        return self.ack or self.rec or self.comp

    def accepted(self, note):
        """The broker has the last answer for a message: the client must have dealt with it."""
        if not note.taken:
            self.fail("at least once in", "%r was answered, and never read" % note)

    def final(self):
        """The run is over."""
        if self.held:
            self.fail("no leak", "ids held at the end: %r" % self.held)
        for note in self.world.server.notes:
            if note.qos and not note.taken and not note.lost:
                self.fail("at least once in", "%r never came" % note)
            if note.qos == 2 and note.taken and note.handled != note.due:
                self.fail("exactly once in", "%r: %d calls of %d" % (note, note.handled, note.due))
            if note.doubled and not self.world.plan.dup_lost:
                self.fail("exactly once in", "%r came twice" % note)

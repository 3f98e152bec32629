"""One TCP connection on virtual time: bytes arrive in order, late, in pieces of any size, or never.

    cut()        it breaks: what was on its way is lost, the client reads or writes an error
    up_dead      what the client writes vanishes in silence (up to the send buffer, then it blocks)
    down_dead    what the broker sends vanishes in silence
    block_until  write() takes nothing until then
    trickle      so many bytes at most are taken and given at a time
    cut_up_in    cut after so many more bytes of the client; cut_down_in, of the broker

Every byte the client writes is decoded at once and judged, whether it arrives or not; the broker
gets a packet when its last byte has arrived.
"""

import peer

ECONNRESET = -104


class Connection:
    """One TCP connection; `no` counts them."""

    def __init__(self, world, link, no):
        self.world = world
        self.link = link
        self.no = no
        self.since = world.t
        self.error = 0
        self.eof = False
        self.closed = False  # by the client
        self.trickle = 100000
        self.block_until = 0
        self.blocked_at = self.blocked_last = -1  # since when, and when last, write() took nothing
        # from the client
        self.written = self.arrived = self.ended = 0
        self.rest = b""  # written, and no whole packet yet
        self.held = None  # written by the call under way, and not yet judged
        self.torn = False  # cut while the client wrote
        self.packets = []  # (end, packet) on their way
        self.up_at = 0  # when the last byte arrives
        self.up_last = [-1, 0]
        self.up_dead = False
        self.cut_up_in = -1
        # to the client
        self.inbox = b""
        self.pos = self.read = self.pushed = 0
        self.marks = []  # (end, kind, id, more) of what is not dealt with yet
        self.down_at = 0
        self.down_dead = False
        self.cut_down_in = -1
        # what the broker keeps about it
        self.greeted = self.gone = False
        self.waiting = []  # packets the stuck broker has not looked at
        self.heard_at = world.t
        self.keepalive = 0
        self.no_pong = self.no_acks = False
        world.judge.opened(self)

    def blocked(self):
        """The client found no room for a byte."""
        if self.blocked_at < 0:
            self.blocked_at = self.world.t
        self.blocked_last = self.world.t

    # From the client to the broker.

    def take(self, data):
        """The client wrote `data`."""
        w = self.world
        self.written += len(data)
        if self.blocked_at >= 0:
            w.judge.excuse += w.t - self.blocked_at
            self.blocked_at = -1
        if self.held is None:
            self._decode(self.rest + data if self.rest else data)
        else:
            self.held += data
        at = w.t + w.delay()
        if at < self.up_at:
            at = self.up_at
        if len(data) > 1 and self.trickle < 100000 and w.chance.percent(50):
            self._arrives(at, self.written - w.chance.between(1, len(data) - 1))
            at += w.chance.below(50)
        self._arrives(at, self.written)
        self.up_at = at

    def release(self):
        """Judge what the call that is over has written."""
        data = self.held
        self.held = None
        if data:
            self._decode(self.rest + data)
            if self.rest:
                self.world.count("publishes written at once in part")
        if self.torn:
            self.count_torn()

    def count_torn(self):
        """It was cut by a write: within a packet?"""
        self.torn = False
        if self.rest:
            self.world.count("resets inside a packet sent")

    def _arrives(self, at, upto):
        last = self.up_last
        if last[0] == at and last[1] > self.arrived:
            last[1] = upto  # the same event
        else:
            self.up_last = [at, upto]
            self.world.later(at, self._arrive, self.up_last)

    def _decode(self, data):
        judge = self.world.judge
        while data:
            try:
                found = peer.decode(data)
            except peer.Violation as error:
                return self.world.fail("legal bytes", str(error))
            if found is None:
                break
            packet, used = found
            self.ended += used
            self.packets.append((self.ended, packet))
            judge.sent(self, packet, data)
            data = data[used:]
        self.rest = data
        return None

    def _arrive(self, item):
        if self.up_dead or self.gone:
            return
        self.arrived = item[1]
        if self.link.full and self.link.conn is self:
            self.world.awake = True
        packets = self.packets
        n = 0
        while n < len(packets) and packets[n][0] <= self.arrived:
            n += 1
        if n:
            self.packets = packets[n:]
            for k in range(n):
                self.world.server.take(self, packets[k][1])

    def left(self):
        """The client closed its end."""
        w = self.world
        self.closed = True
        w.judge.ended(self)
        if self.up_dead:
            return  # the broker does not learn of it
        if w.chance.percent(30) and self.written > self.arrived:
            w.count("tails lost")
            self.up_dead = True
            w.later(w.t + w.delay(), w.server.lost, self)
        else:
            w.later(max(self.up_at, w.t + w.delay()), w.server.lost, self)

    # From the broker to the client.

    def push(self, data, kind, packet_id, more=None):
        """The broker sends one packet."""
        w = self.world
        if self.gone:
            return
        self.pushed += len(data)
        self.marks.append((self.pushed, kind, packet_id, more))
        if w.tracing:
            w.say("   broker sends %s %d %s" % (peer.NAMES[kind], packet_id, more or ""), self)
        if self.down_dead:
            return
        at = max(self.down_at, w.t + w.delay())
        self.down_at = at
        if len(data) > 2 and self.trickle < 100000:
            cut = w.chance.between(1, len(data) - 1)
            w.later(at, self._come, data[:cut])
            self.down_at = at = at + w.chance.below(50)
            data = data[cut:]
        w.later(at, self._come, data)

    def _come(self, data):
        if self.down_dead or self.closed:
            return
        if 0 <= self.cut_down_in <= len(data):
            if 0 < self.cut_down_in < len(data):
                self.world.count("resets inside a packet received")
            data = data[: self.cut_down_in]
            self.cut(True, True)
        elif self.cut_down_in >= 0:
            self.cut_down_in -= len(data)
        self.inbox = self.inbox[self.pos :] + data
        self.pos = 0
        self.world.awake = True

    def catch_up(self, unparsed):
        """The client has dealt with all it has read but so many bytes: judge up to there. One read
        may bring many packets, and what they do comes between them."""
        upto = self.read - unparsed
        marks = self.marks
        while marks and marks[0][0] <= upto:
            _, kind, packet_id, more = marks.pop(0)
            self.world.judge.got(self, kind, packet_id, more)
        if marks and not marks[0][1] and upto > marks[0][0] - marks[0][3]:
            self.world.judge.illegal = self.no  # its beginning may say enough

    def finish(self):
        """The broker closes its end: the client reads the end after what was sent."""
        if not self.gone:
            self.gone = True
            self.world.later(max(self.down_at, self.world.t + self.world.delay()), self._end, None)

    def _end(self, _):
        if not self.down_dead and not self.closed:
            self.eof = True
            self.world.awake = True

    def cut(self, broker_knows, unread=False):
        """The connection breaks. `unread`: what has arrived can still be read."""
        w = self.world
        if self.error or self.closed:
            return
        if self.written > self.arrived and not self.up_dead:
            w.count("tails lost")
        self.up_dead = self.down_dead = True
        self.error = ECONNRESET
        if not unread:
            self.inbox = b""
            self.pos = 0
        w.awake = True
        if broker_knows:
            w.later(w.t, w.server.lost, self)

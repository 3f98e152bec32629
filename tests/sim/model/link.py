"""The network as the client sees it: a transport, whose connections are in connection.py."""

from connection import ECONNRESET, Connection
from inside import inside

MOST_CALLS = 40  # of one kind in one step; the client's own bound is 32


class Link:
    """The transport. `fates`: what the next open() calls will meet, else all goes well."""

    def __init__(self, world):
        self.world = world
        self.conn = None
        self.is_open = False
        self.raises = False
        self.fate = None  # (delay or -1, errno or 0) of the open() under way
        self.ready_at = 0
        self.reads = self.writes = self.opens = 0  # of this step
        self.full = False  # the last write was not taken whole
        self.told = 1  # the last 0 or negative answer; 1: none
        self.called = 0  # writes before the publish() or send() under way

    # What the client calls.

    def open(self):
        w = self.world
        self.opens += 1
        if self.fate is None:
            self.fate = w.trouble.fate()
            if self.fate[0] >= 0:
                self.ready_at = w.t + self.fate[0]
                w.later(self.ready_at, w.wake, None)
        if self.fate[0] < 0 or w.t < self.ready_at:
            return None
        errno = self.fate[1]
        self.fate = None
        if errno:
            self.told = errno
            return errno
        self.told = 1
        self.full = False
        self.is_open = True
        self.raises = w.chance.percent(50)
        w.conns += 1
        self.conn = Connection(w, self, w.conns)
        w.server.accept(self.conn)
        return True

    def readinto(self, buf, n):
        c = self.conn
        self.catch_up()
        self.reads += 1
        if self.reads > MOST_CALLS or not self.is_open:
            return self._out_of_order("readinto")
        if n > len(buf) or n < 1:
            self.world.fail("transport", "readinto asked for %d into %d bytes" % (n, len(buf)))
        have = len(c.inbox) - c.pos
        if not have:
            if c.error:
                return self._failed(c.error)
            if c.eof:
                self.told = 0
                return 0
            return None
        n = min(n, have, c.trickle)
        end = c.pos + n
        if n == len(buf):
            buf[:] = c.inbox[c.pos : end]
        else:
            for k in range(n):
                buf[k] = c.inbox[c.pos + k]
        c.pos = end
        c.read += n
        return n

    def write(self, buf, off, n):
        w = self.world
        c = self.conn
        self.catch_up()
        self.writes += 1
        if self.writes > MOST_CALLS or not self.is_open:
            return self._out_of_order("write")
        if n < 1 or off + n > len(buf):
            w.fail("transport", "write of %d at %d of %d bytes" % (n, off, len(buf)))
        if c.error:
            return self._failed(c.error)
        room = w.plan.sndbuf - (c.written - c.arrived)
        if w.t < c.block_until or room <= 0:
            self.full = True
            c.blocked()
            if w.t < c.block_until:
                w.count("writes blocked")
            return None
        took = min(n, room, c.trickle)
        cut = 0 <= c.cut_up_in <= took
        if cut:
            took = c.cut_up_in
        else:
            c.cut_up_in -= took if c.cut_up_in >= 0 else 0
        if took:
            c.take(bytes(memoryview(buf)[off : off + took]))
        if cut:
            return self._cut_now(c, took)
        self.full = took < n
        if self.full:
            w.awake = True
        return took

    def close(self):
        if self.is_open:
            self.catch_up()
            self.is_open = False
            self.conn.left()
        self.fate = None

    # For the world.

    def catch_up(self):
        """Judge what the client has dealt with. How far it is, only its reader tells; what it then
        has to have done, the judge knows."""
        if self.is_open:
            parser = inside(self.world.node.client, "parser")
            self.conn.catch_up(inside(parser, "have") - inside(parser, "at"))

    def call_begins(self):
        """publish() or send() is called: what it writes is judged once the message is known."""
        self.called = self.writes
        if self.is_open:
            self.conn.held = b""

    def call_ends(self):
        """It has returned, and the message it took is known."""
        w = self.world
        n = self.writes - self.called
        self.writes = self.called  # the bound is on those of a step
        if n > (1 if w.plan.eager and not w.stepping else 0):
            w.fail("no call blocks", "a publish wrote %d times" % n)
        if n:
            w.count("publishes that wrote at once")
        if self.is_open:
            self.conn.release()

    def readable(self):
        """True if readinto() would not answer None."""
        c = self.conn
        return self.is_open and (len(c.inbox) > c.pos or c.error or c.eof)

    def _cut_now(self, c, took):
        c.cut(True)
        c.torn = True
        if c.held is None:
            c.count_torn()
        if took:
            return took
        return self._failed(c.error)

    def _failed(self, errno):
        self.told = errno
        if self.raises:
            self.world.count("errors raised")
            raise OSError(-errno)
        return errno

    def _out_of_order(self, call):
        if self.is_open:
            self.world.fail("no call blocks", "over %d %ss in one step" % (MOST_CALLS, call))
        else:
            self.world.fail("transport", "%s on a transport that is not open" % call)
        self.told = ECONNRESET
        return ECONNRESET

"""A publication: its packet is prepared once, and sent often. What a sensor uses all day.

Its buffer holds a whole packet: room for the longest fixed header, the topic, the packet id, the
payload. send() completes header and id; what is kept is copied into the outbox in one slice
assignment at C speed, so the buffer is free again at once. The copy takes the whole buffer; the
next packet overwrites what lies behind this one.
"""

from mqtt._shim import const
from mqtt.codec import head_size, put_head, put_id, put_text
from mqtt.ids import take_id
from mqtt.lone import left_alone
from mqtt.outbox import nth, replaceable
from mqtt.publishing import commit, keep, make_place, may_go, sent

_FULL = const(-10)
_TOO_LARGE = const(-11)
_FREE = const(2)  # of client.clear: see publishing.py
_LONG = const(8)  # in place of the QoS flags: the fixed header may have more than two bytes

# Found faster here than among the builtins.
_int = int
_len = len


class Publication:
    """Made by Client.prepare(). Write the payload at ``buf[start:]``, then ``send(n)``.

    ``max_payload`` bytes fit there. With ``replace``, the newest payload takes the place of this
    publication's own newest message when the outbox is full and no byte of that was sent.

    ``send(n)`` publishes the ``n`` payload bytes at buf[start:]. Returns a handle > 0, or FULL,
    TOO_LARGE (n outside 0..max_payload). With ``replace`` the handle may be that of the message
    whose place was taken. Calls nobody back; allocates nothing.
    """

    def __init__(self, client, topic, max_payload, first, replace):
        self.client = client
        self._fixed = 2 + len(topic) + (2 if first & 6 else 0)
        self._head = head_size(self._fixed + max_payload)
        self.start = self._head + self._fixed
        self.buf = bytearray(self.start + max_payload)
        self.max_payload = max_payload
        self._first = first
        put_text(self.buf, self._head, topic)
        # A shorter payload may need a shorter header: one view for each length of it.
        self._views = [memoryview(self.buf)] * 6
        for n in range(2, self._head + 1):
            self._views[n] = memoryview(self.buf)[self._head - n :]
        self._replace = replace
        self._handle = 0  # of the newest message
        self.buf[0] = first
        # 0 and 2, short ones of QoS 0 and 1, can go straight from here: see _sender().
        self._way = first & 6 if self._head == 2 else _LONG
        self.renew()

    def renew(self):
        """Make ``send``: at set-up, and when something unexpected has ended it."""
        run = _sender(self, self.client, self.client.outbox, self.buf, self._way)
        next(run)
        self.send = run.send

    def rest(self, c, o, n, left):
        """Of ``n`` bytes in buf, ``left`` have left, or None: they go into the empty outbox."""
        c.begin = 0
        if not self._way:
            o.buf[0 : _len(self.buf)] = self.buf
        n = keep(c, n, left)
        return self._kept(o, 0, n)

    def keep(self, c, n):
        """send(), where others wait or the packet is a long one or of QoS 2."""
        if n.__class__ is not _int or not 0 <= n <= self.max_payload:
            return c.refuse(_TOO_LARGE)
        n += self._fixed
        c.begin = at = make_place(c, _len(self.buf)) if c.clear != _FREE else 0
        if at < 0:
            return self._overwrite(c, c.outbox, n)
        c.packet_id = 0
        if self._first & 6:
            c.packet_id = take_id(c)
            put_id(self.buf, self.start - 2, c.packet_id)
        n = self._put(c.outbox, at, n)
        if c.clear != _FREE and not may_go(c, c.outbox):
            n = keep(c, n, None)
        else:
            c.source = c.outbox.buf
            c.at = at
            n = commit(c, n)
        return self._kept(c.outbox, at, n)

    def _kept(self, o, at, handle):
        # A replaceable one keeps its whole place: the payload that takes it may be longer.
        if self._replace:
            self._handle = handle
            n = nth(o, o.count - 1)
            if o.count and o.handle[n] == handle:
                o.end[n] = o.tail = at + _len(self.buf)
        return handle

    def _overwrite(self, c, o, n):
        i = replaceable(o, self._handle) if self._replace and self._handle else -1
        if i < 0:
            return c.refuse(_FULL)
        if self._first & 6:
            put_id(self.buf, self.start - 2, o.ids[i])
        o.size[i] = self._put(o, o.at[i], n)
        c.replaced = c.replaced + 1 & 0x3FFFFFFF
        return self._handle

    def _put(self, o, at, n):
        # Complete the packet and copy it to its place; returns its size.
        if self._head == 2:
            self.buf[1] = n
            o.buf[at : at + _len(self.buf)] = self.buf
            return n + 2
        head = head_size(n)
        put_head(self.buf, self._head - head, self._first, n)
        n += head
        head = self._views[head]
        o.buf[at : at + _len(head)] = head
        return n


def _sender(p, c, o, buf, way):
    # What ``send`` does with each ``n``. A generator, as publishing.direct() is.
    most = p.max_payload
    fixed = p._fixed
    place = p.start - 2  # of the packet id
    size = _len(buf)
    copy = o.buf
    failed = ident = 0
    done = n = None
    while True:
        try:
            if failed:
                n = failed
                failed = 0
                c.packet_id = ident
                done = p.rest(c, o, n, None)
            while True:
                n = None
                n = yield done
                if c.clear != _FREE or way > 2:
                    done = p.keep(c, n)
                    continue
                if n.__class__ is not _int or not 0 <= n <= most:
                    done = c.refuse(_TOO_LARGE)
                    continue
                # A short one, and nothing else is there: straight from this buffer.
                n += fixed
                buf[1] = n
                n += 2
                if way:
                    ident = take_id(c)
                    buf[place] = ident >> 8
                    buf[place + 1] = ident & 255
                    copy[0:size] = buf
                done = c.transport.write(buf, 0, n)
                if done != n:
                    c.packet_id = ident
                    done = p.rest(c, o, n, done)
                elif ident:
                    done = left_alone(c, o, n, ident)
                else:
                    done = sent(c)
        # No calls here: what they raise would not be caught.
        except OSError:
            c.broken = True  # the next step ends the connection
            failed = n
        except BaseException as error:
            if n is not None or error.__class__ is not GeneratorExit:
                p.renew()  # else CPython gives the publication back
            raise

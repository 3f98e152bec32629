"""A publication: its packet is prepared once, and sent often. What a sensor uses all day.

Its buffer holds a whole packet: room for the longest fixed header, the topic, the packet id, the
payload. send() completes header and id; what is kept is copied into the outbox in one slice
assignment at C speed, so the buffer is free again at once. The copy takes the whole buffer; the
next packet overwrites what lies behind this one.
"""

from mqtt._shim import const
from mqtt.codec import head_size, put_head, put_id, put_text
from mqtt.ids import take_id
from mqtt.outbox import nth, replaceable
from mqtt.publishing import keep, make_place, may_go, sent

_FULL = const(-10)
_TOO_LARGE = const(-11)
_CLEAR = const(1)  # of client.clear: see publishing.py
_FREE = const(2)

# Found faster here than among the builtins.
_len = len


class Publication:
    """Made by Client.prepare(). Write the payload at ``buf[start:]``, then ``send(n)``.

    ``max_payload`` bytes fit there. With ``replace``, the newest payload takes the place of this
    publication's own newest message when the outbox is full and no byte of that was sent.
    """

    def __init__(self, client, topic, max_payload, first, replace):
        self.client = client
        self._fixed = 2 + len(topic) + (2 if first & 6 else 0)
        self._head = head_size(self._fixed + max_payload)
        self.start = self._head + self._fixed
        self.buf = bytearray(self.start + max_payload)
        self.max_payload = max_payload
        self._first = self.buf[0] = first
        put_text(self.buf, self._head, topic)
        # A shorter payload may need a shorter header: one view for each length of it.
        self._views = [self.buf] * (self._head + 1)  # type: list
        for n in range(2, self._head):
            self._views[n] = memoryview(self.buf)[self._head - n :]
        self._replace = replace
        self._handle = 0  # of the newest message
        self.renew()

    def renew(self):
        """Make ``send``, as _sender() has it."""
        run = _sender(self, self.client, self.client.outbox, self.buf)
        next(run)
        self.send = run.send

    def send(self, n):
        """Publish the ``n`` payload bytes at buf[start:]. Returns a handle > 0, or FULL, TOO_LARGE
        (n outside 0..max_payload). With ``replace`` the handle may be that of the message whose
        place was taken. Calls nobody back; allocates nothing."""
        # Seen only when something unexpected has ended the other one. There may have been no
        # memory to make another then.
        self.renew()
        return self.send(n)

    def complete(self, n):
        """Write the fixed header before ``n`` bytes. Returns its size."""
        if self._head == 2:
            self.buf[1] = n
            return 2
        head = head_size(n)
        put_head(self.buf, self._head - head, self._first, n)
        return head

    def overwrite(self, c, o, n):
        """There is no place: the ``n`` bytes behind the fixed header take that of this
        publication's newest message, if they may. Returns a handle, or FULL."""
        i = replaceable(o, self._handle) if self._replace and self._handle else -1
        if i < 0:
            return c.refuse(_FULL)
        if self._first & 6:
            put_id(self.buf, self.start - 2, o.ids[i])
        head = self.complete(n)
        o.size[i] = n + head
        i = o.at[i]
        self.copy(o, i, head)
        c.replaced = c.replaced + 1 & 0x3FFFFFFF
        return self._handle

    def copy(self, o, at, head):
        """The packet, with ``head`` bytes of fixed header, goes to its place in the outbox."""
        view = self._views[head]
        o.buf[at : at + _len(view)] = view

    def keep(self, c, o, n, left, head):
        """Into the outbox, at c.begin, go the ``n`` bytes, of which ``left`` have left. A
        replaceable one keeps its whole place: the payload that takes it may be longer."""
        self.copy(o, c.begin, head)
        left = keep(c, n, left)
        if self._replace:
            self._handle = left
            n = nth(o, o.count - 1)
            o.end[n] = o.tail = c.begin + _len(self.buf)
        return left


def _sender(p, c, o, buf):
    # What ``send`` does with each ``n``. A generator, as publishing.direct() is. What a local holds
    # is found fastest, the first 16 of them more so.
    n = done = None
    head = skip = 0  # bytes of the fixed header, if the packet is to be kept; bytes before it
    at = ident = 0
    free = False
    fixed = p._fixed
    most = fixed + p.max_payload
    low = p.start - 1  # of the packet id: the second byte
    qos = p._first & 6
    short = p._head == 2
    whole = int
    take = take_id
    copy = o.buf
    try:
        size = _len(buf)
        while True:
            try:
                done = None
                while True:
                    if head:
                        c.begin = at
                        c.packet_id = ident
                        done = p.keep(c, o, n, done, head)
                        head = 0
                    n = None
                    n = yield done
                    if n.__class__ is not whole:
                        done = c.refuse(_TOO_LARGE)
                        continue
                    n += fixed
                    if n < fixed or n > most:
                        done = c.refuse(_TOO_LARGE)
                        continue
                    free = c.clear == _FREE
                    at = 0 if free else make_place(c, size)
                    if at < 0:
                        done = p.overwrite(c, o, n)
                        continue
                    if short:
                        buf[1] = n
                        head = 2
                    else:
                        head = p.complete(n)
                        skip = p._head - head
                    n += head
                    if qos:
                        ident = take(c)
                        buf[low] = ident & 255
                        buf[low - 1] = ident >> 8
                    done = None
                    if free or may_go(c, o, ident):
                        done = c.transport.write(buf, skip, n)
                        if done != n:
                            continue
                        if not qos:
                            head = 0
                            done = sent(c)
                        elif free and qos == 2:
                            if skip:
                                p.copy(o, 0, head)
                            else:
                                copy[0:size] = buf
                            head = 0
                            # It is alone: see lone.py.
                            o.lone = ident
                            o.lone_size = n
                            o.last = done = o.last % 0x3FFFFFFF + 1
                            c.sent = c.sent + 1 & 0x3FFFFFFF
                            c.clear = _CLEAR
            except OSError:
                c.broken = True  # the next step ends the connection
    except BaseException as error:
        if n is not None or error.__class__ is not GeneratorExit:
            del p.send  # for Publication.send(); else CPython gives the publication back
        raise

"""A transport in memory with a script of troubles, for the client under test.

Has the four methods of a transport (`open`, `readinto`, `write`, `close`). Those four allocate
nothing, so that a client can be measured with a Wire underneath; the rest is the test's side and
allocates freely.
"""

ECONNRESET = -104
_SIZE = 16384


class Wire:
    """One transport; each `open()` is a fresh connection with empty buffers.

    The test's knobs, all of which may be turned at any time:
    opening        what open() answers first, in turn (None, negative errno); then True
    read_limit     most bytes one readinto() gives
    write_limit    most bytes one write() takes
    block_reads    so many readinto() calls answer None, whatever has come
    block_writes   so many write() calls answer None
    fail_write_in  None, or after so many more writes the next one answers `errno`
    stuck          True: write() answers None, for as long as it is set
    half_open      True: writes vanish, nothing arrives, to the end of the connection
    raises         True: errors are raised as OSError, as MicroPython's sockets do
    over_ask       set True by readinto() if it was asked for more than `buf` can hold
    """

    def __init__(self):
        self.opens = 0
        self.closes = 0
        self.writes = 0
        self.over_ask = self.raises = False
        self.opening = []
        self.read_limit = self.write_limit = _SIZE
        self.block_reads = self.block_writes = 0
        self.fail_write_in = None
        self.stuck = False
        self.errno = ECONNRESET
        self._in = bytearray(_SIZE)
        self._out = bytearray(_SIZE)
        self._forget()

    def _forget(self):
        self.is_open = self.half_open = False
        self.ended = False
        self.broken = False
        self._in_from = self._in_to = self._out_to = 0

    # The transport: allocates nothing.

    def open(self):
        if self.opening:
            answer = self.opening.pop(0)
            if answer is not True:
                return answer
        self._forget()
        self.is_open = True
        self.opens += 1
        return True

    def readinto(self, buf, n):
        if n > len(buf):
            self.over_ask = True
        if not self.is_open:
            return self.errno
        if self.block_reads:
            self.block_reads -= 1
            return None
        n = min(n, self.read_limit, self._in_to - self._in_from)
        if self.half_open or not n:
            return self._nothing()
        at = self._in_from
        for k in range(n):
            buf[k] = self._in[at + k]
        self._in_from = at + n
        if self._in_from == self._in_to:
            self._in_from = self._in_to = 0
        return n

    def _nothing(self):
        if self.half_open:
            return None
        if self.broken:
            return self._failed()
        return 0 if self.ended else None

    def _failed(self):
        if self.raises:
            raise OSError(-self.errno)
        return self.errno

    def write(self, buf, off, n):
        if not self.is_open:
            return self.errno
        if self.stuck:
            return None
        if self.block_writes:
            self.block_writes -= 1
            return None
        if self.fail_write_in == 0 or self.broken or self.ended:
            self.fail_write_in = None
            self.broken = True
            return self._failed()
        if self.fail_write_in:
            self.fail_write_in -= 1
        self.writes += 1
        if n > self.write_limit:
            n = self.write_limit
        if not self.half_open:
            self._take(buf, off, off + n)
        return n

    def _take(self, buf, off, end):
        # Small frames only: larger ones MicroPython takes from the heap.
        while off < end:
            self._out[self._out_to] = buf[off]
            self._out_to += 1
            off += 1

    def close(self):
        if self.is_open:
            self.closes += 1
        self.is_open = False

    # The test's side.

    def send(self, data):
        """Let `data` arrive at the client."""
        end = self._in_to + len(data)
        assert end <= _SIZE, "the client does not read, or the test sends too much at once"
        self._in[self._in_to : end] = data
        self._in_to = end

    def written(self):
        """All that the client wrote since the last call, as bytes."""
        data = bytes(self._out[: self._out_to])
        self._out_to = 0
        return data

    def unread(self):
        """Count of bytes sent that the client has not read yet."""
        return self._in_to - self._in_from

    def end(self):
        """The peer closes: after what was sent, the client reads the end."""
        self.ended = True

    def reset(self):
        """The connection breaks: after what was sent, the client reads an error."""
        self.broken = True

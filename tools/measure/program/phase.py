"""One measurement, and what became of each of its messages.

Rules of this module:
- After the constructor nothing allocates, on MicroPython: times go into arrays made beforehand,
  and every int stays below 2^30.
- A message carries its phase's tag (1 byte) and its own number (3 bytes) at the start of its
  payload. So one that comes late, twice, or from somewhere else is told from one that is awaited.
- A clock reading is the first thing a function does, before it spends time of its own.
- Times are microseconds, masked to 30 bits: differences are right up to 17 minutes.
"""

import time
from array import array

MASK = 0x3FFFFFFF
LEAST = 4  # bytes of payload: tag and number

if hasattr(time, "ticks_us"):
    ticks_us = time.ticks_us
else:  # CPython

    def ticks_us():
        return time.monotonic_ns() // 1000


class Phase:
    """At most `limit` messages of `size` bytes, at most `window` of them without an ACKED.

    `timed`: keep how long each took, in `ack_us` and `back_us` (-1: never).
    """

    def __init__(self, publication, tag, size, limit, window, timed):
        self.tag = tag
        self.size = size
        self.limit = limit
        self.window = window
        self.sent = 0
        self.acked = 0
        self.received = 0  # different ones
        self.duplicates = 0
        self.late = 0  # of an earlier phase
        self.foreign = 0  # not ours at all
        self.failed = 0  # the client has given them up
        self.slips = 0  # sent later than planned, by more than an interval
        self.open = 0  # sent, and not yet ACKED
        self.acked_us = 0  # of the last one, since the first was sent
        self.received_us = 0
        self.timed = timed
        never = b"\xff" * (4 * limit if timed else 0)
        self.sent_at = array("i", never)
        self.ack_us = array("i", never)
        self.back_us = array("i", never)
        self._back = bytearray(limit)
        self._began = 0
        self._publication = publication
        self._handles = [0] * window
        self._numbers = [0] * window

    def room(self):
        """May one more be sent?"""
        return self.open < self.window and self.sent < self.limit

    def send(self):
        """Send the next message. True, or False if the outbox is full."""
        self._stamp(self._publication.buf, self._publication.start, self.sent)
        now = ticks_us()
        handle = self._publication.send(self.size)
        if handle < 0:
            return False
        self._note_sent(handle, now & MASK)
        return True

    def _stamp(self, buf, at, number):
        buf[at] = self.tag
        buf[at + 1] = number >> 16
        buf[at + 2] = number >> 8 & 255
        buf[at + 3] = number & 255

    def _note_sent(self, handle, now):
        if self.sent == 0:
            self._began = now
        if self.timed:
            self.sent_at[self.sent] = now
        slot = self._handles.index(0)
        self._handles[slot] = handle
        self._numbers[slot] = self.sent
        self.open += 1
        self.sent += 1

    def note_acked(self, handle):
        """The client says ACKED. Handles of an earlier phase are passed over."""
        now = ticks_us()
        if handle not in self._handles:
            return
        number = self._close(handle)
        self.acked += 1
        self.acked_us = now - self._began & MASK
        if self.timed:
            self.ack_us[number] = now - self.sent_at[number] & MASK

    def note_failed(self, handle):
        """The client says FAILED."""
        if handle in self._handles:
            self._close(handle)
            self.failed += 1

    def _close(self, handle):
        slot = self._handles.index(handle)
        self._handles[slot] = 0
        self.open -= 1
        return self._numbers[slot]

    def take(self, msg):
        """A message has come back; the handler of the subscription."""
        now = ticks_us()
        buf = msg.buf
        at = msg.payload_start
        if msg.payload_end - at < LEAST:
            self.foreign += 1
        elif buf[at] != self.tag or msg.payload_end - at != self.size:
            self.late += 1
        else:
            self._note_received(_number(buf, at), now)

    def _note_received(self, number, now):
        if number >= self.sent:
            self.foreign += 1
        elif self._back[number]:
            self.duplicates += 1
        else:
            self._back[number] = 1
            self.received += 1
            self.received_us = now - self._began & MASK
            if self.timed:
                self.back_us[number] = now - self.sent_at[number] & MASK

    def settled(self):
        """Is every message acknowledged and back?"""
        return self.open == 0 and self.received == self.sent

    def heard(self):
        """A number that grows whenever something is heard of a message."""
        return self.acked + self.received + self.duplicates + self.failed + self.late


def _number(buf, at):
    return buf[at + 1] << 16 | buf[at + 2] << 8 | buf[at + 3]

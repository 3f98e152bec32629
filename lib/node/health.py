"""The health message: counters and levels of the whole node, as one JSON object.

The text is a template made at set-up (node.setup); each time only the numbers are put in, in the
order of the template. See docs/node.md for every field. Nothing here allocates.
"""

from mqtt._shim import const
from node.clock import later

_FIXED = const(22)  # numbers before those of the sensors
_AGAIN_MS = const(1000)


class Health:
    """`template` and `values` are what Writer.fill() wants; published on `topic` every `ms`."""

    def __init__(self, node, topic, template, values, ms):
        self.level = 0  # heap bytes in use just after the last connect
        self.worst = 0  # longest step since the last health message, ms
        self.due = node.clock.now
        self._node = node
        self._topic = topic
        self._template = template
        self._values = values
        self._every_ms = ms

    def send(self, now):
        """Publish the numbers of this moment. True if the client accepted them."""
        node = self._node
        self._take(node, self._values)
        self._take_client(node.client, self._values)
        self._take_sensors()
        node.out.open()
        node.out.fill(self._template, self._values)
        done = node.send(self._topic, 0, False) > 0
        # The largest message of all: that it has no room says nothing about the others.
        self.due = later(now, self._every_ms if done else _AGAIN_MS)
        return done

    def _take(self, node, values):
        values[0] = node.clock.seconds
        values[1] = node.radio.rssi()
        values[2] = node.board.heap()
        values[3] = values[2] - self.level
        values[4] = self.worst
        self.worst = 0
        values[14] = node.errors + node.client.handler_errors + node.out.overflow
        values[15] = node.lost
        values[16] = node.bad_commands
        values[20] = node.radio.failures
        values[21] = node.config_faults

    def _take_client(self, client, values):
        values[5] = client.connects
        values[6] = client.sent
        values[7] = client.acked
        values[8] = client.resent
        values[9] = client.refused
        values[10] = client.replaced
        values[11] = client.failed
        values[12] = client.received
        values[13] = client.unmatched
        values[17] = client.oversize
        values[18] = client.closes
        values[19] = client.malformed

    def _take_sensors(self):
        at = _FIXED
        for slot in self._node.slots:
            at = _put(self._values, at, slot.device.counts)


def _put(values, at, counts):
    for count in counts:
        values[at] = count
        at += 1
    return at

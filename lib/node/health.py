"""The health message: counters and levels of the whole node, as one JSON object.

The text is a template made at set-up; each time only the numbers are put in. See docs/node.md for
every field. `take` allocates nothing.
"""

_NUMBERS = (
    b'{"uptime":\x01,"rssi":\x01,"heap":\x01,"grown":\x01,"loop":\x01,"connects":\x01,"sent":\x01,'
    b'"acked":\x01,"resent":\x01,"refused":\x01,"replaced":\x01,"failed":\x01,"received":\x01,'
    b'"unmatched":\x01,"errors":\x01,"lost":\x01,"bad_commands":\x01,'
    b'"oversize":\x01,"closes":\x01,"malformed":\x01,"wifi_failed":\x01,"config":\x01,"reset":"'
)
_FIXED = 22  # numbers in there


class Health:
    """Made once the slots are there. `template` and `values` are what Writer.fill() wants."""

    def __init__(self, node):
        self.values = [0] * _FIXED
        self.level = 0  # heap bytes in use just after the last connect
        self.worst = 0  # longest step since the last health message, ms
        self._node = node
        self._at = 0
        names = b""
        for slot in node.slots:
            if slot.device.COUNTS:
                names += (b"," if names else b"") + self._counts(slot)
        self.template = (
            _NUMBERS + node.board.reset_cause().encode() + b'","sensors":{' + names + b"}}"
        )
        self.size = len(self.template) + 9 * len(self.values)

    def _counts(self, slot):
        text = ""
        for name in slot.device.COUNTS:
            text += ',"%s":\x01' % name
            self.values.append(0)
        return ('"%s":{%s}' % (slot.name, text[1:])).encode()

    def took(self, ms):
        """A step took so long."""
        if ms > self.worst:
            self.worst = ms

    def take(self):
        """Read every number."""
        values = self.values
        node = self._node
        values[0] = node.clock.seconds
        values[1] = node.radio.rssi()
        values[2] = node.board.heap()
        values[3] = values[2] - self.level
        values[4] = self.worst
        self.worst = 0
        values[14] = node.errors + node.client.handler_errors + node.out.overflow
        values[20] = node.radio.failures
        values[21] = node.config_faults
        self._client(node.client)
        self._slots(node.slots)

    def _client(self, client):
        values = self.values
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

    def _slots(self, slots):
        self.values[15] = 0
        self.values[16] = self._node.service.refused
        self._at = _FIXED
        for slot in slots:
            self._slot(slot)

    def _slot(self, slot):
        self.values[15] += slot.lost
        self.values[16] += slot.refused
        for count in slot.device.counts:
            self.values[self._at] = count
            self._at += 1

"""Node commands: `<prefix>/<node>/cmd`, each answered on `cmd/result`.

    identify   who is there: node name, why it started, uptime
    report     read all sensors as soon as they allow, publish every state and health
    reboot     say goodbye, then restart; not obeyed when redelivered, which would reboot for ever

The answer waits for room in the outbox; a newer one takes its place. Nothing here allocates after
set-up.
"""

from mqtt._shim import const

_IDENTIFY = const(0)
_REPORT = const(1)
_REBOOT = const(2)
_UNKNOWN = const(3)
_RETAINED = const(4)
_REPEATED = const(5)

_TEXTS = (
    "identify",
    "report",
    "reboot",
    "refused: not one of identify, report, reboot",
    "ignored: it is retained; publish commands without retain",
    "ignored: reboot delivered twice",
)


class Service:
    """`topic` ends with a slash. The node looks at `answer`, `report` and `reboot`."""

    def __init__(self, node, topic, name):
        self.refused = 0
        self.report = False
        self.reboot = False
        self._node = node
        head = ('{"cmd":"identify","ok":true,"node":"%s","reset":"' % name).encode()
        self._answers = (
            head + node.board.reset_cause().encode() + b'","uptime":\x01}',
            b'{"cmd":"report","ok":true}',
            b'{"cmd":"reboot","ok":true}',
            b'{"ok":false,"error":"unknown command; known: identify, report, reboot"}',
            b'{"ok":false,"error":"retained commands are ignored"}',
            b'{"ok":false,"error":"reboot delivered twice; send it again if it is meant"}',
        )
        self.answer = -1  # index of the one to send; -1 = none
        self._values = [0]
        size = max(len(answer) for answer in self._answers) + 9
        self._pub = node.client.prepare(topic + b"cmd/result", size, 1)
        node.client.subscribe(topic + b"cmd", 1, self._obey)

    def publish(self, out):
        """Send the answer. Returns the client's: a handle, or a negative code."""
        out.open(self._pub.buf, self._pub.start)
        self._values[0] = self._node.clock.seconds
        out.fill(self._answers[self.answer], self._values)
        code = self._pub.send(out.at - self._pub.start)
        if code > 0:
            self.answer = -1
        return code

    def _obey(self, msg):
        which = self._which(msg.buf, msg.payload_start, msg.payload_end)
        if msg.retain:
            which = _RETAINED
        elif which == _REBOOT and msg.dup:
            which = _REPEATED
        self.answer = which
        self.report = self.report or which == _REPORT
        self.reboot = self.reboot or which == _REBOOT
        if which >= _UNKNOWN:
            self.refused += 1
        self._node.log.say("W" if which >= _UNKNOWN else "I", "cmd", _TEXTS[which])

    def _which(self, buf, start, end):
        while end > start and buf[end - 1] <= 32:
            end -= 1
        size = end - start
        if size == 8 and buf.startswith(b"identify", start):
            return _IDENTIFY
        if size == 6 and buf.startswith(b"report", start):
            return _REPORT
        return _REBOOT if size == 6 and buf.startswith(b"reboot", start) else _UNKNOWN

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

_COMMANDS = (b"identify", b"report", b"reboot")
_TEXTS = (
    "identify",
    "report",
    "reboot",
    "refused: unknown command",
    "refused: it is retained",
    "refused: delivered twice",
)
_ANSWERS = (
    None,  # node.setup puts it together
    b'{"cmd":"report","ok":true}',
    b'{"cmd":"reboot","ok":true}',
    b'{"ok":false,"error":"unknown command; known: identify, report, reboot"}',
    b'{"ok":false,"error":"retained commands are ignored"}',
    b'{"ok":false,"error":"reboot delivered twice; send it again if it is meant"}',
)


class Service:
    """Answers on `topic`. `identity` is the answer to identify, a template that wants the uptime.
    The node looks at `answer` and `reboot`."""

    def __init__(self, node, topic, identity):
        self.reboot = False
        self.answer = -1  # index of the one to send; -1 = none
        self._node = node
        self._topic = topic
        self._identity = identity
        self._values = [0]

    def publish(self, out):
        """Send the answer. Returns the client's: a handle, or a negative code."""
        out.open()
        self._values[0] = self._node.clock.seconds
        out.fill(_ANSWERS[self.answer] or self._identity, self._values)
        code = self._node.send(self._topic, 1, False)
        if code > 0:
            self.answer = -1
        return code

    def obey(self, msg):
        """The handler of the node's commands."""
        which = _which(msg.buf, msg.payload_start, msg.payload_end)
        if msg.retain:
            which = _RETAINED
        elif which == _REBOOT:
            if msg.dup:
                which = _REPEATED
            else:
                self.reboot = True
        elif which == _REPORT:
            self._node.report()
        self.answer = which
        if which >= _UNKNOWN:
            self._node.bad_commands += 1
        self._node.log.say("W" if which >= _UNKNOWN else "I", "cmd", _TEXTS[which])


def _which(buf, start, end):
    while end > start and buf[end - 1] <= 32:
        end -= 1
    which = _IDENTIFY
    while which < _UNKNOWN:
        word = _COMMANDS[which]
        if end - start == len(word) and buf.startswith(word, start):
            break
        which += 1
    return which

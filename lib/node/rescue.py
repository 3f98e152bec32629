"""Safe mode: the board is online and can be asked and restarted, and does nothing else.

Runs in place of the node after crashes in a row, or when a button was held at the start
(node.boot). It drives no pin and loads no device. What it shares with the node is the client,
Wi-Fi, the log and the check of the configuration. Topics and payloads: docs/node.md. There is
room for everything here, so everything may allocate.
"""

from mqtt import Client, Reconnect
from mqtt._shim import const
from node.clock import Clock, later, since
from node.guard import Guard
from node.kept import BOOTS, CRASHES, MARK, ROW, SAFE_BUTTON, brief, ended, load, number, text, told
from node.log import Log
from node.online import client_of, link_of
from node.radio import Radio
from node.reasons import closed_text
from node.start import begin, tell

_CONNECTED = const(1)
_CLOSED = const(6)
_UP = const(3)
_IDLE_MS = const(10)
_PAUSE_MS = const(10000)  # before a safe mode that failed is tried again
_CRASH = const(96)  # bytes of the last crash in health, as of node.setup
_SOON_MS = const(500)  # health after a connect; a restart after its command was answered


def run(path="config.json"):
    """The whole program. Restarts the board after a command; returns after Ctrl-C, and then the
    next start is the node's."""
    from node.board import Board

    board = Board()
    try:
        tell(0, why(load(board)), None, "W safe")
        rescue: Rescue = begin(path, board, None, build)  # pyright: ignore (what build() makes)
        loop(rescue, board)
    except KeyboardInterrupt:
        ended(board)
        return
    except Exception as error:
        print("safe mode failed:", error)
        board.sleep(_PAUSE_MS)
        board.reset()
        return
    if rescue.leaves:
        ended(board)
    board.reset()


def why(kept):
    """Lines that say why this is safe mode, and what is known of the last crash. Allocates."""
    lines = ["%d crashes in a row; the node is not started" % kept[ROW]]
    if kept[MARK] == SAFE_BUTTON:
        lines = ["the button is held; the node is not started"]
    report = told(kept)
    if report:
        lines.append("the last crash: %s" % report)
    return lines


def loop(rescue, board):
    """Step by step until a command wants the restart. The watchdog is fed by good steps only."""
    while True:
        now = board.ticks()
        if rescue.wanted and since(now, rescue.due) >= 0:
            return
        with rescue.guard:
            rescue.step(now)
        if rescue.guard.caught:
            rescue.errors += 1
            rescue.log.say("E", "safe", "a step failed: ", rescue.guard.name)
        board.sleep(_IDLE_MS)


def build(config, board, put):
    """The Rescue of a checked configuration. Allocates."""
    made = Rescue(config, board, put)
    wifi = config["wifi"]
    mqtt = config["mqtt"]
    transports = [board.transport(broker["host"], broker["port"]) for broker in mqtt["brokers"]]
    made.radio = Radio(board.wlan(wifi["hostname"]), wifi["ssid"], wifi["password"], made.log)
    made.client = client_of(mqtt, transports[0], made.topic + b"status", 1)
    made.client.on_event = made.on_event
    made.client.subscribe(made.topic + b"cmd", 1, made.obey)
    if made.report:
        made.say(b"crash", made.report, True)
    made.link = link_of(mqtt, made.client, transports, board)
    made.link.start()
    return made


class Rescue:
    """Made by build(). `wanted`: a restart is, at `due`; `leaves`: it is to be the node's."""

    # What build() adds.
    radio: Radio
    client: Client
    link: Reconnect

    def __init__(self, config, board, put):
        kept = load(board)
        self.topic = ("%s/%s/" % (config["prefix"], config["node"])).encode()
        self.clock = Clock(board.ticks())
        self.log = Log(self.clock, put)
        self.guard = Guard()
        self.errors = 0
        self.wanted = False
        self.leaves = False
        self.due = self.clock.now  # the next health message
        self.report = text(kept)
        self._cause = "button" if kept[MARK] == SAFE_BUTTON else "crashes"
        crash = brief(kept, _CRASH).decode()
        self._facts = (number(kept, BOOTS), number(kept, CRASHES), board.reset_cause(), crash)
        self._every_ms = config["health"]["every"] * 1000
        self._watchdog = board.watchdog(config["watchdog"]["timeout"])

    def step(self, now):
        """Do all that is due."""
        self.clock.advance(now)
        self.link.hold = not self.radio.step(now)
        self.link.step(now)
        if self.client.state == _UP and not self.wanted and since(now, self.due) >= 0:
            self.due = later(now, self._every_ms)
            self.say(b"health", self._health(), False)
        if self._watchdog:
            self._watchdog.feed()

    def say(self, topic, payload, retain):
        """Publish under the node's name; a full outbox passes it over."""
        self.client.publish(self.topic + topic, payload, None, 1 if retain else 0, retain)

    def _health(self):
        rssi = self.radio.rssi()
        numbers = (self.clock.seconds, "null" if rssi is None else rssi, self.errors)
        return (
            '{"safe":"%s","uptime":%d,"rssi":%s,"errors":%d,"boots":%d,"crashes":%d,"reset":"%s",'
            '"crash":%s}' % ((self._cause,) + numbers + self._facts)
        ).encode()

    def on_event(self, kind, a, b):
        """The client's."""
        if kind == _CONNECTED:
            self.say(b"status", b"safe", True)
            if not self.wanted:
                self.due = later(self.clock.now, _SOON_MS)
            self.log.say("I", "safe", "online; to leave safe mode publish leave on ", self._cmd())
        elif kind == _CLOSED:
            why = closed_text(a, b)
            self.log.say("W", "mqtt", why, b if why.endswith(" ") else "")

    def _cmd(self):
        return (self.topic + b"cmd").decode()

    def obey(self, msg):
        """The handler of the node's commands: `leave` and `reboot`."""
        word = bytes(msg.payload()).strip()
        refused = None
        if word not in (b"leave", b"reboot"):
            refused = "safe mode; known: leave, reboot"
        elif msg.retain:
            refused = "retained commands are ignored"
        elif msg.dup:
            refused = "delivered twice; send it again if it is meant"
        if refused:
            self._answer('{"ok":false,"error":"%s"}' % refused)
            return
        self.wanted = True
        self.leaves = word == b"leave"
        self.due = later(self.clock.now, _SOON_MS)
        self._answer('{"cmd":"%s","ok":true}' % word.decode())
        self.log.say("I", "safe", word.decode(), ", by command")

    def _answer(self, data):
        self.client.publish(self.topic + b"cmd/result", data.encode(), None, 1, False)

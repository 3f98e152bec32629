"""node.rescue: what safe mode says, obeys, and leaves alone."""

import json

import peer
from broker import Broker
from check import eq, true
from node.boot import decide
from node.kept import failed, load, run
from node.rescue import build, loop, why
from node.start import start
from nodefakes import MASK, Board, example

PATH = "rescue-config.json"


class Safe:
    """A board in safe mode after three crashes, with a broker."""

    def __init__(self, said="bad pump", data=None, memory=None):
        with open(PATH, "w") as file:
            file.write(json.dumps(data or example()))
        self.board = Board()
        for _ in range(3):
            decide(self.board, PATH)
            run(self.board)
            failed(self.board, ValueError(said))
            self.board.cause = "hard"
        self.board.pins = {}
        self.board.calls = []
        eq(decide(self.board, PATH), True)
        if memory:
            self.board.memory(load(self.board)[:9] + memory)
        self.lines = []
        self.rescue = start(PATH, self.board, self._put, 0, build)
        self.wire = self.board.wires[0]
        self.broker = Broker(self.wire)
        self.ids = 0

    def _put(self, piece):
        self.lines.append(str(piece))

    def run(self, ms):
        while ms > 0:
            self.board.now = (self.board.now + 10) & MASK
            self.rescue.step(self.board.now)
            self.broker.serve()
            ms -= 10

    def said(self, suffix):
        return [p for p in self.broker.of(peer.PUBLISH) if p.topic == b"sn/n1/" + suffix]

    def tell(self, payload, retain=0, dup=0):
        self.ids += 1
        self.wire.send(peer.publish(b"sn/n1/cmd", payload, 1, self.ids, retain, dup))
        self.run(60)


def test_it_is_online_as_safe_and_tells_the_crash():
    safe = Safe()
    safe.run(2000)
    connect = safe.broker.of(peer.CONNECT)[0]
    eq((connect.will, connect.client_id), ((b"sn/n1/status", b"offline", 1, 1), b"n1"))
    eq([(p.payload, p.qos, p.retain) for p in safe.said(b"status")], [(b"safe", 1, 1)])
    crash = safe.said(b"crash")[0]
    eq((crash.qos, crash.retain), (1, 1))
    true("bad pump" in json.loads(crash.payload)["error"], crash.payload)
    health = json.loads(safe.said(b"health")[0].payload)
    eq((health["safe"], health["boots"], health["crashes"]), ("crashes", 4, 3))
    eq((health["reset"], health["rssi"], health["errors"]), ("hard", -60, 0))
    true(health["crash"].endswith("ValueError: bad pump"), health)


def test_the_longest_crash_of_all_is_json_in_health_and_in_the_log():
    for damage in ('"\\' * 300, "\x01\n" * 300, "ü" * 300):
        safe = Safe(damage)
        safe.run(2000)
        health = safe.said(b"health")[0].payload
        true("ValueError" in json.loads(health)["crash"], health)
        true(len(health) <= 230, len(health))
        true("ValueError" in why(load(safe.board))[1])


def test_memory_that_is_no_text_is_told_all_the_same():
    safe = Safe(memory=b"\xff and more \xc3")
    eq(why(load(safe.board))[1], "the last crash: ? and more ?")
    safe.run(2000)
    eq(json.loads(safe.said(b"health")[0].payload)["crash"], None)


def test_it_loads_no_device_and_drives_no_pin():
    data = example()
    data["devices"].append({"kind": "zeppelin", "name": "z", "pin": 6})
    safe = Safe(data=data)
    safe.run(3000)
    eq((safe.board.pins, safe.board.sensors), ({}, {}))
    eq(safe.board.calls, ["watchdog", "wlan"])
    eq(
        [filter for p in safe.broker.of(peer.SUBSCRIBE) for filter in p.filters],
        [(b"sn/n1/cmd", 1)],
    )
    true("E config" not in "".join(safe.lines), "no fault is told of what is not loaded")


def test_health_comes_again_at_its_interval_and_the_watchdog_is_fed():
    safe = Safe()
    safe.run(121000)
    eq(len(safe.said(b"health")), 3)
    eq(safe.board.watch.feeds, 12100)


def test_status_is_told_again_after_a_lost_connection():
    safe = Safe()
    safe.run(2000)
    safe.wire.reset()
    safe.run(5000)
    eq([p.payload for p in safe.said(b"status")], [b"safe", b"safe"])
    true("W mqtt: no connection to the broker" in "".join(safe.lines), safe.lines)


def looped(safe):
    """The loop to its end, which a command must bring within a second."""
    limit = [200]

    def on_sleep():
        safe.broker.serve()
        limit[0] -= 1
        true(limit[0] > 0, "the loop goes on")

    safe.board.on_sleep = on_sleep
    loop(safe.rescue, safe.board)


def test_leave_and_reboot_are_answered_and_acknowledged_before_the_restart():
    for word, leaves in ((b"leave", True), (b" reboot\n", False)):
        safe = Safe()
        safe.run(1000)
        safe.tell(word)
        eq((safe.rescue.wanted, safe.rescue.leaves), (True, leaves))
        looped(safe)
        answer = json.loads(safe.said(b"cmd/result")[0].payload)
        eq((answer["cmd"], answer["ok"]), (word.strip().decode(), True))
        eq([p.id for p in safe.broker.of(peer.PUBACK)][-1:], [1])


def test_other_retained_and_repeated_commands_are_refused():
    safe = Safe()
    safe.run(1000)
    for payload, retain, dup, word in (
        (b"report", 0, 0, "known: leave, reboot"),
        (b"", 0, 0, "known: leave, reboot"),
        (b"\xff\xfe", 0, 0, "known"),
        (b"leave", 1, 0, "retained"),
        (b"reboot", 0, 1, "twice"),
    ):
        safe.tell(payload, retain, dup)
        answer = json.loads(safe.said(b"cmd/result")[-1].payload)
        true(answer["ok"] is False and word in answer["error"], answer)
    eq(safe.rescue.wanted, False)


def test_a_step_that_fails_is_told_counted_and_not_fed():
    safe = Safe()
    safe.run(1000)
    fed = safe.board.watch.feeds

    def broken(now):
        safe.rescue.wanted = True
        safe.rescue.due = safe.board.now
        raise RuntimeError("bug")

    safe.rescue.radio.step = broken
    looped(safe)
    eq((safe.rescue.errors, safe.board.watch.feeds), (1, fed))
    true("E safe: a step failed: RuntimeError bug" in "".join(safe.lines), safe.lines)


def test_a_configuration_of_no_use_is_told_in_safe_mode_too():
    safe = Safe()
    for text, word in (("{", "not JSON"), ('{"node": "n1"}', "mqtt: missing"), ("", "not JSON")):
        with open(PATH, "w") as file:
            file.write(text)
        said = []
        eq(start(PATH, safe.board, said.append, 5, build), None)
        true(any("5 E config: " in line and word in line for line in said), said)


def test_the_log_says_why_it_is_safe_mode_and_what_crashed():
    lines = why(load(Safe().board))
    true(lines[0].startswith("3 crashes in a row"), lines)
    true("bad pump" in lines[1], lines)
    board = Board()
    board.pressed = (0,)
    decide(board, PATH)
    eq(why(load(board)), ["the button is held; the node is not started"])

"""`make measure` as a user starts it: against Mosquitto, bad links, and a broker that forgets."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.broker import brokers
from tests.broker.strings import Judge
from tests.support.pure import peer
from tests.support.pure_plugin import leave_out
from tests.tools.board import ROOT, eventually
from tests.tools.rude import RudeBroker
from tools.proxy import Proxy

PATIENCE_S = 120
# Few messages. The times are for a machine that is busy: what comes ends them earlier.
QUICK = ("--rate", "100", "--samples", "10", "--burst", "50", "--linger", "10", "--seconds", "100")
LOSSY = (*QUICK, "--linger", "0.7")  # where something does not come, it is waited for
TELLING = 4  # bytes of payload that tell the message: tag, number


class Measured:
    """A run of the command, to its end: `code`, `text`, `report` (None if none was written)."""

    def __init__(self, folder, *arguments, environment=None):
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tools.measure", *arguments, "--out", str(folder)],
            cwd=ROOT,
            env={**os.environ, "COLUMNS": "120", **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait(self):
        try:
            self.text = self.process.communicate(timeout=PATIENCE_S)[0]
        finally:
            self.process.kill()
        self.code = self.process.returncode
        written = list(self.folder.glob("*.json"))
        self.report = json.loads(written[0].read_text()) if written else None
        return self

    def every(self):
        """The parts of the report that are measurements."""
        cells = self.report["results"]
        return [one for c in cells for one in (c["latency"], *c["throughput"]) if one]


@pytest.fixture
def measure(micropython, tmp_path, monkeypatch):
    """measure(port, *arguments): a finished run against 127.0.0.1:port."""
    monkeypatch.setenv("MICROPYTHON", micropython)

    def run(port, *arguments, **options):
        return Measured(tmp_path / "out", f"127.0.0.1:{port}", *arguments, **options).wait()

    return run


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory):
    if brokers.MOSQUITTO is None:
        leave_out("tests with Mosquitto: not installed (sudo apt-get install mosquitto)")
    folder = tmp_path_factory.mktemp("mosquitto")
    broker = brokers.Mosquitto(folder).start()
    broker.log = folder / "mosquitto.log"
    yield broker
    broker.stop()


class Forgetful(RudeBroker):
    """Sends back what it gets, but no message whose number + 1 is a multiple of `forgets`.

    `published`: (topic, tag, number, qos) of each PUBLISH, `forgotten`: those it kept to itself.
    `ends_after`: closes the connection with that PUBLISH. `grants`: at most this QoS.
    """

    def __init__(self, forgets=0, ends_after=0, grants=2):
        self.published, self.forgotten = [], []
        self.forgets, self.ends_after, self.grants = forgets, ends_after, grants
        self.unsubscribed, self.disconnected = [], False
        super().__init__()

    def _answer(self, packet):
        if packet.kind == peer.PUBLISH:
            return self._take(packet)
        if packet.kind == peer.SUBSCRIBE:
            return peer.suback(packet.id, *(min(qos, self.grants) for _, qos in packet.filters))
        if packet.kind == peer.UNSUBSCRIBE:
            self.unsubscribed += packet.filters
            return peer.unsuback(packet.id)
        self.disconnected = self.disconnected or packet.kind == peer.DISCONNECT
        return super()._answer(packet)

    def _take(self, packet):
        tag, number = packet.payload[0], int.from_bytes(packet.payload[1:TELLING], "big")
        message = (packet.topic.decode(), tag, number, packet.qos)
        self.published.append(message)
        if len(self.published) == self.ends_after:
            raise peer.Violation("that is enough")
        ack = peer.puback(packet.id) if packet.qos else b""
        if self.forgets and tag and (number + 1) % self.forgets == 0:
            self.forgotten.append(message)
            return ack
        # In one piece with the acknowledgement: which of the two is first must not matter.
        return peer.publish(packet.topic, packet.payload, packet.qos, packet.id) + ack


@pytest.fixture
def forgetful():
    """forgetful(...): a Forgetful, closed at the end."""
    made = []

    def make(**options):
        made.append(Forgetful(**options))
        return made[-1]

    yield make
    for broker in made:
        broker.close()


def keys_of(value):
    """Names of all the keys within `value` that are not numbers."""
    if isinstance(value, list):
        return {key for item in value for key in keys_of(item)}
    if not isinstance(value, dict):
        return set()
    keys = {key for key in value if not key.isdigit()}
    return keys.union(*(keys_of(item) for item in value.values()))


@pytest.mark.parametrize("runtime", ["unix", "cpython"])
def test_a_run_measures_every_qos_and_size_and_its_page_names_every_key(
    measure, mosquitto, runtime, tmp_path
):
    done = measure(mosquitto.port, "--on", runtime, "--sizes", "4,300", *QUICK)
    assert done.code == 0, done.text
    report = done.report
    assert report["complete"] and report["error"] is None and report["goodbye"]
    cells = [(cell["qos"], cell["bytes"]) for cell in report["results"]]
    assert cells == [(qos, size) for qos in (0, 1, 2) for size in (4, 300)]
    for cell in report["results"]:
        times = cell["latency"]["end_to_end_ms"]
        assert times["n"] == cell["latency"]["sent"] == 10
        assert 0 < times["min"] <= times["p50"] <= times["p95"] <= times["p99"] <= times["max"]
        assert (cell["latency"]["ack_ms"] is None) == (cell["qos"] == 0)
        assert [one["window"] for one in cell["throughput"]] == [1, 16]
        assert all(one["sent"] == 50 and one["per_s"] > 10 for one in cell["throughput"])
    assert all(one["loss"] == 0 and one["duplicates"] == 0 for one in done.every())
    assert (report["client"]["where"], report["broker"]["port"]) == (runtime, mosquitto.port)
    assert report["clock"]["turn"]["p50"] < 5
    assert {one["heap_bytes"] for one in done.every()} == {0 if runtime == "unix" else None}
    page = (ROOT / "docs" / "measure.md").read_text()
    assert [key for key in sorted(keys_of(report)) if f"`{key}`" not in page] == []
    assert "Throughput" in done.text and "Latency" in done.text
    assert len(list((tmp_path / "out").glob("*.svg"))) == 1


def test_only_its_own_random_topic_is_touched_and_nothing_is_retained(measure, mosquitto):
    judge = Judge(mosquitto.port, "measure-judge")
    judge.subscribe("#", 0)
    done = measure(mosquitto.port, "--sizes", "16", "--prefix", "lab/link", *QUICK)
    prefix = f"{done.report['topic']}/"
    assert prefix.startswith("lab/link/")
    judge.log.wait(lambda log: len(log) >= 330, "every message at the judge")
    assert {m.topic for m in judge.log.all} == {prefix + str(qos) for qos in (0, 1, 2)}
    judge.close()
    late = Judge(mosquitto.port, "measure-late")
    late.subscribe(f"{done.report['topic']}/#", 1)
    late.publish(f"{done.report['topic']}/mark", "mark")
    late.wait(f"{done.report['topic']}/mark", "mark")
    assert len(late.log.all) == 1, "something was retained"
    late.close()


@pytest.mark.parametrize(("forgets", "qos"), [(5, 0), (3, 1)])
def test_the_loss_reported_is_exactly_what_was_dropped(measure, forgetful, forgets, qos):
    broker = forgetful(forgets=forgets)
    done = measure(broker.port, "--qos", str(qos), "--sizes", "16", *LOSSY)
    assert done.code == 0, done.text
    measured = done.every()
    assert len(measured) == 3
    for one in measured:
        dropped = sum(tag == one["tag"] for _, tag, _, _ in broker.forgotten)
        assert dropped == one["sent"] // forgets
        assert one["received"] == one["sent"] - dropped
        assert one["loss"] == pytest.approx(dropped / one["sent"])
        assert f"{100 * one['loss']:.2g} %" in done.text


def test_what_comes_after_it_was_given_up_is_told_as_late(measure, forgetful):
    broker = forgetful(forgets=10)
    kept = []
    answer = broker._take

    def later(packet):
        """What was forgotten at first is sent with the first message of the next measurement."""
        before = len(broker.forgotten)
        said = answer(packet)
        if len(broker.forgotten) > before:
            kept.append((packet.payload[0], peer.publish(packet.topic, packet.payload)))
        elif kept and packet.payload[0] and kept[0][0] != packet.payload[0]:
            said += b"".join(message for _, message in kept)
            kept.clear()
        return said

    broker._take = later
    done = measure(broker.port, "--qos", "0", "--sizes", "16", "--windows", "4", *LOSSY)
    assert [(one["sent"], one["received"]) for one in done.every()] == [(10, 9), (50, 45)]
    assert done.report["strays"] == {"late": 1, "foreign": 0}


def test_no_more_messages_are_sent_than_allowed(measure, forgetful):
    broker = forgetful()
    done = measure(broker.port, "--qos", "0,1", "--messages", "70", *QUICK)
    assert done.code == 0, done.text
    assert len(done.every()) == 24
    assert sum(one["sent"] for one in done.every()) < len(broker.published) <= 70


def test_the_time_asked_for_holds_on_a_link_that_loses_everything(measure, forgetful):
    broker = forgetful(forgets=1)
    done = measure(broker.port, "--qos", "0", *LOSSY, "--seconds", "2")
    assert done.code == 1
    assert done.report["ended"] == "time"
    assert "SECONDS" in done.report["error"]
    assert {one["loss"] for one in done.every()} == {1.0}
    assert "Not one message came back" in done.text
    assert broker.disconnected


def test_a_delay_on_the_way_shows_in_latency_and_in_what_the_window_carries(measure, mosquitto):
    delay_s = 0.03
    with Proxy(("127.0.0.1", mosquitto.port), pace=lambda *_: (delay_s, 65536)) as proxy:
        few = ("--rate", "20", "--burst", "24")
        done = measure(proxy.port, "--qos", "1", "--sizes", "64", *QUICK, *few)
    assert done.code == 0, done.text
    cell = done.report["results"][0]
    for kind in ("ack_ms", "end_to_end_ms"):
        assert cell["latency"][kind]["min"] >= 2000 * delay_s
        assert cell["latency"][kind]["p50"] < 6000 * delay_s  # it holds one piece at a time
    one, sixteen = cell["throughput"]
    assert one["acked_per_s"] <= 1 / (2 * delay_s)
    assert 4 * one["acked_per_s"] < sixteen["acked_per_s"] <= 16 / (2 * delay_s)


def test_a_lost_connection_keeps_and_marks_what_was_measured(measure, forgetful):
    broker = forgetful(ends_after=80)
    done = measure(broker.port, "--qos", "1", "--sizes", "16", *QUICK)
    assert done.code == 1
    latency, first, second = done.every()
    assert latency["complete"] and first["complete"] and latency["loss"] == 0
    assert not second["complete"] and second["loss"] is None
    assert second["received"] < second["sent"]
    assert (done.report["ended"], done.report["complete"]) == ("lost", False)
    assert "lost while measuring" in done.text
    assert "cut short" in done.text


def test_a_qos_that_the_broker_does_not_grant_is_left_out_and_said(measure, forgetful):
    broker = forgetful(grants=1)
    done = measure(broker.port, "--sizes", "16", *QUICK)
    assert done.code == 0, done.text
    assert [cell["qos"] for cell in done.report["results"]] == [0, 1]
    assert "Asked for QoS 2, the broker granted QoS 1" in done.text
    assert len(broker.unsubscribed) == 3


def test_user_and_password_are_used_and_never_shown(measure, tmp_path):
    if brokers.MOSQUITTO is None:
        leave_out("tests with Mosquitto: not installed (sudo apt-get install mosquitto)")
    secrets = {"MQTT_USER": "somebody", "MQTT_PASSWORD": "open-sesame"}
    broker = brokers.Mosquitto(tmp_path, users={"somebody": "open-sesame"}).start()
    try:
        quick = ("--qos", "1", "--sizes", "16", *QUICK)
        refused = measure(broker.port, *quick)
        assert refused.code == 1
        assert "CONNACK 5" in refused.text and "MQTT_USER" in refused.text
        wrong = measure(broker.port, *quick, environment={**secrets, "MQTT_PASSWORD": "opensesam"})
        assert wrong.code == 1 and "opensesam" not in wrong.text
        done = measure(broker.port, *quick, environment=secrets)
    finally:
        broker.stop()
    assert done.code == 0, done.text
    for written in (tmp_path / "out").iterdir():
        assert not any(secret in written.read_text() for secret in secrets.values())
    assert not any(secret in done.text for secret in secrets.values())


def test_the_password_is_in_no_command_line(micropython, monkeypatch, tmp_path, forgetful):
    monkeypatch.setenv("MICROPYTHON", micropython)
    broker = forgetful()
    secrets = {"MQTT_USER": "somebody", "MQTT_PASSWORD": "open-sesame"}
    run = Measured(tmp_path, f"127.0.0.1:{broker.port}", "--qos", "0", environment=secrets)
    eventually(lambda: broker.published, "a message", PATIENCE_S)
    lines = command_lines()
    run.process.send_signal(signal.SIGINT)
    run.wait()
    assert any(b"meter.py" in line for line in lines)
    assert not any(b"open-sesame" in line for line in lines)


def command_lines():
    """Those of all processes (Linux)."""
    if not Path("/proc/self/cmdline").exists():
        leave_out("the command lines of processes: need Linux's /proc")
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            lines.append(path.read_bytes())
    return lines


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_in_order_and_keeps_what_was_measured(
    micropython, monkeypatch, tmp_path, forgetful, number
):
    monkeypatch.setenv("MICROPYTHON", micropython)
    broker = forgetful()
    run = Measured(tmp_path, f"127.0.0.1:{broker.port}", "--qos", "1", *QUICK, "--rate", "2")
    eventually(lambda: len(broker.published) > 2, "messages", PATIENCE_S)
    run.process.send_signal(number)
    done = run.wait()
    assert done.code == 128 + number, done.text
    assert done.report["ended"] == "stopped" and not done.report["complete"]
    [only] = done.every()
    assert not only["complete"] and only["received"] == only["sent"] < 10
    assert done.report["goodbye"] and broker.disconnected
    assert broker.unsubscribed == [f"{done.report['topic']}/1".encode()]
    assert "stopped by you" in done.text


def test_a_second_signal_does_not_wait_for_a_broker_that_is_silent(
    micropython, monkeypatch, tmp_path, forgetful
):
    monkeypatch.setenv("MICROPYTHON", micropython)
    broker = forgetful(forgets=1)
    patient = ("--linger", "20", "--timeout", "20")
    run = Measured(tmp_path, f"127.0.0.1:{broker.port}", "--qos", "0", *QUICK, *patient)
    eventually(lambda: len(broker.published) > 2, "messages", PATIENCE_S)
    run.process.send_signal(signal.SIGINT)
    run.process.send_signal(signal.SIGTERM)  # two of the same could become one
    done = run.wait()
    assert done.code == 143
    assert "without a goodbye" in done.text


@pytest.mark.parametrize("runtime", ["unix", "cpython"])
def test_a_broker_that_is_not_there_is_named_with_what_to_look_at(measure, runtime):
    with Proxy(("127.0.0.1", 1)) as proxy:
        proxy.refuse()
        done = measure(proxy.port, "--on", runtime)
    assert done.code == 1
    assert f"127.0.0.1:{proxy.port} refuses connections" in done.text
    assert done.report is None


def test_a_broker_that_never_answers_is_given_up_in_time(measure, mosquitto):
    with Proxy(("127.0.0.1", mosquitto.port)) as proxy:
        proxy.stall()
        done = measure(proxy.port, "--timeout", "0.3")
    assert done.code == 1
    assert "does not answer" in done.text and "--timeout" in done.text


def test_without_a_broker_it_says_how_to_name_one():
    made = subprocess.run(
        [sys.executable, "-m", "tools.measure"], cwd=ROOT, capture_output=True, text=True
    )
    assert made.returncode == 1
    assert "make measure BROKER=" in made.stderr

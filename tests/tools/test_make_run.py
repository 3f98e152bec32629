"""`make run` as a user starts it: the demonstration, its failures, its keys, its ends."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

from tests.tools.board import ROOT, eventually
from tools.run.parts import Trouble
from tools.run.scene import run_config

COMMAND = [sys.executable, "-m", "tools.run"]
SUMMARY_S = 120


@pytest.fixture(autouse=True)
def surroundings(micropython, monkeypatch, tmp_path):
    """The run uses the same Unix port as the tests, and leaves its folder where they end it."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("MICROPYTHON", micropython)
    monkeypatch.setenv("TMPDIR", str(folder))


class Run:
    """A run in a process of its own, with or without a terminal."""

    def __init__(self, *arguments, terminal=False):
        self.text = ""
        if terminal:
            self._master, slave = pty.openpty()
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 45, 120, 0, 0))
            self.before = termios.tcgetattr(slave)
            streams = {"stdin": slave, "stdout": slave, "stderr": slave}
        else:
            self._master, slave = os.pipe()
            streams = {"stdin": subprocess.DEVNULL, "stdout": slave, "stderr": slave}
        self.slave = slave
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "45"},
            start_new_session=True,
            preexec_fn=(lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0)) if terminal else None,
            **streams,
        )

    def read(self):
        """Take in what it printed, escape sequences removed."""
        while select.select([self._master], [], [], 0)[0]:
            chunk = os.read(self._master, 65536)
            if not chunk:
                return
            self.text += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", chunk.decode(errors="replace"))

    def until(self, wanted, seconds=SUMMARY_S):
        """Wait until the text since the last until() matches; the match."""
        found = []

        def look():
            self.read()
            found[:] = re.findall(wanted, self.text)
            return found or self.process.poll() is not None

        eventually(look, f"{wanted!r} in:\n{self.text[-3000:]}", seconds)
        self.read()
        match = re.search(wanted, self.text)
        assert match, f"ended with {self.process.poll()} before {wanted!r}:\n{self.text[-3000:]}"
        self.text = self.text[match.end() :]
        return match

    def press(self, keys):
        os.write(self._master, keys.encode())

    def end(self, seconds=SUMMARY_S):
        """Wait for the end; the exit status."""

        def over():
            self.read()
            return self.process.poll() is not None

        eventually(over, f"the end; so far:\n{self.text[-3000:]}", seconds)
        self.read()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(SUMMARY_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        os.close(self._master)
        os.close(self.slave)


def gone(pid):
    """True if no process of that id runs (one that waits to be reaped does not)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    if not os.path.exists("/proc/self/stat"):
        return False
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True  # reaped since it was asked for


def children(run):
    """Broker and node of a run, by the process ids it prints."""
    broker = int(run.until(r"broker iotcore on port \d+, process (\d+)")[1])
    node = int(run.until(r"node on the Unix port, process (\d+)")[1])
    return broker, node


def config(tmp_path, change):
    """A configuration file: the example, changed."""
    values = json.loads((ROOT / "config.example.json").read_text())
    change(values)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(values))
    return str(path)


def test_the_demonstration_of_15_seconds_ends_well_with_its_summary(tmp_path):
    started = time.monotonic()
    with Run("--seconds", "15") as run:
        pids = children(run)
        status = run.end()
        took = time.monotonic() - started
        assert status == 0, run.text
        assert "NOT" not in run.text, run.text
        for line in (
            r"readings +[3-9] received, [1-9] below zero, each a row of the recorded series",
            r"commands +(\d+) of \1 answered; latency p50 \d+ ms, max \d+ ms; 1 sent in an outage",
            r"outages +3 of 3 survived, 3 kinds",
            r"sensor faults +2 played, 2 counted by the node",
            r"QoS-1 messages +0 lost of (\d+): \1 acknowledged, \1 seen by the judge",
            r"nothing dropped +(\d+) good frames from the sensor, \1 readings sent",
            r"allocated +0 bytes between connects",
            r"farewell +`offline` seen by the judge",
        ):
            assert re.search(line, run.text), f"{line} in:\n{run.text}"
        assert took < 30
        eventually(lambda: all(gone(pid) for pid in pids), "no child is left")
        assert list((tmp_path / "tmp").iterdir()) == [], "no folder is left"


def test_a_node_that_is_killed_fails_the_demonstration_and_shows_its_log():
    with Run("--seconds", "15") as run:
        _, node = children(run)
        run.until("status +online")
        os.kill(node, signal.SIGKILL)
        assert run.end() == 1
        assert "the node has died with exit status -9" in run.text
        assert "mqtt: connected to 127.0.0.1" in run.text


def test_a_fault_in_the_configuration_fails_with_the_nodes_own_words(tmp_path):
    path = config(tmp_path, lambda values: values["devices"][1].update(pin=4))
    with Run("--seconds", "15", "--config", path) as run:
        pids = children(run)
        assert run.end() == 1
        said = run.text.partition("the node found faults in its configuration; its lines:")[2]
        assert "0 E config: devices[1].pin: 4; is used already by devices[0].pin" in said
        assert all(gone(pid) for pid in pids)


def test_a_configuration_that_is_no_json_is_named(tmp_path):
    path = tmp_path / "broken.json"
    path.write_text("{")
    with Run("--config", str(path)) as run:
        assert run.end() == 1
        assert str(path) in run.text


def test_a_missing_unix_port_says_what_to_do(monkeypatch):
    monkeypatch.setenv("MICROPYTHON", "/nowhere/micropython")
    with Run("--seconds", "15") as run:
        assert run.end() == 1
        assert "MICROPYTHON names /nowhere/micropython" in run.text
        assert "make setup" in run.text


def test_too_short_a_demonstration_is_refused():
    with Run("--seconds", "5") as run:
        assert run.end() == 2
        assert "needs 15" in run.text


def test_sigterm_ends_the_run_in_order_and_leaves_no_process():
    with Run() as run:
        pids = children(run)
        run.until("status +online")
        run.process.send_signal(signal.SIGTERM)
        assert run.end() == 128 + signal.SIGTERM
        assert re.search("status +offline", run.text)
        assert all(gone(pid) for pid in pids)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_even_a_killed_run_leaves_no_process():
    with Run() as run:
        pids = children(run)
        run.until("status +online")
        run.process.kill()
        eventually(lambda: all(gone(pid) for pid in pids), "broker and node end by themselves")


def test_keys_work_in_the_live_view_and_ctrl_c_ends_it_with_offline():
    with Run(terminal=True) as run:
        run.until("steadynode/greenhouse-1 +online")
        run.until("reading +air")
        run.press("1")
        run.until("relay +fan ON")
        run.until("▇ 1")
        run.press("2")
        run.until("relay +pump ON")
        run.press("1")
        run.until("relay +fan OFF")
        run.press("s")
        run.until("no answer")
        run.press("s")
        run.until("reads again")
        for key, gone_text, back_text in (
            ("n", "network cut", "network restored"),
            ("w", "Wi-Fi gone", "Wi-Fi back"),
            ("b", "broker killed", "broker restarted"),
        ):
            run.press(key)
            run.until(f"outage +{gone_text}")
            run.until("OUTAGE")
            run.press(key)
            run.until(f"outage +{back_text}")
            run.until(r"greenhouse-1 +online [^│\n]*Wi-Fi: up -58 dBm +│")
        run.until("connects/restarts +3 / 0")
        run.press("\x03")
        assert run.end() == 0
        assert re.search("ok +farewell +`offline` seen by the judge", run.text)
        after = termios.tcgetattr(run.slave)
        assert after == run.before, "the terminal is as it was"


def test_q_ends_the_live_view_and_restores_the_terminal():
    with Run(terminal=True) as run:
        run.until("steadynode/greenhouse-1 +online")
        run.press("q")
        assert run.end() == 0
        assert "`offline` seen by the judge" in run.text
        assert termios.tcgetattr(run.slave) == run.before


def test_leaving_in_an_outage_still_ends_with_offline():
    with Run(terminal=True) as run:
        run.until("steadynode/greenhouse-1 +online")
        run.press("b")
        run.until("OUTAGE")
        run.press("q")
        assert run.end() == 0
        assert "`offline` seen by the judge" in run.text
        assert "NOT" not in run.text


def test_a_node_that_cannot_start_gives_the_terminal_back(tmp_path):
    path = config(tmp_path, lambda values: values["wifi"].update(ssid=""))
    with Run("--config", path, terminal=True) as run:
        assert run.end() == 1
        assert "0 E config: wifi.ssid: ''; must be text of 1..32 bytes" in run.text
        assert termios.tcgetattr(run.slave) == run.before


@pytest.mark.parametrize(
    ("text", "says"),
    [(None, "No such file or directory"), ("{", "not JSON: Expecting"), ("[]", "of a node")],
)
def test_what_is_no_configuration_is_refused_with_the_reason(tmp_path, text, says):
    path = tmp_path / "config.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(Trouble, match=f"{says}.*config.example.json shows the form"):
        run_config(path, 1883)

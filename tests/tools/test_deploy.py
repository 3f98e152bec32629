"""The real node is deployed to an empty board over mpremote, and comes online at a real broker."""

import contextlib
import os
import pty
import shlex
import subprocess
import sys
import threading

import pytest

from tests.broker.brokers import Mosquitto
from tests.support.ptyboard import PtyBoard, make_flash
from tests.tools import deployment
from tests.tools.board import NO_OTHER_MAKE, PATIENCE_S, ROOT, eventually
from tests.tools.deployment import (
    command_line,
    quick,  # noqa: F401 (a fixture for all)
    read_image,
    real_node,
    write_config,
    write_tree,
)
from tools.deploy import work
from tools.deploy.nodelog import ADVICE, ONLINE, SAFE, Lines, advice

SECRET = "never to be seen"
FLASH_BLOCKS = 128


@pytest.fixture
def broker(tmp_path):
    (tmp_path / "broker").mkdir()
    broker = Mosquitto(tmp_path / "broker", users={"node": SECRET}).start()
    yield broker
    broker.stop()


@pytest.fixture
def config(tmp_path, broker):
    mqtt = {
        "brokers": [{"host": "127.0.0.1", "port": broker.port}],
        "username": "node",
        "password": SECRET,
    }
    wifi = {"ssid": "home", "password": SECRET}
    return write_config(tmp_path / "config.json", mqtt=mqtt, wifi=wifi)


@pytest.fixture
def flash(tmp_path):
    return make_flash(tmp_path / "flash", FLASH_BLOCKS)


@pytest.fixture
def board(tmp_path, flash):
    with PtyBoard(tmp_path, runs=True, flash=flash, heap="384k") as board:
        board.state.wifi(join_ms=30)
        yield board


def test_from_an_empty_board_to_a_node_online_then_nothing_to_copy(
    board, flash, config, monkeypatch
):
    code, said = command_line(board, "--config", config)
    assert code == 0, said
    assert "the node is online" in said and "mqtt: connected to 127.0.0.1" in said
    monkeypatch.setattr(work, "bundle", real_node)
    code, again = command_line(board)
    assert code == 0 and "up to date" in again and "copying" not in again
    assert read_image(flash) == {**real_node(), "config.json": config.read_bytes()}
    assert SECRET not in said + again
    assert board.state.mode(16) == 3  # the relay is driven


def test_a_node_that_does_not_come_online_is_told_with_its_last_words(
    tmp_path, config, broker, monkeypatch
):
    broker.stop()
    monkeypatch.setattr(work, "bundle", real_node)
    write_tree(tmp_path / "flash", real_node())
    with PtyBoard(tmp_path / "flash", runs=True, heap="384k") as board:
        board.state.wifi(join_ms=30)
        code, said = command_line(board, "--config", config, "--wait", "5")
    assert code == 3, said
    assert "the broker's port is closed" in said
    assert "next: start the broker" in said and "make doctor" in said


def test_a_program_that_ends_is_not_waited_for(tmp_path):
    project = deployment.write_project(tmp_path / "project", 1)
    (project / "main.py").write_text("import nothing_of_that_name\n")
    (tmp_path / "flash").mkdir()
    with PtyBoard(tmp_path / "flash", runs=True) as board:
        config = write_config(tmp_path / "config.json")
        outcome = deployment.deployed(board, project, config, wait=60)
    assert outcome.start.online is False
    assert any("nothing_of_that_name" in line for line in outcome.start.last_words)
    assert any("make deploy" in step for step in outcome.start.advice)


def test_a_node_in_safe_mode_is_not_waited_for_and_says_how_it_is_left(tmp_path):
    project = deployment.write_project(tmp_path / "project", 1)
    said = ["0 W safe: 3 crashes in a row; the node is not started", "0 I safe: online; to leave"]
    (project / "main.py").write_text(f"print({chr(10).join(said)!r})\nwhile True: pass\n")
    (tmp_path / "flash").mkdir()
    with PtyBoard(tmp_path / "flash", runs=True) as board:
        outcome = deployment.deployed(board, project, write_config(tmp_path / "config.json"))
    assert outcome.start.online is False
    assert "leave on its topic cmd" in outcome.start.advice[0]
    sources = (ROOT / "lib" / "node" / "rescue.py").read_text()
    assert SAFE.match(said[1]) and said[1].split(": ", 1)[1] in sources


def test_logs_goes_on_after_a_reset_and_after_a_pulled_cable(tmp_path):
    (tmp_path / "main.py").write_text(
        "import os, time\nwhile 'listens' not in os.listdir():\n    time.sleep_ms(20)\n"
        "print('3 W mqtt: no connection to the broker, error -1')\n"
    )
    with PtyBoard(tmp_path, runs=True) as board, logs(board) as process:
        heard = reader(process)
        heard("Ctrl-C ends this")
        (tmp_path / "listens").touch()
        assert "error -1" in heard("error -1")
        assert "next: check mqtt.brokers[].host" in heard("next:")
        assert "the node was stopped" in heard("no program runs")
        board.unplug()
        heard("is gone")
        board.plug()
        heard("is back")
        board.power_off()
        board.power()
        heard("error -1")


@contextlib.contextmanager
def logs(board):
    """`make logs`; killed when it takes too long, so that reading from it comes to an end."""
    command = [sys.executable, "-u", "-m", "tools.deploy.logs", "--port", board.port]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        patience = threading.Timer(2 * PATIENCE_S, process.kill)
        patience.start()
        try:
            yield process
        finally:
            patience.cancel()
            process.kill()


def reader(process):
    def until(text):
        """Its lines up to one with `text`."""
        lines = []
        for line in process.stdout:
            lines.append(line)
            if text in line:
                return "".join(lines)
        raise AssertionError(f"no {text!r} in: {''.join(lines)}")

    return until


def test_repl_reaches_the_prompt_of_a_running_node(tmp_path):
    (tmp_path / "main.py").write_text("import time\nprint('runs')\ntime.sleep(60)\n")
    with PtyBoard(tmp_path, runs=True) as board:
        eventually(lambda: board.said("runs"), "the program")
        keyboard, terminal = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.deploy.repl", "--port", board.port],
            cwd=ROOT,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
        )
        screen = bytearray()

        def shows(text):
            os.set_blocking(keyboard, False)
            try:
                screen.extend(os.read(keyboard, 4096))
            except OSError:
                pass
            return text.encode() in screen

        eventually(lambda: shows("Use Ctrl-] or Ctrl-x to exit"), "the terminal")
        os.write(keyboard, b"\x03")
        eventually(lambda: shows(">>> "), "the prompt")
        os.write(keyboard, b"6*7\r")
        eventually(lambda: shows("\n42"), "an answer")
        os.write(keyboard, b"\x1d")
        assert process.wait(PATIENCE_S) == 0
        os.close(keyboard)
        os.close(terminal)


@pytest.mark.parametrize("target", ["deploy", "doctor", "logs", "repl"])
def test_make_hands_its_variables_on(target):
    command = ["make", "-n", target, "PORT=/dev/x", "CONFIG=c.json", "WAIT=7"]
    done = subprocess.run(
        command, cwd=ROOT, env=NO_OTHER_MAKE, capture_output=True, text=True, check=True
    )
    said = " ".join(shlex.split(done.stdout.replace("\\\n", " ")))
    assert "--port /dev/x" in said
    assert ("--config c.json" in said) == (target in ("deploy", "doctor"))
    assert ("--wait 7" in said) == (target == "deploy")


def test_the_advice_fits_what_the_node_really_says():
    """Every text that is looked for is one that the sources of the node, or MicroPython, print."""
    sources = "".join(path.read_text() for path in (ROOT / "lib" / "node").rglob("*.py"))
    known = (*(mark for mark, _ in ADVICE), "connected to ")
    of_micropython = {"MemoryError", "ImportError", "Traceback", "E config:", "refused the "}
    missing = [mark for mark in known if mark not in sources and mark not in of_micropython]
    assert missing == []
    assert ONLINE.match("0 I mqtt: connected to 192.168.1.10 port 1883")
    assert advice('5 W wifi: no access point "home"; next try in 1 s').startswith("check wifi.ssid")
    assert advice("5 I fan: ON, by command") == ""


def test_lines_are_cut_wherever_the_bytes_come_apart():
    whole = "0 I a: é\r\n\x041 W b: x\n"
    for cut in range(len(whole.encode())):
        lines = Lines()
        data = whole.encode()
        assert lines.feed(data[:cut]) + lines.feed(data[cut:]) == ["0 I a: é", "1 W b: x"]

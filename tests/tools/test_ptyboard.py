"""The board behind a pty behaves in mpremote's eyes as a board does."""

import subprocess
import sys

import pytest

from tests.support.ptyboard import PtyBoard, make_flash
from tests.tools.board import PATIENCE_S, eventually


def mpremote(board, *command):
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", board.port, *command],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.fixture
def programs(tmp_path):
    """boot.py and main.py that say when they run; main.py does not end by itself."""
    (tmp_path / "boot.py").write_text("print('boot runs')\n")
    (tmp_path / "main.py").write_text(
        "import time\nprint('main runs')\ntry:\n    while True:\n        time.sleep_ms(5)\n"
        "finally:\n    print('main ends')\n"
    )
    return tmp_path


def test_mpremote_copies_hashes_and_runs_on_it(tmp_path):
    (tmp_path / "flash").mkdir()
    (tmp_path / "note").write_text("hello")
    with PtyBoard(tmp_path / "flash") as board:
        mpremote(board, "cp", str(tmp_path / "note"), ":note")
        assert mpremote(board, "cat", ":note") == "hello"
        assert mpremote(board, "exec", "import network; print(network.hostname())") == "mpy-esp32"


def test_a_soft_reset_in_raw_mode_runs_boot_and_not_main(programs):
    with PtyBoard(programs, runs=True) as board:
        eventually(lambda: board.said("main runs"), "the start")
        start = len(board.output)
        assert mpremote(board, "eval", "6*7") == "42"  # mpremote resets softly first
        assert board.said("main ends", start) and board.said("boot runs", start)
        assert not board.said("main runs", start)


def test_machine_reset_runs_everything_again(programs):
    with PtyBoard(programs, runs=True) as board:
        eventually(lambda: board.said("main runs"), "the start")
        start = len(board.output)
        mpremote(board, "resume", "reset")
        eventually(lambda: board.said("main runs", start), "the start after the reset")


def test_a_watchdog_that_is_not_fed_resets_the_board(programs):
    (programs / "main.py").write_text("import machine\nmachine.WDT(timeout=1000)\nprint('armed')\n")
    with PtyBoard(programs, runs=True) as board:
        eventually(lambda: board.lives == 2, "the reset")
        assert board.state.reset_cause() == "watchdog"


def test_its_flash_is_a_real_littlefs_of_limited_size_that_outlives_the_power(tmp_path):
    flash = make_flash(tmp_path / "image", 32)
    with PtyBoard(tmp_path, flash=flash) as board:
        assert mpremote(board, "exec", "import os; print(os.statvfs('/')[2])") == "32"
        mpremote(board, "exec", "f = open('/kept','w'); f.write('x'); f.close()")
        board.power_off()
        board.power()
        assert mpremote(board, "exec", "print(open('/kept').read())") == "x"


def test_a_pulled_cable_is_an_error_and_the_port_comes_back(tmp_path):
    with PtyBoard(tmp_path) as board:
        board.cut_at = 1
        with pytest.raises(AssertionError):
            mpremote(board, "eval", "1")
        board.plug()
        assert mpremote(board, "eval", "1") == "1"

"""Pins, reset, watchdog and storage of the simulated board, watched from the host."""

import pytest

from tests.tools.board import STANDINS, Running, eventually, run
from tools.sim.board import boardlayout


def test_the_host_sees_levels_while_the_board_runs(micropython, board):
    script = """
import machine, time
p = machine.Pin(16, machine.Pin.OUT, value=1)
seen = machine.Pin(5, machine.Pin.IN, machine.Pin.PULL_UP)
print('set')
while seen.value(): time.sleep_ms(5)
while True:
    p.toggle(); time.sleep_ms(5)
"""
    assert board.mode(16) == 0
    with Running(micropython, script, board.path) as running:
        running.line()
        assert (board.level(16), board.mode(16)) == (1, 3)
        board.set_input(5, 0)
        eventually(lambda: board.level(16) == 0, "level 0")
        eventually(lambda: board.level(16) == 1, "level 1 again")
        assert board.changes(16) >= 2


def test_an_input_reads_what_the_host_sets_and_its_pull_before_that(micropython, board):
    script = """
import machine, time
p = machine.Pin(5, machine.Pin.IN, machine.Pin.PULL_UP)
print(p.value())
while p.value(): time.sleep_ms(5)
print(p())
"""
    with Running(micropython, script, board.path) as running:
        assert running.line() == "1"
        board.set_input(5, 0)
        assert running.line() == "0"


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("machine.Pin(40)", "invalid pin"),
        ("machine.Pin(-1)", "invalid pin"),
        ("machine.Pin(24)", "invalid pin"),
        ("machine.Pin('D4')", "invalid pin"),
        ("machine.Pin(34, machine.Pin.OUT)", "pin can only be input"),
    ],
)
def test_a_pin_the_chip_does_not_have_is_refused(micropython, call, error):
    script = f"import machine\ntry:\n {call}\nexcept ValueError as e: print(e)"
    assert run(micropython, script) == [error]


def test_a_reset_ends_with_the_exit_code_that_asks_for_a_restart(micropython, board):
    with Running(micropython, "import machine; machine.reset()", board.path) as running:
        assert running.all() == ([], boardlayout.RESET_EXIT)
    assert board.reset_cause() == "hard"
    assert run(micropython, "import machine; print(machine.reset_cause())", board.path) == ["2"]


def test_rtc_memory_and_nvs_outlive_a_reset_and_only_nvs_a_power_cut(micropython, board):
    write = """
import machine, esp32
machine.RTC().memory(b'kept')
n = esp32.NVS('node'); n.set_i32('boots', -7); n.set_blob('id', b'abc'); n.commit()
n.set_i32('boots', 9)
machine.reset()
"""
    read = """
import machine, esp32
n = esp32.NVS('node'); b = bytearray(8)
print(machine.RTC().memory(), n.get_i32('boots'), n.get_blob('id', b), bytes(b[:3]))
try: n.get_i32('none')
except OSError as e: print(e.errno)
"""
    with Running(micropython, write, board.path) as running:
        assert running.all()[1] == boardlayout.RESET_EXIT
    assert run(micropython, read, board.path) == ["b'kept' -7 3 b'abc'", "-4354"]
    board.power_on()
    assert run(micropython, read, board.path)[0] == "b'' -7 3 b'abc'"
    assert board.reset_cause() == "power-on"


def test_the_watchdog_shows_its_timeout_and_feeds(micropython, board):
    assert board.watchdog_timeout() == 0
    run(micropython, "import machine; w = machine.WDT(timeout=120000); w.feed()", board.path)
    assert board.watchdog_timeout() == 120000
    assert board.watchdog_feeds() == 2


def test_a_missing_or_foreign_board_file_is_named(micropython, tmp_path):
    with Running(micropython, "import machine", tmp_path / "none") as running:
        lines, code = running.all()
    assert code == 1
    assert str(tmp_path / "none") in lines[-1]
    (tmp_path / "text").write_text("hello board")
    with Running(micropython, "import machine", tmp_path / "text") as running:
        assert "is not a board file" in running.all()[0][-1]


def test_boot_then_main_run_in_one_name_space(micropython, board, tmp_path):
    """start.py in a checkout of our own: main sees boot's names, and not after a failed boot."""
    checkout = tmp_path / "checkout"
    folder = checkout / "tools" / "sim" / "board"
    folder.mkdir(parents=True)
    start = folder / "start.py"
    start.write_text((STANDINS / "start.py").read_text())
    (checkout / "boot.py").write_text("found = __name__\n")
    (checkout / "main.py").write_text("print(found, 'main')\n")
    assert run(micropython, start, board.path, tmp_path) == ["__main__ main"]
    (checkout / "boot.py").write_text("raise ValueError('boot is broken')\n")
    with Running(micropython, start, board.path, tmp_path) as running:
        lines, code = running.all()
    assert code == 1
    assert lines[-1] == "ValueError: boot is broken"
    assert board.boots() == 2

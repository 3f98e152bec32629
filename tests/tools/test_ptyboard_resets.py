"""What outlives which reset of the board behind a pty, and that the node counts on it: a hang that
its watchdog ends is a crash, and some of them in a row lead to safe mode."""

import json
import shutil

import pytest

from tests.support.ptyboard import PtyBoard
from tests.tools.board import ROOT, eventually

HASTE = 30  # the watchdog's 90 s are 3 s

TELLS = """
import machine
rtc = machine.RTC()
print("woke", machine.reset_cause(), rtc.memory())
rtc.memory(rtc.memory() + b"x")
%s
"""
HANGS = """
class Device:
    KEYS = {}
    COUNTS = counts = ()
    SIZE = GAP_MS = every = qos = 0
    dirty = retain = replace = False

    def __init__(self, entry, board):
        pass

    def tick(self, now):
        while True:
            pass
"""


def program(folder, end):
    (folder / "main.py").write_text(TELLS % end)


def test_the_rtc_memory_outlives_every_reset_but_a_loss_of_power(tmp_path):
    program(
        tmp_path,
        "if len(rtc.memory()) == 1:\n    machine.WDT(timeout=1000)\n"
        "elif len(rtc.memory()) == 2:\n    machine.reset()",
    )
    with PtyBoard(tmp_path, runs=True, haste=10) as board:
        eventually(lambda: board.said("woke 1 b''"), "the power-on")
        eventually(lambda: board.said("woke 3 b'x'"), "the watchdog's reset")
        eventually(lambda: board.said("woke 2 b'xx'"), "machine.reset()")
        board.power_off()
        since = len(board.output)
        board.power()
        eventually(lambda: board.said("woke 1 b''", since), "the next power-on")


def test_a_soft_reset_is_told_as_one_and_keeps_the_memory(tmp_path):
    program(tmp_path, "import sys; sys.exit() if len(rtc.memory()) < 2 else None")
    with PtyBoard(tmp_path, runs=True) as board:
        eventually(lambda: board.said("woke 5 b'x'"), "the soft reset")


def test_machine_reset_disarms_the_watchdog(tmp_path):
    armed = "w = machine.WDT(timeout=1000); machine.reset()"
    program(tmp_path, f"if len(rtc.memory()) < 2:\n    {armed}")
    with PtyBoard(tmp_path, runs=True) as board:
        eventually(lambda: board.said("woke 2 b'x'"), "the reset")
        assert board.state.watchdog_timeout() == 0


@pytest.fixture
def node(tmp_path):
    """The files of a node whose device hangs in its first step."""
    shutil.copytree(ROOT / "lib", tmp_path / "lib")
    for name in ("boot.py", "main.py"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "lib" / "node" / "devices" / "pump.py").write_text(HANGS)
    config = json.loads((ROOT / "config.example.json").read_text())
    config["watchdog"] = {"timeout": 90}
    config["safe_mode"] = {"crashes": 2}
    config["devices"].append({"kind": "pump", "name": "well"})
    (tmp_path / "config.json").write_text(json.dumps(config))
    return tmp_path


def test_hangs_in_a_row_that_the_watchdog_ends_lead_to_safe_mode(node):
    with PtyBoard(node, runs=True, haste=HASTE) as board:
        eventually(lambda: board.said("W safe: 2 crashes in a row"), "safe mode")
        assert board.lives == 3
        assert board.state.reset_cause() == "watchdog"
        eventually(lambda: board.said("the program hung"), "the last crash")
        eventually(lambda: board.said("I wifi: joined"), "Wi-Fi in safe mode")
        assert (board.state.mode(16), board.state.mode(17)) == (0, 0)

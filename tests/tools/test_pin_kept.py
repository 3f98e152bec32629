"""A pin that the firmware does not give away: the real node says so, and goes on with the rest."""

import json

from tests.tools.board import ROOT, run

BOOT = """
import machine, sys
sys.path.insert(0, {lib!r})
given = machine.Pin
class Pin(given):
    def __init__(self, pin, *rest, **more):
        if pin == 16:
            raise ValueError("invalid pin")
        given.__init__(self, pin, *rest, **more)
machine.Pin = Pin
from node.board import Board
from node.config import load
from node.safe import read, relays
board = Board()
print(board.takes(4), board.takes(16), board.held(16))
print(relays(board, read("config.json")))
print(load("config.json", board)["problems"])
"""


def test_the_edge_to_the_hardware_tells_a_kept_pin_and_drives_the_other_relay(
    micropython, board, tmp_path
):
    config = json.loads((ROOT / "config.example.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config))
    script = tmp_path / "boot_it.py"
    script.write_text(BOOT.format(lib=str(ROOT / "lib")))
    said = run(micropython, script, board.path, tmp_path)
    assert said[:2] == ["True False False", "1"]
    assert "devices[1].pin: 16; this board's firmware keeps this pin" in said[2]
    assert (board.mode(17), board.mode(16)) == (3, 0)

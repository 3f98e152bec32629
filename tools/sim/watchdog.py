"""The watchdog of a simulated board: a process of its own, outside what it watches.

    python -m tools.sim.watchdog BOARD_FILE PID [--scale N]

Once the board has armed it (machine.WDT), and then does not feed it in time, the process PID is
killed, with the reset cause "watchdog" in the board file. --scale: its time runs N times as fast.
Exit status: 3 when it has bitten, 0 when the process ended by itself.
"""

import argparse
import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from tools.sim.boardfile import BoardFile

BITTEN = 3
LOOK_S = 0.02


def watch(board: BoardFile, pid: int, scale: float = 1) -> int:
    """Watch until the process is gone. The exit status."""
    fed = time.monotonic()
    seen = state(board)
    while alive(pid):
        now = time.monotonic()
        if state(board) != seen or not board.watchdog_timeout():
            seen, fed = state(board), now
        elif (now - fed) * scale > board.watchdog_timeout() / 1000:
            board.reset_cause("watchdog")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            return BITTEN
        time.sleep(LOOK_S)
    return 0


def state(board: BoardFile) -> tuple[int, int]:
    """What changes with each feed, and with each start."""
    return board.watchdog_feeds(), board.watchdog_timeout()


def alive(pid: int) -> bool:
    """Whether the process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(prog="watchdog", description=__doc__.splitlines()[0])
    parser.add_argument("board", type=Path, help="the board file")
    parser.add_argument("pid", type=int, help="the process to watch")
    parser.add_argument("--scale", type=float, default=1, help="how fast its time runs")
    options = parser.parse_args()
    with BoardFile(options.board) as board:
        return watch(board, options.pid, options.scale)


if __name__ == "__main__":
    sys.exit(main())

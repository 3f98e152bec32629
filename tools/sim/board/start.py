"""Power on: run the checkout's boot.py, then its main.py, unchanged, as an ESP32 does.

    MICROPYPATH=<checkout>/tools/sim/board:<checkout>/lib:.frozen \
    STEADYNODE_BOARD=<board file> micropython <checkout>/tools/sim/board/start.py

The working directory is the board's flash: config.json is read from there. Both files run in the
name space of __main__, and main.py only if boot.py came to its end (ports/esp32/main.c).

A reset ends the process with the exit status boardlayout.RESET_EXIT: a reset board forgets its
RAM, and a new process is the only thing that does. Whoever started it starts it again with the
same board file, which keeps the reset cause and the RTC memory.
"""

import sys

import boardio


def _root():
    path = sys.argv[0]
    if path.count("/") < 4:
        path = "./" + path
    return path.rsplit("/", 4)[0]  # this file is <checkout>/tools/sim/board/start.py


boardio.power_on()
_at = _root()
execfile(_at + "/boot.py")  # noqa: F821 (a builtin of MicroPython)
execfile(_at + "/main.py")  # noqa: F821

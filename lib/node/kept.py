"""What outlives a reset: a few bytes of RTC memory.

RTC memory, not NVS: it can be written in any state and without a pause, and a board that crashes
again and again wears no flash. It outlives the watchdog, machine.reset() and a failure of the chip
(ports/esp32/machine_rtc.c since MicroPython 1.23: RTC_NOINIT_ATTR). After a loss of power, a weak
supply or the reset button, all of which the port calls power-on, it holds whatever it likes, so
everything begins at 0 then. What is lost with it, the broker has: the report of a crash is retained
there.

    0  3  b"SN1"; anything else is not ours, and everything begins at 0
    3  1  how the run stands, one of the numbers below
    4  1  crashes in a row
    5  2  starts since the power came on, low byte first
    7  2  crashes since then
    9     text: the last lines of an exception (FAILED, NOTED), else the report of the last crash

Loaded at the start and at the end, and then given back to the heap. Everything here allocates.
"""

import json
import sys
from io import StringIO

ENDED = 0  # in order, or main.py has not begun: whatever comes now is no crash
RUNS = 1  # main.py has begun
FAILED = 2  # an exception ended it
NOTED = 3  # runs; a step failed
SAFE_CRASHES = 4  # safe mode, after crashes ...
SAFE_BUTTON = 5  # ... or because a button was held

MARK = 3
ROW = 4
BOOTS = 5
CRASHES = 7
TEXT = 9

_FRAME = '  File "'
_EMPTY = b"SN1\0\0\0\0\0\0"
_LINES = 240  # characters of an exception that are kept, the last ones ...
_LINE = 120  # ... with so many bytes, as JSON, of what follows its frames: type and message
_WHERE = 40  # characters of its innermost frame in brief()
_REPORT = 400  # bytes of a report; the smallest outbox takes it


def load(board):
    """The bytes as they are. Allocates."""
    kept = bytearray(board.memory())
    return kept if len(kept) >= TEXT and kept.startswith(b"SN1") else bytearray(_EMPTY)


def number(kept, at):
    """The two bytes at BOOTS or CRASHES."""
    return kept[at] | kept[at + 1] << 8


def text(kept):
    """What is behind the numbers, as bytes. Allocates."""
    return bytes(kept[TEXT:])


def told(kept):
    """The same as a string, with "?" for each byte of what is no UTF-8. Allocates."""
    try:
        return text(kept).decode()
    except UnicodeError:
        return _plain(kept[TEXT:]).decode()


def _plain(data):
    for at in range(len(data)):
        if data[at] > 127:
            data[at] = 63
    return bytes(data)


def brief(kept, size):
    """The last crash as JSON of at most `size` bytes, 4 or more: where, type and message, or null.
    Allocates."""
    error = _error(text(kept))
    return json.dumps(_fitting(_placed(error), size) if error else None).encode()


def _error(report):
    try:
        report = json.loads(report)
    except ValueError:  # there is none, or it was damaged
        report = None
    return str(report.get("error")) if isinstance(report, dict) else None


def _placed(error):
    # File "dir/app.py", line 33, in run NEWLINE OSError: 5  ->  app.py:33 in run: OSError: 5
    _, frame, last = error.rpartition(_FRAME)
    if not frame:
        return error
    where, _, last = last.partition("\n")
    parts = where.split("/")[-1].split(",")  # app.py"  line 33  in run
    if len(parts) == 3:
        # A build has no lines: each is the first.
        line = parts[1][6:]
        where = parts[0][:-1] + (":" + line if line != "1" else "") + parts[2]
    return "%s: %s" % (where[:_WHERE], last)


def _fitting(said, size):
    """The beginning of `said` that takes at most `size` bytes as JSON."""
    said = said[:size]
    while said and len(json.dumps(said).encode()) > size:
        said = said[:-1]
    return said


def begin(board):
    """Count a start, and the crash before it if there was one. Returns the bytes, in which the run
    has not begun. Allocates."""
    cause = board.reset_cause()
    kept = bytearray(_EMPTY) if cause == "power-on" else load(board)
    mark = kept[MARK]
    # A soft reset, a cable or a weak supply may end a run too: only these two are certain.
    if mark == FAILED or (mark in (RUNS, NOTED) and cause in ("watchdog", "hard")):
        kept[ROW] = min(kept[ROW] + 1, 255)
        _add(kept, CRASHES)
        kept = bytearray(kept[:TEXT] + _report(kept, cause))
    elif mark == FAILED or mark == NOTED:
        kept = kept[:TEXT]
    _add(kept, BOOTS)
    kept[MARK] = ENDED
    return kept


def _add(kept, at):
    value = min(number(kept, at) + 1, 65535)
    kept[at] = value & 255
    kept[at + 1] = value >> 8


def _report(kept, cause):
    said = "none was caught: the program hung, or the chip failed"
    if kept[MARK] != RUNS:
        said = told(kept)
    while True:
        report = {"boot": number(kept, BOOTS), "reset": cause, "error": said}
        data = json.dumps(report).encode()
        if len(data) <= _REPORT:
            return data
        said = said[len(said) // 8 + 1 :]


def run(board):
    """main.py begins: until it says otherwise its end is a crash. Allocates."""
    kept = load(board)
    kept[MARK] = RUNS
    board.memory(kept)


def ended(board):
    """It ends because somebody wanted it to; that also ends a row of crashes. Allocates."""
    kept = load(board)
    kept[MARK] = ENDED
    kept[ROW] = 0
    board.memory(kept)


def failed(board, error):
    """It ends by an exception: print it, and keep its last lines. Allocates."""
    print(_keep(board, error, FAILED))


def note(board, error):
    """A step failed: keep the last lines, in case the watchdog ends the run. Allocates."""
    _keep(board, error, NOTED)


def _keep(board, error, mark):
    lines = _lines(error)
    kept = load(board)
    kept[MARK] = mark
    board.memory(kept[:TEXT] + _last(lines.strip()).encode())
    return lines


def _last(lines):
    # However long the message is, its type and the innermost frame stay.
    at = lines.find("\n", lines.rfind(_FRAME)) + 1 if _FRAME in lines else 0
    return (lines[:at] + _fitting(lines[at:], _LINE))[-_LINES:]


def _lines(error):
    if not hasattr(sys, "print_exception"):
        return "%s: %s" % (error.__class__.__name__, error)
    out = StringIO()
    sys.print_exception(error, out)  # pyright: ignore (MicroPython's)
    return out.getvalue()  # pyright: ignore (the stubs lack it)

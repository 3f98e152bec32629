"""A board on a serial port, without a board: the MicroPython Unix port behind a pty.

    with PtyBoard(folder) as board:                 # the folder is the board's file system
        subprocess.run(["mpremote", "connect", board.port, "eval", "1+1"])

It behaves as an ESP32 does in what mpremote and the node see: Ctrl-D at the prompt is a soft
reset (`MPY: soft reboot`, boot.py, the same REPL mode again), machine.reset() is a hard one, a
reset runs boot.py and main.py, Ctrl-C stops a running program. machine, network and esp32 are the
stand-ins of tools/sim/board; a watchdog that is armed and not fed resets the board. The RTC memory
outlives every reset, and goes with the power (the port's firmware since 1.23: RTC_NOINIT_ATTR).

`port` is a link that stays the same when the cable is pulled and put back; pulling it gives the
other side the error that a vanished device gives. What differs from a board: lines end in "\\n"
while a program runs, and names starting with "/" are the host's unless `flash` is used.
"""

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import tempfile
import termios
import threading
import time
import tty
from pathlib import Path

from tests.support.runtimes import ROOT, micropython_command
from tools.sim.board import boardlayout
from tools.sim.boardfile import BoardFile

START = Path(__file__).with_name("ptyboard_start.py")
STANDINS = ROOT / "tools" / "sim" / "board"
RAW_PASTE = b"\x05A\x01"  # begins every command that mpremote has executed
FLASH_BLOCK = 4096


class PtyBoard:
    """A board; use as a context manager.

    folder: the file system, unless `flash` names an image file that is mounted as LittleFS (made
    empty by make_flash). runs: boot.py and main.py run as on a board. state: a BoardFile, else a
    fresh one in a temporary folder. heap: bytes as -X heapsize takes them.
    mpy: what sys.implementation._mpy is to show. die: (life, n): the power fails in the n-th write
    to the flash image in that life; lives are counted from 1, each reset begins one. haste: how
    many times faster than the clock the watchdog's time runs.
    """

    def __init__(
        self, folder, runs=False, flash=None, state=None, heap="1M", mpy=None, die=None, haste=1
    ):
        self.folder = Path(folder)
        self.output = bytearray()  # all that the board ever said
        self.lives = 0
        self.commands = 0  # executed for mpremote so far
        self.cut_at = None  # number of the command in which the cable is pulled
        self.cut_power = False  # whether the power goes with the cable
        self.deaf = False  # True: nothing answers, as with a wrong port
        self._temporary = tempfile.TemporaryDirectory()
        self.port = str(Path(self._temporary.name) / "tty")
        self.state = state or BoardFile.create(Path(self._temporary.name) / "board")
        self._runs, self._flash, self._heap = runs, flash, heap
        self._mpy, self._haste = mpy, haste
        self.die = die
        self._raw = False  # the REPL mode, which outlives a soft reset
        self._holding = b""  # typed ahead while a program ends
        self._hold = False
        self._outer = self._inner = self._process = None
        self._unread = b""  # said, and not yet taken by who has the port open
        self._feeds = (-1, 0.0)
        self._lock = threading.RLock()
        self._over = False
        self._thread = threading.Thread(target=self._run, name="ptyboard", daemon=True)

    def __enter__(self):
        self.plug()
        self.power()
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._over = True
        self._thread.join()
        self.unplug()
        self.power_off()
        self._temporary.cleanup()

    # --- what a hand does -----------------------------------------------------------------------

    def plug(self):
        """Put the cable in; the port appears."""
        with self._lock:
            self._outer, slave = pty.openpty()
            tty.setraw(slave)
            os.set_blocking(self._outer, False)
            os.symlink(os.ttyname(slave), self.port)
            os.close(slave)  # so that it shows whether anyone has the port open

    def unplug(self):
        """Pull the cable; the board runs on if it has power."""
        with self._lock:
            if self._outer is not None:
                os.unlink(self.port)
                os.close(self._outer)
                self._outer = None

    def power(self):
        """Switch it on, if it is off."""
        with self._lock:
            if self._process is None:
                self.state.power_on()
                self._start(hard=True)

    def power_off(self):
        """Take the power away, at once."""
        with self._lock:
            if self._process is not None:
                self._process.kill()
                self._process.wait()
                os.close(self._inner)
                self._process = None

    def powered(self):
        """True while it has power."""
        return self._process is not None

    def said(self, text, since=0):
        """True if `text` is in what the board said from byte `since` on."""
        return text.encode() in self.output[since:]

    # --- the board ------------------------------------------------------------------------------

    def _start(self, hard):
        self.lives += 1
        if hard:
            self._raw = False
        self._feeds = (-1, 0.0)
        self._hold = True
        programs = ("boot" if self._raw else "all") if self._runs else ""
        self._inner, inner = pty.openpty()
        tty.setraw(inner)
        attributes = termios.tcgetattr(inner)
        attributes[3] = termios.ISIG | termios.NOFLSH  # Ctrl-C interrupts, and discards nothing
        termios.tcsetattr(inner, termios.TCSANOW, attributes)
        self._process = subprocess.Popen(
            [micropython_command(), "-X", f"heapsize={self._heap}", str(START)],
            cwd=self.folder,
            env=self._environment(programs),
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(inner)
        if self._raw:
            self._holding = b"\x01" + self._holding

    def _environment(self, programs):
        dies = self.die and self.die[0] == self.lives
        return {
            "PATH": os.environ.get("PATH", ""),
            "MICROPYPATH": ".frozen",
            "PTYBOARD_PATH": str(STANDINS),
            "PTYBOARD_RUN": programs,
            "PTYBOARD_FLASH": str(self._flash or ""),
            "PTYBOARD_DIE_AT": str(self.die[1] if dies else ""),
            "PTYBOARD_MPY": "" if self._mpy is None else str(self._mpy),
            "STEADYNODE_BOARD": str(self.state.path),
        }

    def _ended(self):
        """The interpreter is gone: a reset by itself, or its power failed."""
        code = self._process.wait()
        os.close(self._inner)
        self._process = None
        if code == -signal.SIGKILL:
            self.unplug()  # a board on USB loses both
            return
        if code == boardlayout.RESET_EXIT:
            self.state.reset("hard")
            self._holding = b""
        else:
            self.state.reset_cause("soft")
            self._say(b"MPY: soft reboot\r\n")
        self._start(hard=code == boardlayout.RESET_EXIT)

    def _watchdog(self):
        timeout = self.state.watchdog_timeout() / 1000
        feeds, since = self._feeds
        if not timeout or self.state.watchdog_feeds() != feeds:
            self._feeds = (self.state.watchdog_feeds(), time.monotonic())
        elif (time.monotonic() - since) * self._haste > timeout:
            self._process.kill()
            self._process.wait()
            os.close(self._inner)
            self.state.reset("watchdog")
            self._start(hard=True)

    # --- the wire -------------------------------------------------------------------------------

    def _run(self):
        while not self._over:
            with self._lock:
                if self._process is not None:
                    self._watchdog()
                ends = [self._inner] if self._process is not None else []
                ends += [self._outer] if self._listened() else []
            ready = _readable(ends, 0.005)
            with self._lock:
                if self._outer in ready:
                    self._typed()
                # Looked at once more: a hand may have switched it off and on in the meantime, and
                # the new end have the old one's number.
                if self._process is not None and _readable({self._inner} & set(ready)):
                    self._spoken()
                if self._process is not None:
                    self._deliver()
                self._tell()

    def _listened(self):
        """Somebody has the port open, or has left something in it."""
        if self._outer is None:
            return False
        poll = select.poll()
        poll.register(self._outer, select.POLLIN)
        events = poll.poll(0)
        return not events or bool(events[0][1] & select.POLLIN)

    def _typed(self):
        try:
            data = os.read(self._outer, 4096)
        except OSError:  # closed in the meantime
            return
        if self.deaf or self._process is None:
            return
        data = self._count(data)
        modes = re.findall(rb"[\x01\x02]", data)
        if modes:
            self._raw = modes[-1] == b"\x01"
        self._holding += data
        if b"\x03" in data and not self._reading():
            # Ctrl-C goes through at once; what follows it is for the prompt, and the interpreter
            # would throw it away when it changes the terminal's mode.
            _, _, self._holding = self._holding.rpartition(b"\x03")
            self._hold = True
            os.write(self._inner, b"\x03")

    def _count(self, data):
        """Count the commands in `data`; at the one that is to be cut, only what is before it."""
        commands = data.count(RAW_PASTE)
        if self.cut_at is not None and self.commands + commands >= self.cut_at:
            self.cut_at = None
            data = data[: data.rindex(RAW_PASTE)]
            self.unplug()
            if self.cut_power:
                self.power_off()
        self.commands += commands
        return data

    def _reading(self):
        """The interpreter waits at its prompt: it has taken the terminal's signals away."""
        return not termios.tcgetattr(self._inner)[3] & termios.ISIG

    def _deliver(self):
        """Pass on what was typed, once it can be read."""
        if self._hold and self._reading():
            self._hold = False
        if self._holding and not self._hold:
            data, self._holding = self._holding, b""
            os.write(self._inner, data)

    def _spoken(self):
        try:
            data = os.read(self._inner, 4096)
        except OSError:  # the last holder of the other end is gone
            self._ended()
            return
        self._say(data)

    def _say(self, data):
        self.output += data
        self._unread += data
        self._tell()

    def _tell(self):
        """Pass on what was said; it is lost when nobody has the port open."""
        if self.deaf or not self._listened():
            self._unread = b""
        if self._unread:
            try:
                taken = os.write(self._outer, self._unread)
            except BlockingIOError:
                return
            self._unread = self._unread[taken:]


def _readable(ends, seconds=0):
    """Those that can be read without waiting; none if one of them was just closed by a hand."""
    try:
        return select.select(ends, [], [], seconds)[0]
    except OSError:
        return []


def make_flash(path, blocks):
    """An erased flash of that many blocks of 4096 bytes. Returns the path."""
    path = Path(path)
    path.write_bytes(b"\xff" * (blocks * FLASH_BLOCK))
    return path

"""A board at its prompt: taken over from the node that runs on it, asked, and reset.

Every failure is a Trouble. Nothing that comes from the board is printed here: it may be its
configuration.
"""

import ast
import contextlib
import errno
import io
import struct
import time
from pathlib import Path

from mpremote.transport import TransportError, TransportExecError

from tools.deploy import Trouble, ports

ONBOARD = Path(__file__).with_name("onboard.py")
ANSWER_S = 4  # for the prompt to appear; a node says goodbye first, which takes up to 1.5 s
TRIES = 4  # a node may sit in a name resolution that takes long
PIECE = 1024  # bytes of a file in one command; the board compiles up to four times that


class Lost(Trouble):
    """The board does not answer any more."""


class Endless(TransportError):
    """Something talks on the port, and does not stop for us."""


class Patient:
    """A serial port that can be listened to until `end` only: mpremote waits for a pause as long as
    something comes."""

    def __init__(self, serial, end):
        self._serial = serial
        self._end = end

    def __getattr__(self, name):
        return getattr(self._serial, name)

    def inWaiting(self):
        self._look()
        return self._serial.inWaiting()

    def read(self, size=1):
        self._look()
        return self._serial.read(size)

    def _look(self):
        if time.monotonic() > self._end:
            raise Endless


class BoardError(Trouble):
    """A command failed on the board. full: because its file system is."""

    def __init__(self, output):
        last = output.strip().splitlines()[-1:] or ["no reason given"]
        super().__init__(
            f"the board says: {last[0]}. Press its reset button, try again; if it says the same, "
            "look for files that stand in for MicroPython's own modules (mpremote tree), or make "
            "it anew: make flash"
        )
        self.full = "ENOSPC" in output or "Errno 28" in output


class Board:
    """The board on `port`, a name for ports.open_port. Use as a context manager; it is left as it
    is, so reset() it."""

    def __init__(self, port, tries=TRIES, on_silence=lambda: None):
        self.port = port
        self._tries = tries
        self._on_silence = on_silence
        self.transport = ports.open_port(port)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        with contextlib.suppress(OSError):
            self.transport.close()

    def take_over(self):
        """Stop what runs, and get a fresh interpreter: a soft reset, which runs boot.py only, so
        that relays are safe. Then `onboard` is there, and the watchdog is patient."""
        self._prompt()
        try:
            self._enter(soft_reset=True)
        except TransportError:  # boot.py does not end
            self._prompt()
        self._command(ONBOARD.read_text())

    def recover(self):
        """The prompt again, after a command that was broken off."""
        self._prompt()

    def ask(self, call):
        """The value of a call of a function of onboard.py."""
        said = self._command(f"answer({call})").decode()
        try:
            return ast.literal_eval(said.strip().splitlines()[-1])
        except (ValueError, SyntaxError, IndexError):
            raise Lost(f"{self.port}: what the board answers makes no sense; try again") from None

    def put(self, path, data, progress=lambda done: None):
        """Write a file. `progress` is called with the number of bytes written so far."""
        with self._failures():
            try:
                self.transport.fs_writefile(
                    path, data, chunk_size=PIECE, progress_callback=lambda done, _: progress(done)
                )
            except OSError as error:  # the board's own, in mpremote's translation, or the port's
                if error.strerror != path:
                    raise
                name = errno.errorcode.get(error.errno, str(error.errno))
                raise BoardError(f"OSError: {name}, in {path}") from None

    def reset(self):
        """A hard reset; the port stays open to hear what comes after it. It waits a little, so
        that a native USB port can still say that the command arrived."""
        with self._failures():
            self.transport.exec_raw_no_follow(
                "import machine, time\ntime.sleep_ms(100)\nmachine.reset()"
            )

    def _prompt(self):
        for left in range(self._tries - 1, -1, -1):
            try:
                self._enter(soft_reset=False)
                return
            except TransportError as error:
                endless = isinstance(error, Endless)
                if left:
                    self._on_silence()
        if endless:
            raise Lost(
                f"{self.port}: what is there talks without a pause and obeys no Ctrl-C. Is it the "
                "board's port? Another firmware, or a program that does not let itself be "
                "stopped, gives way to: make flash ERASE=1. Nothing was changed."
            )
        raise Lost(
            f"{self.port}: the board does not answer. Press its reset button (EN or RST) and try "
            "again at once; if it stays silent, see that this is the board's port, and that it has "
            "MicroPython (make flash). Nothing was changed."
        )

    def _enter(self, soft_reset):
        serial = self.transport.serial
        waits = 3 if soft_reset else 1
        self.transport.serial = Patient(serial, time.monotonic() + waits * ANSWER_S + 1)
        try:
            # mpremote prints what the board said instead of the prompt
            with contextlib.redirect_stdout(io.StringIO()):
                self.transport.enter_raw_repl(soft_reset, timeout_overall=ANSWER_S)
        except OSError as error:
            raise Lost(self._gone(error)) from None
        finally:
            self.transport.serial = serial

    def _command(self, text):
        with self._failures():
            return self.transport.exec(text)

    @contextlib.contextmanager
    def _failures(self):
        try:
            yield
        except TransportExecError as error:
            raise BoardError(error.error_output) from None
        except (TransportError, OSError, struct.error) as error:
            raise Lost(self._gone(error)) from None

    def _gone(self, error):
        said = str(error).split("\n")[0][:80] or type(error).__name__
        return f"{self.port}: the board was lost ({said}). Check cable and power, then try again."


def reopen(port, seconds):
    """The transport on a port that a reset made vanish. Raises Trouble when it is not back in
    time."""
    end = time.monotonic() + seconds
    while True:
        try:
            return ports.open_port(port)
        except Trouble as trouble:
            if time.monotonic() > end:
                raise Trouble(
                    f"{trouble} After a restart it was waited for {seconds:g} s. A chip with USB "
                    "of its own may come back under another name."
                ) from None
        time.sleep(0.05)

"""The board at its serial line, a thin layer over esptool's Python interface.

What esptool says is kept (`said`) and shown only with VERBOSE; its progress goes to the caller, its
errors become Trouble with the next step. Reading, writing and erasing are done by esptool's stub,
a small program in the chip's RAM; the boot loader in its ROM cannot be damaged, so a board can be
flashed again whatever has happened.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import serial
from esp_pylib.logger import EspLog, EspLogBase
from esptool import cmds
from esptool.loader import ESPLoader
from esptool.reset import ResetStrategy
from esptool.util import FatalError, flash_size_bytes
from rich.text import Text

from tools.deploy import Trouble
from tools.deploy.ports import candidates, why_not

from . import chips
from .chips import Chip

BAUD = 460800
ERRORS = (FatalError, serial.SerialException, OSError)

Progress = Callable[[int, int], None]  # done, in all


class Said(EspLogBase):
    """esptool's logger: lines to a list, progress to `on_progress` while one is set."""

    def __init__(self, show: Callable[[str], None] | None = None) -> None:
        self.lines: list[str] = []
        self.on_progress: Progress | None = None
        self._show = show

    def print(self, *args, **kwargs) -> None:
        line = Text.from_markup(" ".join(map(str, args))).plain.rstrip()
        self.lines.append(line)
        if self._show and line:
            self._show(line)

    def note(self, *args) -> None:
        self.print(*args)

    def warn(self, *args, suggestion=None) -> None:
        self.print(*args)

    err = warn
    warning = warn
    error = warn
    hint = note
    debug = note

    def set_verbosity(self, mode) -> None:
        pass

    def progress_bar(self, cur_iter, total_iters, prefix="", suffix="", bar_length=30) -> None:
        if self.on_progress is not None:
            self.on_progress(cur_iter, total_iters)


class Device:
    """A connected board; as a context manager it is restarted and let go at the end.

    `port`: a serial port, or a URL of pyserial's such as socket://127.0.0.1:9876. `before`: how the
    chip is brought into its boot loader, "default-reset" or "no-reset" (by hand).
    """

    def __init__(self, port: str, said: Said, baud: int = BAUD, before: str = "default-reset"):
        EspLog.set_logger(said)
        # Called for a port without lines to reset with; esptool tells it by its own first logger.
        ResetStrategy.print_once = self._no_lines
        self.port = port
        self.said = said
        self.restarted = False  # at the end, as far as can be known
        self._has_lines = True
        self.esp = self._connect(baud, before)

    def _connect(self, baud: int, before: str) -> ESPLoader:
        esp = None
        try:
            esp = cmds.connect_esp(self.port, before=before)
            self.chip: Chip = chips.named(esp.CHIP_NAME)
            esp = cmds.run_stub(esp)
            cmds.attach_flash(esp)
            if baud != esp.get_baud():
                esp.change_baud(baud)
            self.description = esp.get_chip_description()
            self.flash_size = self._flash_size(esp)
            return esp
        except Trouble:
            self._let_go(esp)
            raise
        except (*ERRORS, ValueError) as error:  # that: a URL of an unknown kind
            if esp is not None:
                esp._port.close()
            raise Trouble(unreachable(self.port, str(error))) from None

    def _no_lines(self, text: str) -> None:
        self.said.warn(text)
        self._has_lines = False

    def _flash_size(self, esp: ESPLoader) -> int:
        size = flash_size_bytes(cmds.detect_flash_size(esp))
        if not size:
            raise Trouble(
                "the flash memory of this board does not answer, or not as a known one. Take away "
                "what is wired to its pins, and try again."
            )
        return size

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the flash. Trouble if the line breaks."""
        with self._telling(f"reading {size} bytes at {offset:#x}"):
            return bytes(self.esp.read_flash(offset, size))

    def erase(self) -> None:
        """Erase the whole flash."""
        with self._telling("erasing the flash"):
            cmds.erase_flash(self.esp)

    def write(self, offset: int, data: bytes, progress: Progress) -> None:
        """Write, and verify by the MD5 that the chip makes of what it then holds; what is there
        already is only verified."""
        self.said.on_progress = progress
        try:
            with self._telling(f"writing at {offset:#x}"):
                cmds.write_flash(self.esp, [(offset, data)], skip_flashed=True)
                # When the line came back after a break, esptool loaded the stub again, and left
                # this object marked as talking to the ROM.
                self.esp.IS_STUB = True
        finally:
            self.said.on_progress = None

    @contextlib.contextmanager
    def _telling(self, doing: str):
        try:
            yield
        except ERRORS as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise Trouble(
                f"{doing} failed: {reason}. If the line broke, check cable and plug, or try a "
                "slower BAUD=115200."
            ) from None

    def __enter__(self) -> Device:
        return self

    def __exit__(self, kind, error, trace) -> None:
        self._let_go(self.esp)

    def _let_go(self, esp: ESPLoader | None) -> None:
        if esp is None:
            return
        with contextlib.suppress(*ERRORS):
            cmds.reset_chip(esp, "hard-reset")
            self.restarted = self._has_lines
        esp._port.close()


def no_port() -> Trouble:
    """What to say when no port was named. A board is written to, so none is guessed."""
    found = candidates()
    if not found:
        return Trouble(
            "no PORT was named, and this computer sees no USB serial port. Plug the board in with "
            "a cable that carries data; its USB chip may need a driver (CP210x, CH340). Then: "
            "make flash PORT=/dev/ttyUSB0"
        )
    listed = "".join(f"\n    make flash PORT={path}   {text}" for path, text in found)
    return Trouble(f"no PORT was named. Found:{listed}")


def unreachable(port: str, reason: str) -> str:
    """What to do when a board cannot be reached, from esptool's words."""
    low = reason.lower()
    if any(words in low for words in ("exclusively lock", "errno 16", "access is denied")):
        return f"{port} is in use by another program. End it (mpremote, a terminal), and try again."
    if "permission" in low:
        return (
            f"{port} may not be opened by you. On Linux type: sudo usermod -aG dialout $USER, then "
            "log in again."
        )
    if "no such file" in low or "filenotfound" in low or "errno 2]" in low:
        others = ", ".join(path for path, _ in candidates()) or "none"
        return (
            f"there is no {port} (USB serial ports here: {others}). Plug in the board, with a "
            "cable that carries data, and name its port: PORT=..."
        )
    if "could not open" in low or "invalid url" in low:
        return why_not(port, " ".join(reason.split()))
    return (
        f"no ESP32 answers at {port}: {' '.join(reason.split())} Hold the board's BOOT button "
        "while it connects (with BEFORE=no-reset press EN once, too), and check that the cable has "
        "data lines."
    )

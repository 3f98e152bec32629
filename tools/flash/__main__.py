"""python -m tools.flash --port PORT [--firmware FILE|VERSION|keep] [--config FILE] ...

Without --config: MicroPython alone; files and stored secrets on the board stay. With it:
MicroPython, the compiled node with this configuration, and its secrets, in one go; then it waits
until the node is online (--wait). `--firmware keep` writes the node only. Everything is read and
checked before the board changes. Exit status: 1 with what to do if it fails, and run again it
writes only what is not there yet; 3 if all is written, and the node was not seen online.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from tools.deploy import Trouble, online
from tools.deploy.settings import cautions, unedited

from . import chips, download, image, nodefiles, partitions, plan, settings
from .device import BAUD, Device, Said, no_port
from .image import Firmware
from .partitions import Partition, size_text
from .plan import Node, Piece

KEEP = "keep"
VERSION = re.compile(r"v?\d+(\.\d+)+(-[-.\w]+)?")
ERASING = "erasing"
FASTEST = 2_000_000  # baud that esptool's stub is known to work with


class Flash:
    """One run: `options` as parse() gives them. What online.py tells goes through it, too."""

    def __init__(self, options: argparse.Namespace, console: Console) -> None:
        self.options = options
        self.console = console

    def tell(self, what: str, text: str) -> None:
        self.console.print(f"{what:<9} {text}", markup=False, highlight=False, soft_wrap=True)

    def step(self, text: str) -> None:
        self.tell("node", text)

    def warn(self, text: str) -> None:
        self.tell("mind", text)

    def log(self, line: str) -> None:
        self.tell("", line)

    def run(self) -> int:
        """Everything; the exit status. Trouble where it cannot go on; then nothing was changed, or
        it says what."""
        options = self.options
        self.read_files()  # sooner than the board is asked for: it may want a button pressed
        said = Said((lambda line: self.tell("esptool", line)) if options.verbose else None)
        with Device(options.port, said, options.baud, options.before) as device:
            size = size_text(device.flash_size)
            self.tell("board", f"{device.description}, {size} of flash, at {options.port}")
            firmware = self.firmware(device)
            table = list(firmware.table) if firmware else self.table_of(device)
            node = self.node(device)
            pieces = plan.pieces(firmware, node, table, device.flash_size)
            kept = False
            if node is None and not options.erase:
                kept = self.keeps_files(device, partitions.files(table, device.flash_size))
            self.write(device, pieces)
        if not device.restarted or options.before == "no-reset":
            self.warn("press the board's reset button, if it does not start by itself")
        if node is None:
            has = "the files it had" if kept else "no files yet: make deploy CONFIG=config.json"
            self.tell("done", f"the board has MicroPython, and {has}")
            return 0
        start = online.Start()
        if options.wait:
            self.tell("wait", f"{options.wait:g} s at most, for the node to be online; WAIT=0: not")
            start = online.wait(options.port, options.wait, self)
        return online.report(start, options.wait, self)

    def read_files(self) -> None:
        """What is on this computer already: `config` and `image`, each None if it is not."""
        options = self.options
        self.config = None if options.config is None else settings.read(options.config)
        self.image = None
        if options.firmware != KEEP and not VERSION.fullmatch(options.firmware):
            self.image = image.load(Path(options.firmware))

    def firmware(self, device: Device) -> Firmware | None:
        """The checked image that this board is to get; None to keep its own."""
        options = self.options
        if options.firmware == KEEP:
            return None
        firmware, path = self.image, options.firmware
        if firmware is None:
            site = download.Site(options.site, options.cache)
            version = options.firmware.removeprefix("v")
            with self.bar("download") as show:
                path = site.get(device.chip.board, options.variant, version, show)
            firmware = image.load(path)
        plan.fits(firmware, device.chip, device.flash_size)
        self.tell("firmware", f"MicroPython {firmware.version} for {firmware.chip.name}: {path}")
        return firmware

    def table_of(self, device: Device) -> list[Partition]:
        """The table of the firmware that is on the board, which must be one the node can use."""
        where = "this board"
        raw = device.read(partitions.OFFSET, partitions.SIZE)
        try:
            table = partitions.parse(raw, where)
        except Trouble as trouble:
            raise Trouble(f"{trouble} Install MicroPython: FIRMWARE={chips.RELEASE}") from None
        for app in table:
            if app.kind == partitions.APP:
                content = b""
                while not image.banner(content) and len(content) < image.BANNER_WITHIN:
                    content += device.read(app.offset + len(content), 0x8000)
                version = image.version_of(content, f"what is on {where}")
                self.tell("firmware", f"MicroPython {version}, as it is on the board")
                return table
        raise Trouble(f"{where} has no application; install MicroPython: FIRMWARE={chips.RELEASE}")

    def node(self, device: Device) -> Node | None:
        """The node's files and secrets, checked for this chip; None without a configuration."""
        options = self.options
        data = self.config
        if data is None:
            return None
        settings.check(data, options.config, device.chip)
        for text in cautions(data, device.chip.machine) + unedited(data):
            self.warn(text)
        secrets = None
        if options.secrets != "file":
            public, found = settings.split(data)
            if settings.node_reads_nvs(data, device.chip):
                data, secrets = public, found
            elif options.secrets == "nvs":
                raise Trouble(
                    "the node in lib/ does not read its secrets from the NVS. Leave SECRETS out, "
                    "or SECRETS=file: they then stand in config.json on the board."
                )
        files = nodefiles.node(data)
        where = "config.json" if secrets is None else "the NVS"
        total = sum(map(len, files.values()))
        self.tell("node", f"{len(files)} files, {total:,} bytes; passwords in {where}")
        return Node(files, secrets)

    def keeps_files(self, device: Device, files: Partition) -> bool:
        """Whether there are files that stay. Trouble if MicroPython would call corrupt what lies
        where its files go."""
        found = nodefiles.state(device.read(files.offset, partitions.BLOCK), files.size)
        if found == nodefiles.FOREIGN:
            raise Trouble(
                f"at {files.offset:#x}, where this firmware keeps its files, the flash holds "
                "something else, and MicroPython would not start from it. ERASE=1 erases the whole "
                "flash first; CONFIG=config.json puts the node there. Nothing was written."
            )
        if found == nodefiles.KEPT:
            self.tell("files", "those on the board stay as they are")
        return found == nodefiles.KEPT

    def write(self, device: Device, pieces: list[Piece]) -> None:
        steps = [piece.what for piece in pieces]
        if self.options.erase:
            steps.insert(0, ERASING)
        done: list[str] = []
        try:
            if self.options.erase:
                self.tell("erase", "the whole flash")
                device.erase()
                done.append(ERASING)
            for piece in pieces:
                size = size_text(len(piece.data))
                self.tell("write", f"{piece.what}, {size} at {piece.offset:#x}")
                with self.bar(piece.what) as show:
                    device.write(piece.offset, piece.data, show)
                done.append(piece.what)
        except Trouble as trouble:
            raise Trouble(f"{trouble} {left(done, steps)}") from None
        except KeyboardInterrupt:
            raise Trouble(f"broken off by Ctrl-C. {left(done, steps)}") from None
        self.tell("verified", ", ".join(piece.what for piece in pieces))

    def bar(self, what: str) -> Bar:
        return Bar(what, self.console)


class Bar:
    """A progress bar on a terminal, nothing elsewhere. Entered, it is the function to call."""

    def __init__(self, what: str, console: Console) -> None:
        columns = (TextColumn("          {task.description}"), BarColumn(), DownloadColumn())
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self._what = what
        self._task = None

    def __enter__(self):
        self._bar.start()
        return self._show

    def _show(self, done: int, total: int) -> None:
        if self._task is None:
            self._task = self._bar.add_task(self._what, total=total or None)
        self._bar.update(self._task, completed=done)

    def __exit__(self, *error) -> None:
        self._bar.stop()


def left(done: list[str], steps: list[str]) -> str:
    """What a broken-off run leaves, and the way on."""
    missing = [step for step in steps if step not in done]
    written = f"Done and verified: {', '.join(done)}. " if done else ""
    return (
        f"{written}Not, or only in part: {', '.join(missing)}. The board may not start like this, "
        "but its boot loader is in ROM: run the same command again, it writes what is missing."
    )


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.flash", description=__doc__)
    add = parser.add_argument
    add("--port", help="serial port of the board, such as /dev/ttyUSB0")
    add(
        "--firmware",
        default=chips.RELEASE,
        help="a .bin file, a version, or keep for the one on the board; default %(default)s",
    )
    add("--variant", default="", help="of the generic board, such as SPIRAM or D2WD")
    add("--config", type=Path, help="the node's configuration: write the node, too")
    add("--secrets", choices=("nvs", "file"), help="where passwords go; by default into the NVS if "
        "the node can read them there")  # fmt: skip
    add("--erase", action="store_true", help="erase the whole flash first")
    add("--baud", type=_baud, default=BAUD, help="speed of the transfer; default %(default)s")
    add("--before", choices=("default-reset", "no-reset"), default="default-reset",
        help="no-reset: you hold BOOT and press EN yourself")  # fmt: skip
    add("--site", default=download.BASE, help="where versions are downloaded; default %(default)s")
    add("--cache", type=Path, help="folder for downloads; default: the user's cache folder")
    online.option(parser)
    add("--verbose", action="store_true", help="show esptool's own words")
    return parser.parse_args(arguments)


def _baud(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 9600 <= int(text) <= FASTEST:
        raise argparse.ArgumentTypeError(f"{text}: must be 9600..{FASTEST}, such as 115200")
    return int(text)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        if not options.port:
            raise no_port()
        if options.firmware == KEEP and options.config is None:
            raise Trouble("FIRMWARE=keep writes the node only, and needs CONFIG=config.json.")
        if options.firmware == KEEP and options.erase:
            raise Trouble("ERASE=1 would erase the firmware that FIRMWARE=keep is to keep.")
        return Flash(options, Console()).run()
    except Trouble as trouble:
        print(f"\nmake flash: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nmake flash: broken off by Ctrl-C; nothing was written.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())

"""A MicroPython image: read, and checked as esptool's `image-info` checks it.

The `.bin` of the download site is boot loader, partition table and application in one, made to be
written at the chip's offset. Both parts that run carry the chip's id, a checksum and a SHA-256 over
themselves, so a file that was cut short or damaged is found without any list of checksums. What it
is, its banner tells (`MicroPython v1.29.0 on 2026-08-24`): MicroPython leaves project and version
out of the description that ESP-IDF has for them.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

from esptool.bin_image import ESP32FirmwareImage, LoadFirmwareImage
from esptool.util import FatalError

from tools.deploy import Trouble

from . import chips, partitions
from .chips import Chip
from .partitions import Partition

OLDEST = (1, 24)
MAGIC = 0xE9
_BANNER = re.compile(rb"MicroPython v(\d+\.\d+[-+.\w]*) on \d{4}-\d\d-\d\d")
BANNER_WITHIN = 0x40000  # bytes of an application that are looked through for it on a board

TAKE_ANOTHER = "Take the file {board}-<date>-v<version>.bin from micropython.org/download/{board}/."


@dataclass(frozen=True)
class Firmware:
    """A checked image. `name` for people; `version` as "1.29.0"; `table` its partitions."""

    name: str
    data: bytes
    chip: Chip
    version: str
    table: tuple[Partition, ...]

    @property
    def end(self) -> int:
        """Where it ends in the flash."""
        return self.chip.offset + len(self.data)


def load(path: Path) -> Firmware:
    """The image of a file. Trouble if it cannot be read or is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Trouble(
            f"the firmware {path} cannot be read: {error.strerror}. FIRMWARE= takes a .bin file or "
            f"a version such as {chips.RELEASE}."
        ) from None
    return check(data, path.name)


def check(data: bytes, name: str) -> Firmware:
    """The image in `data`. Trouble, naming `name`, if anything is wrong with it."""
    chip = _chip(data, name)
    _part(chip, data, name, "boot loader")
    raw = data[partitions.OFFSET - chip.offset :][: partitions.SIZE]
    if raw[:2] != partitions.MAGIC:
        raise Trouble(
            f"{name} has no partition table: it is cut short, or an application alone (an .app-bin "
            f"is for updates). {TAKE_ANOTHER.format(board=chip.board)}"
        )
    table = partitions.parse(raw, name)
    for app in table:
        if app.kind == partitions.APP:
            version = _application(chip, data, app, name)
            return Firmware(name, data, chip, version, tuple(table))
    raise Trouble(f"{name}: its partition table has no place for an application.")


def _chip(data: bytes, name: str) -> Chip:
    if len(data) < 24 or data[0] != MAGIC:
        what = "a UF2 file; take the .bin of the same release" if data[:4] == b"UF2\n" else ""
        raise Trouble(
            f"{name} is {what or 'no ESP32 image'} (it begins with "
            f"{data[:4].hex(' ') or 'nothing'}). FIRMWARE= takes the .bin of a generic board "
            "from micropython.org/download/."
        )
    try:
        return chips.of_image(int.from_bytes(data[12:14], "little"))
    except Trouble as trouble:
        raise Trouble(f"{name}: {trouble}") from None


def _application(chip: Chip, data: bytes, app: Partition, name: str) -> str:
    content = data[app.offset - chip.offset :][: app.size]
    part = _part(chip, content, name, "application")
    if part is None or part.chip_id != chip.image:
        raise _damaged(name, "application", "there is none where the partition table has it")
    return version_of(content, name)


def _part(chip: Chip, content: bytes, name: str, what: str) -> ESP32FirmwareImage | None:
    """A part that runs, its checksum and its hash right; None if no image begins there."""
    if content[:1] != bytes([MAGIC]):
        return None
    try:
        part = LoadFirmwareImage(chip.name, content)
    except (FatalError, struct.error, TypeError, RuntimeError) as error:
        why = str(error) if isinstance(error, FatalError) else "it ends too early"
        raise _damaged(name, what, why) from None
    if part.checksum != part.calculate_checksum():
        raise _damaged(name, what, "its checksum is wrong")
    if part.append_digest and part.stored_digest != part.calc_digest:
        raise _damaged(name, what, "its SHA-256 is wrong")
    return part


def _damaged(name: str, what: str, why: str) -> Trouble:
    return Trouble(f"{name} is damaged or cut short: {what}: {why}. Download it again.")


def banner(content: bytes) -> str:
    """The version in MicroPython's banner ("1.29.0"), or "" if there is none in `content`."""
    found = _BANNER.search(content)
    return found[1].decode() if found else ""


def version_of(content: bytes, name: str) -> str:
    """The version of an application. Trouble if it is not MicroPython, or too old for the node."""
    version = banner(content)
    if not version:
        raise Trouble(
            f"{name} is not MicroPython: its banner is not in it. Name a MicroPython image or a "
            f"version: FIRMWARE={chips.RELEASE}"
        )
    if _numbers(version) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise Trouble(
            f"{name} is MicroPython {version}; the node needs {oldest} or later: "
            f"FIRMWARE={chips.RELEASE}"
        )
    return version


def _numbers(version: str) -> tuple[int, ...]:
    """(1, 29) of "1.29.0-preview.12.g0123456"."""
    parts = version.split("-")[0].split(".")[:2]
    return tuple(int(part) if part.isdigit() else 0 for part in parts)

"""The partition table of an ESP32: what lies where in the flash, and where MicroPython's files go.

The table is 32-byte rows at 0x8000 (ESP-IDF, "Partition Tables"): magic AA 50, type, subtype,
offset, size, label, flags; after the last row EB EB and, 16 bytes on, the MD5 of the rows.

MicroPython mounts the partition "vfs". Firmware up to 1.25 has it as a row; from 1.26 there is no
such row, and the port makes the partition at each start, from the end of the last partition to the
end of the flash as it is (micropython/micropython pull request 17337). So both cases are decided
here from the table and the size of the flash, and no number is taken for granted.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from tools.deploy import Trouble

OFFSET = 0x8000
SIZE = 0xC00
BLOCK = 4096  # a sector of the flash: the least that is erased, and LittleFS's block here
APP, DATA = 0, 1
NVS = 2  # a subtype of DATA
MAGIC = b"\xaa\x50"  # of a row
SMALLEST_FILES = 16 * BLOCK

_ROW = struct.Struct("<2sBBII16sI")


@dataclass(frozen=True)
class Partition:
    """One row. `offset` and `size` in bytes; `kind` is the type."""

    label: str
    kind: int
    subtype: int
    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


def parse(raw: bytes, where: str) -> list[Partition]:
    """The rows of the table in `raw`, in its order. Trouble, naming `where`, if it is none."""
    rows = []
    for at in range(0, min(len(raw), SIZE) - _ROW.size + 1, _ROW.size):
        magic, kind, subtype, offset, size, label, _ = _ROW.unpack_from(raw, at)
        if magic == MAGIC:
            name = label.rstrip(b"\0").decode(errors="replace")
            rows.append(Partition(name, kind, subtype, offset, size))
        elif magic == b"\xeb\xeb":
            if hashlib.md5(raw[:at]).digest() != raw[at + 16 : at + 32]:
                raise Trouble(f"{where}: its partition table is damaged (the MD5 is another).")
            break
        else:
            break
    if not rows:
        raise Trouble(f"{where}: there is no partition table at {OFFSET:#x}.")
    return rows


def files(table: list[Partition], flash_size: int) -> Partition:
    """Where MicroPython keeps its files on a flash of this size. Trouble if it does not fit, or if
    this firmware has files in another format."""
    last = max(table, key=lambda row: row.end)
    if last.end > flash_size:
        raise Trouble(
            f"the flash of this board ({size_text(flash_size)}) is too small: the firmware's "
            f'partition "{last.label}" ends at {size_text(last.end)}. Take a firmware for less '
            "flash (for 2 MB: VARIANT=D2WD on an ESP32), or another board."
        )
    for row in table:
        if row.label == "vfs":
            return row
        if row.label == "ffat":
            raise Trouble(
                "this firmware keeps its files in FAT (partition ffat), not in LittleFS. Take a "
                "generic firmware from micropython.org."
            )
    size = (flash_size - last.end) // BLOCK * BLOCK
    if size < SMALLEST_FILES:
        raise Trouble(
            f"the flash of this board ({size_text(flash_size)}) leaves {size} bytes for files "
            f'after the last partition "{last.label}". Take a firmware with a smaller application '
            "partition, or a board with more flash."
        )
    return Partition("vfs", DATA, 0x81, last.end, size)


def nvs(table: list[Partition]) -> Partition | None:
    """The key-value store."""
    for row in table:
        if row.kind == DATA and row.subtype == NVS:
            return row
    return None


def size_text(size: int) -> str:
    """4 MB, 576 KB, 1000 bytes."""
    for unit, name in ((1 << 20, "MB"), (1 << 10, "KB")):
        if size >= unit and size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size:,} bytes"

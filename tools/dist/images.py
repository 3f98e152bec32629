"""LittleFS images of the node, one for each size of flash, for people without this checkout.

Where MicroPython keeps its files follows from its partition table and the size of the flash; the
tables are those of the generic firmware (ports/esp32/partitions-*.csv). `make flash` asks the board
instead, and writes a config.json too; these images hold none.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.flash import nodefiles, partitions
from tools.flash.partitions import APP, Partition

MB = 1 << 20
STANDARD = (0x1F0000,)  # sizes of the applications, which begin at FIRST
# firmware as micropython.org names it -> (sizes of its applications, size of the flash)
FIRMWARE = {
    "2MB-D2WD": ((0x160000,), 2 * MB),
    "4MB": (STANDARD, 4 * MB),
    "4MB-OTA": ((0x180000, 0x180000), 4 * MB),
    "8MB": (STANDARD, 8 * MB),
    "16MB": (STANDARD, 16 * MB),
}
FIRST = 0x10000


@dataclass(frozen=True)
class Image:
    """`offset`: where in the flash it belongs."""

    name: str
    offset: int
    data: bytes


def images(files: dict[str, bytes]) -> list[Image]:
    """An Image with these files for each firmware above. Trouble if they do not fit."""
    made = []
    for name, (sizes, flash) in FIRMWARE.items():
        room = partitions.files(_applications(sizes), flash)
        made.append(
            Image(f"littlefs-{name}.bin", room.offset, nodefiles.littlefs(files, room.size))
        )
    return made


def _applications(sizes: tuple[int, ...]) -> list[Partition]:
    rows, at = [], FIRST
    for size in sizes:
        rows.append(Partition("application", APP, 0, at, size))
        at += size
    return rows

"""What is to be written where: worked out, and checked, before anything on the board changes."""

from __future__ import annotations

from dataclasses import dataclass

from tools.deploy import Trouble

from . import image, nodefiles, partitions, settings
from .image import Firmware
from .partitions import BLOCK, Partition, size_text


@dataclass(frozen=True)
class Piece:
    """One stretch of the flash. `what` for people."""

    what: str
    offset: int
    data: bytes

    @property
    def end(self) -> int:
        return self.offset + len(self.data)


@dataclass(frozen=True)
class Node:
    """What the node brings: its files, and its secrets for the NVS (None: leave the NVS alone)."""

    files: dict[str, bytes]
    secrets: dict[str, bytes] | None


def fits(firmware: Firmware, chip, flash_size: int) -> None:
    """Trouble if the image is not for this chip or longer than its flash."""
    if firmware.chip != chip:
        raise Trouble(
            f"{firmware.name} is for the {firmware.chip.name}, but this board has the {chip.name}. "
            f"{image.TAKE_ANOTHER.format(board=chip.board)}"
        )
    if firmware.end > flash_size:
        raise Trouble(
            f"{firmware.name} ends at {firmware.end:,} bytes, and the flash of this board has "
            f"{size_text(flash_size)}. Take a firmware for less flash, or another board."
        )


def pieces(
    firmware: Firmware | None, node: Node | None, table: list[Partition], flash_size: int
) -> list[Piece]:
    """In the order of writing. Trouble if something does not fit. `table`: the image's, or the
    board's own when no firmware is written."""
    files = partitions.files(table, flash_size)
    store = partitions.nvs(table)
    found = []
    if node is not None and node.secrets is not None:
        if store is None:
            raise Trouble("this firmware has no NVS partition for the secrets; use SECRETS=file.")
        found.append(Piece("secrets", store.offset, settings.nvs_image(node.secrets, store.size)))
    if firmware is not None:
        whole = Piece("firmware", firmware.chip.offset, firmware.data)
        found = _together(whole, found) if node is not None else _around(whole, store)
    if node is not None:
        data = nodefiles.littlefs(node.files, files.size // BLOCK * BLOCK)
        found.append(Piece("files", files.offset, data))
    found.sort(key=lambda piece: piece.offset)
    for one, next_one in zip(found, found[1:], strict=False):
        if one.end > next_one.offset:
            raise Trouble(
                f"{one.what} (to {one.end:#x}) would reach into {next_one.what} (from "
                f"{next_one.offset:#x}): the image does not match its own partition table."
            )
    return found


def _together(firmware: Piece, others: list[Piece]) -> list[Piece]:
    """The firmware with those of the others in it that lie within: an image spans the NVS, with
    erased flash in its place, and each byte is to be written once."""
    data = bytearray(firmware.data)
    apart = []
    for piece in others:
        at = piece.offset - firmware.offset
        if at >= 0 and piece.end <= firmware.end:
            data[at : at + len(piece.data)] = piece.data
        else:
            apart.append(piece)
    within = len(others) > len(apart)
    return [
        Piece("firmware and secrets" if within else "firmware", firmware.offset, bytes(data))
    ] + apart


def _around(firmware: Piece, store: Partition | None) -> list[Piece]:
    """The firmware alone without the erased flash that its image has for the NVS: what the board
    keeps there (the secrets that its files refer to) is to stay."""
    if store is None or store.offset < firmware.offset or store.end > firmware.end:
        return [firmware]
    start, end = store.offset - firmware.offset, store.end - firmware.offset
    if firmware.data.count(0xFF, start, end) != store.size:
        return [firmware]
    return [
        Piece("boot loader", firmware.offset, firmware.data[:start]),
        Piece("MicroPython", store.end, firmware.data[end:]),
    ]

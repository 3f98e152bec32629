"""The table of chips, firmware/chips.toml, as objects."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from tools.deploy import Trouble
from tools.deploy.bundle import ROOT

TABLE = ROOT / "firmware" / "chips.toml"


@dataclass(frozen=True)
class Chip:
    """One row; what each value means stands in the file."""

    name: str
    machine: str
    board: str
    offset: int
    image: int
    heap: int


def _load() -> tuple[dict[str, Chip], str]:
    table = tomllib.loads(TABLE.read_text())
    release = table.pop("release")
    return {key: Chip(**row) for key, row in table.items()}, release


CHIPS, RELEASE = _load()


def named(name: str) -> Chip:
    """The chip that esptool calls `name` ("ESP32-C3"). Trouble for one that is not in the table."""
    return _find(lambda chip: chip.name == name, f"this board has a chip {name}")


def of_image(number: int) -> Chip:
    """The chip with this id in an image's header. Trouble for one that is not in the table."""
    return _find(lambda chip: chip.image == number, f"the image is for a chip with id {number}")


def _find(right, found: str) -> Chip:
    for chip in CHIPS.values():
        if right(chip):
            return chip
    known = ", ".join(chip.name for chip in CHIPS.values())
    raise Trouble(f"{found}, which the node does not run on. It runs on {known}.")

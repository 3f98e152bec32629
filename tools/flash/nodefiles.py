"""The node as files, and the files as a LittleFS image that MicroPython mounts.

The image is as large as the partition: MicroPython takes the number of blocks from the partition
and refuses an image with another one. What is not used is written as erased flash, so nothing of
an earlier owner's files (a password, say) is left.
"""

from __future__ import annotations

import json

from littlefs import LittleFS, LittleFSError

from tools.deploy import Trouble
from tools.deploy.bundle import bundle

from .partitions import BLOCK, size_text

NO_SPACE = -28  # LittleFS's own code


def node(config: dict) -> dict[str, bytes]:
    """Path on the board -> content: what `make deploy` puts there, and this configuration."""
    return {**bundle(), "config.json": json.dumps(config, indent=1).encode()}


def littlefs(files: dict[str, bytes], size: int) -> bytes:
    """A LittleFS image of `size` bytes. Trouble if the files do not fit."""
    try:
        system = LittleFS(block_size=BLOCK, block_count=size // BLOCK)
        for name, content in files.items():
            if "/" in name:
                system.makedirs(name.rpartition("/")[0], exist_ok=True)
            with system.open(name, "wb") as file:
                file.write(content)
        system.unmount()
    except (LittleFSError, OSError) as error:
        if getattr(error, "code", None) != NO_SPACE and getattr(error, "errno", None) != 28:
            raise
        raise Trouble(
            f"the node ({len(files)} files, {sum(map(len, files.values())):,} bytes) does not fit "
            f"into the {size_text(size)} that this board has for files. Take a board with more "
            "flash, or a firmware with a smaller application partition."
        ) from None
    return bytes(system.context.buffer)


BLANK, KEPT, FOREIGN = "blank", "kept", "foreign"


def state(first_block: bytes, size: int) -> str:
    """What the first block of the partition says: BLANK (MicroPython makes a file system there),
    KEPT (a LittleFS of just this size), or FOREIGN, which MicroPython will call corrupt."""
    if first_block.count(0xFF) == len(first_block):
        return BLANK
    # The superblock's entry: the name at 8, then from 20 on version, block size, block count.
    if first_block[8:16] == b"littlefs":
        count = int.from_bytes(first_block[28:32], "little")
        return KEPT if count == size // BLOCK else FOREIGN
    return FOREIGN

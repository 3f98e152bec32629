"""The line is cut at every step of a flash: what is left is said, and a second run repairs it."""

import signal
import threading

import pytest
from esptool.loader import ESPLoader

from tests.support.flashboard import Board, firmware, flash, small_node
from tests.support.runtimes import ROOT
from tools.flash import nodefiles

MB = 1 << 20
IMAGE = firmware()
ON = ("--config", ROOT / "config.example.json", "--secrets", "file")
DATA_BLOCKS = 7  # of 16 KiB: the image's 160 KB less what is compressed away


@pytest.fixture(autouse=True)
def node(monkeypatch):
    small_node(monkeypatch)


@pytest.fixture
def one_try(monkeypatch):
    """esptool waits 7 s for a lost board to come back before it gives up."""
    monkeypatch.setattr(ESPLoader, "WRITE_FLASH_ATTEMPTS", 1)


def complete(board):
    """Firmware and files are on the board, byte by byte."""
    files = nodefiles.littlefs(nodefiles.node({}), 2 * MB)
    image = board.flash.data[0x1000 : 0x1000 + len(IMAGE)]
    # The firmware's own bytes but for the NVS in it, which is empty or not as the node wants it.
    same = image[:0x8000] == IMAGE[:0x8000] and image[0xE000:] == IMAGE[0xE000:]
    return same and board.flash.data[2 * MB :] == files


@pytest.mark.parametrize(
    ("command", "count", "says"),
    [
        ("SYNC", 1, "no ESP32 answers"),
        ("READ_REG", 1, "no ESP32 answers"),
        ("MEM_DATA", 1, "no ESP32 answers"),
        ("MEM_END", 1, "no ESP32 answers"),
        ("CHANGE_BAUDRATE", 1, "no ESP32 answers"),
        ("ERASE_FLASH", 1, "Not, or only in part: erasing, firmware, files."),
        ("SPI_FLASH_MD5", 1, "Done and verified: erasing. Not, or only in part: firmware, files."),
        ("FLASH_DEFL_BEGIN", 1, "Not, or only in part: firmware, files."),
        ("FLASH_DEFL_DATA", 1, "Not, or only in part: firmware, files."),
        ("FLASH_DEFL_DATA", 4, "Not, or only in part: firmware, files."),
        ("FLASH_DEFL_DATA", DATA_BLOCKS, "Not, or only in part: firmware, files."),
        ("FLASH_DEFL_END", 1, "Not, or only in part: firmware, files."),
        ("SPI_FLASH_MD5", 2, "Not, or only in part: firmware, files."),
        ("SPI_FLASH_MD5", 3, "Done and verified: erasing, firmware. Not, or only in part: files."),
        ("FLASH_DEFL_DATA", DATA_BLOCKS + 1, "erasing, firmware. Not, or only in part: files."),
        ("SPI_FLASH_MD5", 4, "erasing, firmware. Not, or only in part: files."),
    ],
)
def test_wherever_the_line_is_cut_it_says_what_is_left_and_a_second_run_repairs_it(
    one_try, command, count, says
):
    with Board() as board:
        board.cut_at(command, count)
        code, said = flash(board, IMAGE, *ON, "--erase")
        assert board.was_cut
        assert code == 1
        assert says in said
        assert ("run the same command again" in said) == (says[:2] != "no")
        assert complete(board) == ((command, count) == ("SPI_FLASH_MD5", 4))
        code, said = flash(board, IMAGE, *ON)
    assert code == 0, said
    assert complete(board)


def test_a_second_run_writes_only_what_is_not_there_yet(one_try):
    with Board() as board:
        board.cut_at("FLASH_DEFL_DATA", DATA_BLOCKS + 1)
        assert flash(board, IMAGE, *ON)[0] == 1
        before = board.flash.writes
        assert flash(board, IMAGE, *ON)[0] == 0
        assert board.flash.writes - before == 1  # the files; the firmware is found in place
        assert complete(board)


def test_a_plug_that_comes_back_at_once_is_not_even_noticed():
    with Board() as board:
        board.cut_at("FLASH_DEFL_DATA", 4)
        code, said = flash(board, IMAGE, *ON)
        assert board.was_cut
    assert code == 0, said
    assert complete(board)


def test_data_that_arrives_damaged_is_found_by_the_check_of_what_was_written():
    with Board() as board:
        put = board.flash._put

        def one_bit(offset, data):
            board.flash._put = put
            return put(offset, bytes([data[0] ^ 1]) + data[1:])

        board.flash._put = one_bit
        code, said = flash(board, IMAGE)
        assert code == 1
        assert "MD5 of file does not match data in flash" in said
        assert "Not, or only in part: boot loader, MicroPython." in said
        code, said = flash(board, IMAGE)
    assert code == 0, said


def test_ctrl_c_in_the_middle_says_what_is_left_too():
    with Board() as board:
        put = board.flash._put

        def press(offset, data):
            if board.flash.writes == 3:
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            return put(offset, data)

        board.flash._put = press
        code, said = flash(board, IMAGE, *ON)
        assert code == 1
        assert "broken off by Ctrl-C. Not, or only in part: firmware, files." in said
        board.flash._put = put
        code, said = flash(board, IMAGE, *ON)
    assert code == 0, said
    assert complete(board)

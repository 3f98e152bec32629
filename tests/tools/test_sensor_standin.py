"""The simulated DHT22, read on the Unix port as the node reads it: frames, values, faults."""

import pytest

from tests.tools.board import Running, eventually, run
from tools.sim.boardfile import load_series

READ = """
import machine, errno
buf = bytearray(5)
def read(pin=4):
    try:
        machine.dht_readinto(machine.Pin(pin), buf)
    except OSError as error:
        return 'timeout' if error.errno == errno.ETIMEDOUT else 'other'
    good = buf[0] + buf[1] + buf[2] + buf[3] & 255 == buf[4]
    t = (buf[2] & 127) << 8 | buf[3]
    return '%d %d' % (-t if buf[2] & 128 else t, buf[0] << 8 | buf[1]) if good else 'checksum'
"""


def text(row):
    return f"{row[0]} {row[1]}"


def reads(count, pin=4):
    return READ + f"for _ in range({count}): print(read({pin}))"


def test_every_read_takes_the_next_row_of_the_recorded_series(micropython, board):
    expected = [text(row) for row in load_series()[:12]]
    assert run(micropython, reads(12), board.path) == expected
    assert any(line.startswith("-") for line in expected), "the excerpt begins near zero"


def test_the_series_begins_again_at_its_end(micropython, board):
    series = load_series()
    board.series_start(len(series) - 1)
    assert run(micropython, reads(2), board.path) == [
        text(series[-1]),
        text(series[0]),
    ]


@pytest.mark.parametrize(
    ("temperature", "humidity", "frame"),
    [
        # 65.2 % and 35.1 degrees, and 65.2 % and -10.1: the examples of the AM2302 data sheet
        (351, 652, [0x02, 0x8C, 0x01, 0x5F, 0xEE]),
        (-101, 652, [0x02, 0x8C, 0x80, 0x65, 0x73]),
        (-1, 0, [0, 0, 0x80, 0x01, 0x81]),
        (-400, 1000, [0x03, 0xE8, 0x81, 0x90, 0xFC]),
    ],
)
def test_a_frame_is_sign_magnitude_with_a_byte_sum(
    micropython, board, temperature, humidity, frame
):
    board.override(4, temperature, humidity)
    script = READ + "read(); print(list(buf))"
    assert run(micropython, script, board.path) == [str(frame)]


def test_without_a_board_file_the_sensor_gives_its_default(micropython):
    assert run(micropython, reads(2)) == ["214 480", "214 480"]


def test_commanded_faults_last_as_many_reads_as_asked(micropython, board):
    series = load_series()
    board.sensor_fault(4, "timeout", reads=2)
    lines = run(micropython, reads(3), board.path)
    assert lines == ["timeout", "timeout", text(series[2])]
    board.sensor_fault(4, "checksum", reads=1)
    assert run(micropython, reads(2), board.path) == ["checksum", text(series[4])]


def test_a_fault_without_end_lasts_until_it_is_mended(micropython, board):
    script = READ + "while True: print(read())"
    with Running(micropython, script, board.path) as running:
        running.line()
        board.sensor_fault(4, "timeout")
        running.until("timeout")
        board.sensor_fault(4, "none")
        eventually(lambda: " " in running.line(), "a reading after mending")


def test_scheduled_faults_come_on_time(micropython, board):
    board.fault_schedule(timeout_every=3, checksum_every=4)
    kinds = [line if " " not in line else "good" for line in run(micropython, reads(8), board.path)]
    assert kinds == ["good", "good", "timeout", "checksum", "good", "timeout", "good", "checksum"]
    assert (board.reads(4), board.faults(4)) == (8, 4)


def test_sensors_on_two_pins_are_apart(micropython, board):
    board.override(5, temperature=-55)
    board.sensor_fault(4, "timeout", reads=1)
    lines = run(micropython, READ + "print(read(5)); print(read(4))", board.path)
    assert lines == [f"-55 {load_series()[0][1]}", "timeout"]
    assert board.last_frame(5)[0] == -55


def test_a_buffer_that_is_too_small_is_refused(micropython, board):
    script = READ + "buf = bytearray(4)\ntry:\n read()\nexcept ValueError as e: print(e)"
    assert run(micropython, script, board.path) == ["buffer too small"]


def test_a_read_holds_the_interpreter_as_long_as_told(micropython, board):
    board.dht_time(120)
    script = (
        READ
        + "import time\nt = time.ticks_ms(); read(); print(time.ticks_diff(time.ticks_ms(), t))"
    )
    assert 120 <= int(run(micropython, script, board.path)[0]) < 1000

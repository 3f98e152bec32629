"""What the suite takes for granted of its runtimes."""

import sys

import check


def test_lib_and_the_helpers_are_importable_and_nothing_else_of_the_host_is():
    for name in ("pytest", "paho", "iotcore", "tools"):
        check.raises(ImportError, __import__, name)


def test_a_runtime_is_either_cpython_or_micropython_with_small_ints_like_a_board_or_wider():
    check.true(sys.implementation.name in ("cpython", "micropython"))
    check.true(sys.maxsize >= 0x7FFFFFFF)

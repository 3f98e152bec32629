"""The clock: milliseconds as step() wants them, and waiting. An edge; pure code takes ``now``.

The same two names on MicroPython and on CPython. Neither allocates on MicroPython.
"""
# The stubs describe the board's clock, not CPython's.
# pyright: reportAttributeAccessIssue=false

import time

from mqtt._shim import const

_MASK = const(0x3FFFFFFF)

if hasattr(time, "ticks_ms"):
    sleep_ms = time.sleep_ms  # pyright: ignore[reportAssignmentType]

    def ticks_ms():
        """Milliseconds, 0..2^30-1, wrapping."""
        return time.ticks_ms() & _MASK  # pyright: ignore[reportOperatorIssue]

else:  # CPython

    def sleep_ms(ms):
        """Wait so many milliseconds."""
        time.sleep(ms / 1000)

    def ticks_ms():
        """Milliseconds, 0..2^30-1, wrapping."""
        return time.monotonic_ns() // 1000000 & _MASK


def elapsed(since):
    """Milliseconds since the ticks ``since``; true for six days, as all intervals here."""
    return (ticks_ms() - since) & _MASK

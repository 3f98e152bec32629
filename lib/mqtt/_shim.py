"""The one import shim: names MicroPython has and CPython lacks.

MicroPython folds ``_NAME = const(1)`` at compile time; on CPython it is a plain assignment.
Nothing else of lib/ may ask which runtime it is on.
"""

try:
    from micropython import const
except ImportError:  # CPython

    def const(value):
        return value


__all__ = ("const",)

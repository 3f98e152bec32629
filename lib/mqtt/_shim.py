"""The one import shim: names MicroPython has and CPython lacks.

MicroPython folds ``_NAME = const(1)`` at compile time; on CPython it is a plain assignment.
Nothing else of lib/ may ask which runtime it is on.
"""

try:
    from micropython import const  # pyright: ignore[reportAssignmentType]
except ImportError:  # CPython

    def const(expr):
        return expr


__all__ = ("const",)

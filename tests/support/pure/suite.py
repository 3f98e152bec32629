"""Run the test functions of one module; works alike on CPython and MicroPython.

Prints one marked line per event, which tests/support/runtimes.py reads back. A test fails by
raising anything; what it printed and its traceback stand between its own two marks.
"""

import sys

MARK = "@@suite"


def run(module, names):
    """Import `module` and run its functions `names`, in that order."""
    say("begin", module)
    try:
        tests = __import__(module)
    except BaseException as error:
        show(error)
        say("broken", module)
        return
    for name in names:
        say("start", name)
        try:
            getattr(tests, name)()
        except BaseException as error:
            show(error)
            say("failed", name)
        else:
            say("passed", name)
    say("end", module)


def say(event, name):
    # Starts on a line of its own, whatever the test printed last.
    print("\n" + MARK, event, name)


def show(error):
    if hasattr(sys, "print_exception"):
        sys.print_exception(error)
    else:
        import traceback

        traceback.print_exception(error, file=sys.stdout)

"""Comparisons for tests that run on every runtime: a failure says both values.

MicroPython's `assert` tells only the line; these tell what was there. `what` is a word for where.
"""


def eq(got, wanted, what=""):
    """Fail unless `got == wanted`."""
    if not got == wanted:
        fail("got %r, wanted %r" % (got, wanted), what)


def ne(got, other, what=""):
    """Fail if `got == other`."""
    if got == other:
        fail("got %r, wanted anything else" % (got,), what)


def true(value, what=""):
    """Fail unless `value` is true."""
    if not value:
        fail("got %r, wanted something true" % (value,), what)


def less(smaller, larger, what=""):
    """Fail unless `smaller < larger`."""
    if not smaller < larger:
        fail("%r is not below %r" % (smaller, larger), what)


def within(low, value, high, what=""):
    """Fail unless `low <= value <= high`."""
    if not low <= value <= high:
        fail("%r is not in %r..%r" % (value, low, high), what)


def raises(kind, call, *arguments):
    """Fail unless `call(*arguments)` raises `kind`; returns the exception's text."""
    try:
        result = call(*arguments)
    except kind as error:
        return str(error)
    return fail("no %s, but %r" % (kind.__name__, result), "")


def fail(text, what):
    raise AssertionError("%s: %s" % (what, text) if what else text)

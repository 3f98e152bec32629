"""Catches exceptions of code the node must outlive. Allocates only when one comes.

A `with` block instead of try/except, because the frame of a function with `except ... as error`
is so large that MicroPython takes it from the heap at every call.
"""


class Guard:
    """`with guard:` lets no Exception out; Ctrl-C passes. `count` of those caught; `error` is
    the last one, `name` its text; `caught` tells whether the last block ended with one."""

    def __init__(self):
        self.count = 0
        self.name = ""
        self.error = None
        self.caught = False

    def __enter__(self):
        pass

    def __exit__(self, kind, error, trace):
        self.caught = isinstance(error, Exception)
        if self.caught:
            self.count += 1
            self.error = error
            self.name = "%s %s" % (error.__class__.__name__, error)
        return self.caught

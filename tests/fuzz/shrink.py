"""Which inputs are worth committing: the shortest that still reach every pair of lines of lib/."""

import sys

from tests.fuzz.paths import ROOT, load

LIB = str(ROOT / "lib")


def chosen(target, seeds, others):
    """Of `others` (bytes), shortest first, those that go from one line to another as none before,
    the `seeds` included."""
    function = load().TARGETS[target]
    kept = []
    reached = set()
    for data in seeds:
        reached |= _pairs(function, data)
    for data in sorted(others, key=lambda data: (len(data), data)):
        pairs = _pairs(function, data) - reached
        if pairs:
            reached |= pairs
            kept.append(data)
    return kept


def _pairs(function, data):
    found = set()

    def local(frame, event, arg):
        nonlocal last
        if event == "line":
            here = frame.f_code, frame.f_lineno
            found.add((last, here))
            last = here
        return local

    def enter(frame, event, arg):
        return local if frame.f_code.co_filename.startswith(LIB) else None

    last = None
    sys.settrace(enter)
    try:
        function(data)
    finally:
        sys.settrace(None)
    return found

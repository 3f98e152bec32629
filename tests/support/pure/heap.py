"""Does a step allocate? Measured three ways; see `measure`.

Facts of MicroPython this rests on: under heap_lock() every allocation raises MemoryError, except
that frames quietly use the C stack and exceptions an emergency object; with the collector off,
gc.mem_alloc() grows by all that is allocated and kept or dropped; micropython.mem_total() (where
the build has it) also counts what was freed again and what the lock refused.
"""

import gc

try:
    import micropython

    MEASURED = hasattr(micropython, "heap_lock")
except ImportError:
    micropython = None
    MEASURED = False  # CPython: the steps run and are counted, memory is not looked at

HAS_TRAFFIC = MEASURED and hasattr(micropython, "mem_total")
WARM_UP = 3


class Report:
    """Of one `measure`. All 0 means: nothing was allocated and nothing was swallowed.

    refused   locked steps that raised, or under which `counts` or the traffic moved
    grown     bytes by which the heap grew over the unlocked steps
    traffic   bytes asked for in the unlocked steps, freed ones included; 0 where not counted
    swallowed by how much `counts` moved over all steps
    """

    def __init__(self):
        self.refused = 0
        self.grown = 0
        self.traffic = 0
        self.swallowed = 0
        self.error = None  # the first exception of a locked step

    def clean(self):
        return not (self.refused or self.grown or self.traffic or self.swallowed)

    def __repr__(self):
        return "<refused %d, grown %d bytes, traffic %d bytes, swallowed %d, first error %r>" % (
            self.refused,
            self.grown,
            self.traffic,
            self.swallowed,
            self.error,
        )


def measure(step, times, counts, before=None):
    """Run `step()` `times` times under the lock, then as often with the collector off.

    `counts()` gives an int that moves when the code under test has caught an exception: under the
    lock a swallowed MemoryError shows nowhere else on builds without mem_total. It must not
    allocate. `before()` is the world's turn ahead of each step, and is not measured. Returns a
    Report; on CPython the steps run as often, and only `swallowed` can be other than 0.
    """
    report = Report()
    run = Run(step, counts)
    for _ in range(WARM_UP):
        if before:
            before()
        step()
        counts()
    first = counts()
    for _ in range(times):
        if before:
            before()
        run.locked(report)
    for _ in range(times):
        if before:
            before()
        run.open(report)
    report.swallowed = counts() - first
    return report


class Run:
    """One step, measured one way or the other. Made beforehand: its attributes cost nothing."""

    def __init__(self, step, counts):
        self._step = step
        self._counts = counts
        self._error = None
        self._seen = self._heap = self._total = 0

    def locked(self, report):
        gc.collect()
        self._error = None
        self._seen = self._counts()
        self._total = mem_total()
        if MEASURED:
            micropython.heap_lock()
        try:
            self._step()
        except BaseException as error:
            self._error = error
        if MEASURED:
            micropython.heap_unlock()
        moved = mem_total() != self._total or self._counts() != self._seen
        if moved or self._error is not None:
            report.refused += 1
            report.error = report.error or self._error

    def open(self, report):
        gc.collect()
        gc.disable()
        self._heap = mem_alloc()
        self._total = mem_total()
        self._step()
        self._total = mem_total() - self._total
        self._heap = mem_alloc() - self._heap
        gc.enable()
        report.traffic += self._total
        report.grown += self._heap


def mem_alloc():
    return gc.mem_alloc() if MEASURED else 0


def mem_total():
    return micropython.mem_total() if HAS_TRAFFIC else 0

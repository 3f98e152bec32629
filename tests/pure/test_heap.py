"""The heap measure catches what it is there to catch, by each means the build has."""

import heap
from check import eq, less, true


class Suspect:
    """A step that may allocate, and may swallow what that raises."""

    def __init__(self, swallow=False):
        self.errors = 0
        self.runs = 0
        self.slot = 0
        self.buf = bytearray(8)
        self.swallow = swallow

    def counts(self):
        return self.errors

    def still(self):
        self.runs += 1
        self.buf[self.runs & 7] = self.runs & 255

    def leak(self):
        self.runs += 1
        if not self.swallow:
            self.slot = bytearray(64)
            return
        try:
            self.slot = bytearray(64)
        except MemoryError:
            self.errors += 1

    def hide(self):
        # the worst case: swallowed, and not even counted
        self.runs += 1
        try:
            self.slot = bytearray(64)
        except MemoryError:
            pass

    def raise_within(self):
        self.runs += 1
        try:
            raise ValueError("fresh")
        except ValueError:
            pass

    def large_frame(self):
        self.runs += 1
        many(1, 2, 3, 4)

    def big_int(self):
        self.runs += 1
        self.slot = (1 << 29) + (self.runs | (1 << 29))


def many(a, b, c, d):
    e = a + b
    f = e + c
    g = f + d
    h = g + e
    i = h + f
    j = i + g
    k = j + h
    return a + b + c + d + e + f + g + h + i + j + k


def measured(suspect, step):
    report = heap.measure(step, 20, suspect.counts)
    eq(suspect.runs, 20 + 20 + heap.WARM_UP, "every step ran")
    return report


def test_a_step_that_allocates_nothing_is_clean():
    suspect = Suspect()
    report = measured(suspect, suspect.still)
    true(report.clean(), "%r" % report)


def test_an_allocating_step_is_caught_by_every_measure():
    suspect = Suspect()
    report = measured(suspect, suspect.leak)
    if not heap.MEASURED:
        return
    eq(report.refused, 20)
    true(isinstance(report.error, MemoryError))
    less(20 * 64 - 1, report.grown)
    if heap.HAS_TRAFFIC:
        less(20 * 64 - 1, report.traffic)


def test_a_swallowed_memory_error_is_caught_by_every_measure():
    suspect = Suspect(swallow=True)
    report = measured(suspect, suspect.leak)
    if not heap.MEASURED:
        return
    eq((report.refused, report.swallowed), (20, 20))
    less(20 * 64 - 1, report.grown)
    if heap.HAS_TRAFFIC:
        less(20 * 64 - 1, report.traffic)


def test_even_one_that_is_swallowed_and_not_counted_is_caught():
    suspect = Suspect()
    report = measured(suspect, suspect.hide)
    if not heap.MEASURED:
        return
    less(20 * 64 - 1, report.grown)
    if heap.HAS_TRAFFIC:
        eq(report.refused, 20)
        less(20 * 64 - 1, report.traffic)


def test_an_exception_raised_and_caught_is_seen_though_the_lock_lets_it_pass():
    suspect = Suspect()
    report = measured(suspect, suspect.raise_within)
    if heap.MEASURED:
        less(0, report.grown)


def test_a_large_frame_is_seen_where_frames_live_on_the_heap():
    suspect = Suspect()
    report = measured(suspect, suspect.large_frame)
    if heap.HAS_TRAFFIC:
        less(0, report.traffic)


def test_an_int_beyond_2_to_the_30_is_seen_on_the_32_bit_build():
    import sys

    suspect = Suspect()
    report = measured(suspect, suspect.big_int)
    if heap.MEASURED and sys.maxsize == 0x7FFFFFFF:
        eq(report.refused, 20)
        less(0, report.grown)


def test_the_worlds_turn_is_not_measured():
    suspect = Suspect()
    litter = []
    report = heap.measure(suspect.still, 10, suspect.counts, lambda: litter.append(bytearray(100)))
    true(report.clean(), "%r" % report)
    eq(len(litter), 20 + heap.WARM_UP)

"""The input as choices, and what the calls under test took from the heap."""

import heap

LONGEST = 4096  # bytes of input that are looked at


class Meter:
    """Adds up what the heap grows by between on() and off(), and, where the build counts it, all
    that was asked for, freed again or not. Allocates nothing itself."""

    def __init__(self):
        self.grown = self.traffic = 0
        self._was = self._total = 0

    def on(self):
        self._was = heap.mem_alloc()
        self._total = heap.mem_total()

    def off(self):
        self.traffic += heap.mem_total() - self._total
        self.grown += heap.mem_alloc() - self._was


METER = Meter()


class Tape:
    """The input as a source of choices; at its end all of them are 0."""

    def __init__(self, data):
        self.data = bytes(data[:LONGEST])
        self.at = 0

    def more(self):
        return self.at < len(self.data)

    def byte(self):
        self.at += 1
        return self.data[self.at - 1] if self.at <= len(self.data) else 0

    def pick(self, choices):
        return choices[self.byte() % len(choices)]

    def take(self, n):
        self.at += n
        return self.data[self.at - n : self.at]

    def rest(self):
        return self.take(len(self.data))

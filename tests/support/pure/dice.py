"""Random numbers that are the same on every runtime: a story that fails can be told again."""


class Dice:
    """A small linear generator; all its numbers stay below 2^30."""

    def __init__(self, seed):
        self._state = seed * 7919 % 1000003 + 1
        for _ in range(8):
            self.below(2)

    def below(self, n):
        """0..n-1."""
        self._state = (self._state * 1009 + 12347) % 1000003
        return self._state // 7 % n

    def chance(self, percent):
        """True in so many of a hundred cases."""
        return self.below(100) < percent

    def pick(self, choices):
        """One of a sequence."""
        return choices[self.below(len(choices))]

"""The one source of chance of a run: what it draws decides everything, on every runtime alike."""

_MASK = 0xFFFFFFFF


class Chance:
    """A 32-bit xorshift generator (period 2^32 - 1)."""

    def __init__(self, seed):
        self._s = (seed * 2654435761 + 0x9E3779B9) & _MASK or 1
        for _ in range(8):
            self.below(2)

    def below(self, n):
        """0..n-1."""
        s = self._s
        s ^= s << 13 & _MASK
        s ^= s >> 17
        s ^= s << 5 & _MASK
        self._s = s
        return s % n

    def between(self, low, high):
        """low..high, both included."""
        return low + self.below(high - low + 1)

    def percent(self, p):
        """True in p of a hundred cases."""
        return self.below(100) < p

    def pick(self, choices):
        """One of a sequence."""
        return choices[self.below(len(choices))]

    def bits(self, n):
        """As random.getrandbits, n up to 30."""
        return self.below(1 << n)

    def shuffle(self, items):
        """Bring a list into another order, in place."""
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]

"""Reads how much of a `.mpy` (format 6) is bytecode, which is what its functions take of a heap."""

_FIXED = range(1, 5)  # kinds of constants that have nothing after the kind: None, False, ...
_STRINGS = (5, 6)  # text and bytes end with a NUL
_TUPLE = 10


class _Reader:
    def __init__(self, data):
        self.data = data
        self.at = 4  # behind magic, version, flags, bits of a small int

    def number(self):
        value = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value = value << 7 | byte & 127
            if byte < 128:
                return value

    def names(self, count):
        for _ in range(count):
            size = self.number()
            if not size & 1:  # odd: one that every firmware has
                self.at += (size >> 1) + 1

    def constant(self):
        kind = self.data[self.at]
        self.at += 1
        if kind in _FIXED:
            return
        size = self.number()
        if kind == _TUPLE:
            for _ in range(size):
                self.constant()
        else:
            self.at += size + (kind in _STRINGS)

    def functions(self):
        """(how many, bytes) of the function that begins here and of those within it."""
        head = self.number()
        count, size = 1, head >> 3
        self.at += size
        if head & 4:
            for _ in range(self.number()):
                more, bytes_ = self.functions()
                count += more
                size += bytes_
        return count, size


def bytecode(data):
    """(functions, bytes of their code) in the `.mpy`; the module's own code is one of them."""
    reader = _Reader(data)
    names, constants = reader.number(), reader.number()
    reader.names(names)
    for _ in range(constants):
        reader.constant()
    found = reader.functions()
    if reader.at != len(data):
        raise ValueError(f"{len(data) - reader.at} bytes behind the code: not the format of 1.23")
    return found

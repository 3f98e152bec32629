"""What some of the clients want of a board at import: an id and a clock. Nothing of it is timed."""


def unique_id():
    return b"\x01\x02\x03\x04"


class RTC:
    def datetime(self):
        return (2026, 1, 1, 4, 0, 0, 0, 0)

"""Which GPIO numbers can be used on which chip. Only needed while the configuration is checked.

From the data sheets (GPIO, flash and input-only pins): ESP32 v4.x table 2-3, S2, S3, C3, C6, C2.
A wrong flash pin crashes the chip at once, so these are refused before any pin is touched.
"""

# chip, highest number, absent, used by the flash, input only
_CHIPS = """\
ESP32 39 20,24,28-31 6-11 34-39
ESP32S2 46 22-25 26-32 46
ESP32S3 48 22-25 26-32 -
ESP32C2 20 - 12-17 -
ESP32C3 21 - 12-17 -
ESP32C6 30 - 24-30 -"""


def pin_problem(chip, pin, output):
    """Why `pin` cannot be used, or "". Unknown chips are taken for the first ESP32. Set-up."""
    name, highest, absent, flash, input_only = _row(chip)
    if type(pin) is not int:
        return "must be a GPIO number, without quotes"
    if not 0 <= pin <= int(highest) or _among(pin, absent):
        return "%s has no such pin; use 0..%s" % (name, highest)
    if _among(pin, flash):
        return "the flash memory uses this pin on %s; use another" % name
    if output and _among(pin, input_only):
        return "this pin of %s can only be an input; use another" % name
    return ""


def _row(chip):
    rows = [line.split() for line in _CHIPS.split("\n")]
    for row in rows:
        if row[0] == chip:
            return row
    return rows[0]


def _among(pin, ranges):
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        if first and int(first) <= pin <= int(last or first):
            return True
    return False

"""Which GPIO numbers can be used on which chip. Only needed while the configuration is checked.

From the data sheets (GPIO, flash and input-only pins): ESP32 v4.x table 2-3, S2, S3, C3, C6, C2.
A wrong flash pin crashes the chip at once, so these are refused before any pin is touched.
"""

# chip: (highest number, absent, used by the flash, input only)
_CHIPS = {
    "ESP32": (39, (20, 24, 28, 29, 30, 31), (6, 7, 8, 9, 10, 11), (34, 35, 36, 37, 38, 39)),
    "ESP32S2": (46, (22, 23, 24, 25), (26, 27, 28, 29, 30, 31, 32), (46,)),
    "ESP32S3": (48, (22, 23, 24, 25), (26, 27, 28, 29, 30, 31, 32), ()),
    "ESP32C2": (20, (), (12, 13, 14, 15, 16, 17), ()),
    "ESP32C3": (21, (), (12, 13, 14, 15, 16, 17), ()),
    "ESP32C6": (30, (), (24, 25, 26, 27, 28, 29, 30), ()),
}


def pin_problem(chip, pin, output):
    """Why `pin` cannot be used, or "". Unknown chips are taken for the first ESP32."""
    if chip not in _CHIPS:
        chip = "ESP32"
    highest, absent, flash, input_only = _CHIPS[chip]
    if type(pin) is not int:
        return "must be a GPIO number, without quotes"
    if not 0 <= pin <= highest or pin in absent:
        return "%s has no such pin; use 0..%d" % (chip, highest)
    if pin in flash:
        return "the flash memory uses this pin on %s; use another" % chip
    if output and pin in input_only:
        return "this pin of %s can only be an input; use another" % chip
    return ""

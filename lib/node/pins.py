"""Which GPIO numbers can be used on which chip. Only needed while the configuration is checked.

Sources: the data sheets of Espressif, for each chip its chapters on the restrictions of GPIOs
("Pins") and on strapping pins ("Boot Configurations", in older issues "Strapping Pins"); the "GPIO
Summary" of ESP-IDF's programming guide says the same in one table. Which pins MicroPython keeps for
the USB plug: ports/esp32/machine_pin.h. docs/hardware.md tells what follows for the wiring.

A pin of the flash crashes the chip at once, and machine.Pin() raises for one that MicroPython
keeps, so these are refused before any pin is touched. What may work with the right wiring is not.
"""

# chip, highest number, absent, used by the flash, by USB, input only; then those that only ask for
# care: read at reset (the BOOT button's first), used by the console.
_CHIPS = """\
ESP32 39 20,24,28-31 6-11 - 34-39 0,2,5,12,15 1,3
ESP32S2 46 22-25 26-32 - 46 0,45-46 19-20,43-44
ESP32S3 48 22-25 26-32 - - 0,3,45-46 19-20,43-44
ESP32C2 20 - 12-17 - - 9,8 19-20
ESP32C3 21 - 12-17 18-19 - 9,2,8 20-21
ESP32C6 30 - 24-30 12-13 - 9,4-5,8,15 16-17"""


def pin_problem(chip, pin, output):
    """Why `pin` cannot be used, or "". `output`: it is driven, if only at times. Unknown chips are
    taken for the first ESP32. Set-up."""
    name, highest, absent, flash, usb, input_only = _row(chip)[:6]
    if type(pin) is not int:
        return "must be a GPIO number, without quotes"
    if not 0 <= pin <= int(highest) or _among(pin, absent):
        return "%s has no such pin; use 0..%s" % (name, highest)
    if _among(pin, flash):
        return "the flash memory uses this pin on %s; use another" % name
    if _among(pin, usb):
        return "the USB plug uses this pin on %s; use another" % name
    if output and _among(pin, input_only):
        return "this pin of %s can only be an input; use another" % name
    return ""


def pin_caution(chip, pin):
    """What to mind with a `pin` that can be used, or "". For the tools that write a configuration:
    the node does not ask. Set-up."""
    row = _row(chip)
    if _among(pin, row[6]):
        return (
            row[0] + " reads this pin at reset, and what is wired to it can keep it from starting"
        )
    if _among(pin, row[7]):
        return (
            "the console of " + row[0] + " (serial or USB) uses this pin, and talks at every start"
        )
    return ""


def button_of(chip):
    """The GPIO of the BOOT button. Set-up."""
    return int(_row(chip)[6].split(",")[0])


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

"""lib/node/pins.py: which GPIO can be used on which chip, and which ask for care."""

from check import eq, true
from node.config import check
from node.pins import button_of, pin_caution, pin_problem
from node.safe import relays
from nodefakes import Board, example

# chip: free for a relay and a sensor; flash; USB; absent; inputs only; read at reset; console
CHIPS = {
    "ESP32": ((4, 16, 17, 33), range(6, 12), (), (20, 24, 28, 31, 40), range(34, 40),
              (0, 2, 5, 12, 15), (1, 3)),
    "ESP32S2": ((1, 4, 18, 33, 42), range(26, 33), (), (22, 25, 47), (46,), (0, 45, 46), (19, 43)),
    "ESP32S3": ((1, 4, 18, 33, 48), range(26, 33), (), (22, 25, 49), (), (0, 3, 45, 46), (20, 44)),
    "ESP32C3": ((0, 1, 3, 10), range(12, 18), (18, 19), (22,), (), (2, 8, 9), (20, 21)),
    "ESP32C6": ((0, 1, 11, 14, 23), range(24, 31), (12, 13), (31,), (), (4, 5, 8, 9, 15), (16, 17)),
}  # fmt: skip


def refused(chip, pins, word):
    for pin in pins:
        true(word in pin_problem(chip, pin, True), "%s %d" % (chip, pin))


def test_pins_that_cannot_work_on_the_chip_are_refused_with_the_reason():
    for chip, (_, flash, usb, absent, inputs, _, _) in CHIPS.items():
        refused(chip, flash, "the flash memory uses this pin on %s" % chip)
        refused(chip, usb, "the USB plug uses this pin on %s" % chip)
        refused(chip, absent, "%s has no such pin" % chip)
        refused(chip, inputs, "can only be an input")
        refused(chip, (-1,), "no such pin")


def test_free_pins_are_taken_without_a_word():
    for chip, (free, *_) in CHIPS.items():
        for pin in free:
            eq((pin_problem(chip, pin, True), pin_caution(chip, pin)), ("", ""), chip)


def test_an_input_only_pin_may_be_read():
    for chip, (_, _, _, _, inputs, _, _) in CHIPS.items():
        for pin in inputs:
            eq(pin_problem(chip, pin, False), "")


def test_pins_that_ask_for_care_are_taken_with_a_word_of_caution():
    for chip, (_, _, _, _, inputs, strapping, console) in CHIPS.items():
        for pin in strapping:
            true("%s reads this pin at reset" % chip in pin_caution(chip, pin))
        for pin in console:
            true("console of %s" % chip in pin_caution(chip, pin))
        for pin in strapping + console:
            eq(pin_problem(chip, pin, pin not in inputs), "")


def test_the_boot_button_is_where_the_boot_loader_of_the_chip_looks():
    eq([button_of(chip) for chip in ("ESP32", "ESP32S2", "ESP32S3")], [0, 0, 0])
    eq([button_of(chip) for chip in ("ESP32C2", "ESP32C3", "ESP32C6")], [9, 9, 9])


def test_what_is_no_number_is_refused_on_any_chip():
    for chip in CHIPS:
        for pin in ("4", None, True, [4]):
            true("GPIO number" in pin_problem(chip, pin, False))


def test_a_chip_without_a_row_is_taken_for_the_first_one():
    true("flash" in pin_problem("some future chip", 6, False))


class Keeping(Board):
    """A board whose firmware keeps pin 16 for its PSRAM."""

    def takes(self, pin):
        return pin != 16

    def output(self, pin, level):
        if pin == 16:
            raise ValueError("invalid pin")
        return Board.output(self, pin, level)


def test_a_pin_that_the_firmware_keeps_costs_its_device_only():
    board = Keeping()
    config = check(example(), board)
    eq(len(config["problems"]), 1)
    true(config["problems"][0].startswith("devices[1].pin: 16; this board's firmware keeps"))
    eq([entry["name"] for entry in config["devices"]], ["air", "pump"])
    eq(relays(board, example()), 1)
    eq(sorted(board.pins), [17])


def test_relays_and_sensors_alike_are_refused_on_a_pin_that_is_only_an_input():
    # The start signal of a DHT22 is given by the board: it pulls the line low.
    for device in (0, 1):
        data = example()
        data["devices"][device]["pin"] = 34
        problems = check(data, Board())["problems"]
        eq(len(problems), 1)
        true(problems[0].startswith("devices[%d].pin: 34; this pin of ESP32 can only" % device))

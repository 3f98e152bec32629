"""The small parts of lib/node: clock, JSON writer, log, guard, pins."""

from check import eq, raises, true
from node.clock import Clock, later, since
from node.guard import Guard
from node.jsonout import Writer
from node.log import Log
from node.pins import pin_problem

MASK = (1 << 30) - 1


def test_time_differences_are_right_across_the_wrap():
    eq(since(5, MASK - 4), 10)
    eq(since(MASK - 4, 5), -10)
    eq(later(MASK - 4, 10), 5)
    eq(later(0, 0), 0)
    eq(later(MASK, 0), MASK)
    eq(since(later(MASK - 100, 535680000), MASK - 100), 535680000)


def test_seconds_are_counted_without_drift_across_the_wrap():
    start = MASK - 1234
    clock = Clock(start)
    passed = 0
    for ms in (999, 1, 350, 649, 1, 5000, 7) * 40:
        passed += ms
        clock.advance((start + passed) & MASK)
        eq(clock.seconds, passed // 1000)


def write(template, *values):
    out = Writer()
    buf = bytearray(b"." * 40)
    out.open(buf, 3)
    out.fill(template, values)
    eq(bytes(buf[:3]), b"...")
    eq(out.overflow, 0)
    return bytes(buf[3 : out.at])


def test_integers_are_written_in_place():
    for value in (0, 1, 9, 10, 99, 100, 12345, MASK, -1, -10, -MASK):
        eq(write(b"\x01", value), str(value).encode())
    eq(write(b"\x01", None), b"null")


def test_tenths_keep_their_sign_below_one():
    for value, text in ((0, "0.0"), (5, "0.5"), (-5, "-0.5"), (214, "21.4"), (-400, "-40.0")):
        eq(write(b"\x02", value), text.encode())


def test_a_template_takes_its_values_in_order():
    template = b'{"a":\x01,"b":\x02,"c":\x01}'
    eq(write(template, 7, -5, None), b'{"a":7,"b":-0.5,"c":null}')


def test_text_that_does_not_fit_is_cut_and_counted():
    out = Writer()
    buf = bytearray(4)
    out.open(buf, 1)
    out.text(b"abcdef")
    eq(bytes(buf), b"\x00abc")
    eq(out.at, 4)
    eq(out.overflow, 3)


class Seconds:
    seconds = 0


def test_a_log_line_has_uptime_level_and_source():
    said = []
    clock = Seconds()
    clock.seconds = 12
    log = Log(clock, said.append)
    log.say("W", "wifi", "next try in ", 4, " s")
    eq("".join(str(piece) for piece in said), "12 W wifi: next try in 4 s\n")


def test_a_flood_of_lines_is_cut_and_the_cut_is_told():
    said = []
    clock = Seconds()
    log = Log(clock, said.append)
    for _ in range(100):
        log.say("I", "x", "line")
    eq(said.count("line"), 20)
    eq(log.left_out, 80)
    clock.seconds = 3
    for _ in range(10):
        log.say("I", "x", "late")
    eq(said.count("late"), 3)  # one a second
    eq(said[said.index(80) + 1], " lines left out\n")
    eq(log.left_out, 7)


def test_a_guard_counts_and_names_what_it_caught():
    guard = Guard()
    with guard:
        raise ValueError("seven")
    eq((guard.caught, guard.count, guard.name), (True, 1, "ValueError seven"))
    with guard:
        pass
    eq((guard.caught, guard.count), (False, 1))


def test_a_guard_lets_the_keyboard_through():
    def stop():
        with Guard():
            raise KeyboardInterrupt

    raises(KeyboardInterrupt, stop)


def test_pins_that_would_crash_or_cannot_drive_are_refused():
    true("flash" in pin_problem("ESP32", 6, False))
    true("only be an input" in pin_problem("ESP32", 34, True))
    eq(pin_problem("ESP32", 34, False), "")
    true("no such pin" in pin_problem("ESP32", 24, False))
    true("no such pin" in pin_problem("ESP32", 40, False))
    true("no such pin" in pin_problem("ESP32", -1, False))
    true("flash" in pin_problem("ESP32S3", 27, True))
    eq(pin_problem("ESP32S3", 6, True), "")
    true("flash" in pin_problem("ESP32C3", 12, True))
    true("number" in pin_problem("ESP32", "4", False))
    true("number" in pin_problem("ESP32", True, False))
    true("flash" in pin_problem("some future chip", 6, False))

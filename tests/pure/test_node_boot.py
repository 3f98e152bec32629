"""node.boot and node.kept: what counts as a crash, when a board starts in safe mode, and that the
relays are safe before anything else is done."""

import json

from check import eq, true
from node.boot import decide, program
from node.kept import ended, failed, load, note, number, text
from nodefakes import Bench, Board, example

# Where node.kept has them: one version finds what another left.
MARK, ROW, BOOTS, CRASHES = 3, 4, 5, 7

PATH = "boot-config.json"


def write(data):
    with open(PATH, "w") as file:
        file.write(data if isinstance(data, str) else json.dumps(data))


def powered(data=None):
    """A board whose power has just come on."""
    write(example() if data is None else data)
    return Board()


def start(board, cause="power-on", whole=True):
    """A start for this cause; a whole one runs main.py too. True for safe mode."""
    board.cause = cause
    board.pins = {}
    board.calls = []
    safe = decide(board, PATH)
    if whole:
        program(board)
    return safe


def told(board):
    kept = load(board)
    return kept[ROW], number(kept, BOOTS), number(kept, CRASHES)


def raised():
    try:
        return {}["not there"]
    except KeyError as error:
        return error


def test_three_crashes_in_a_row_lead_to_safe_mode_whatever_they_were():
    for cause, crash in (
        ("hard", lambda board: failed(board, raised())),
        ("soft", lambda board: failed(board, raised())),
        ("watchdog", lambda board: None),
        ("hard", lambda board: None),
        ("watchdog", lambda board: note(board, raised())),
    ):
        board = powered()
        eq(start(board), False)
        for count in range(1, 3):
            crash(board)
            eq((start(board, cause), told(board)), (False, (count, count + 1, count)))
        crash(board)
        eq((start(board, cause), told(board)), (True, (3, 4, 3)))
        eq(start(board, "hard"), True, "a restart in safe mode does not leave it")
        eq(told(board), (3, 5, 3))


def test_deployments_commands_and_resets_by_hand_are_no_crashes():
    board = powered()
    for _ in range(5):
        start(board, "hard")
        ended(board)  # Ctrl-C, or a reboot command
        start(board, "soft", whole=False)  # deploying runs boot.py alone, then resets
        start(board, "hard", whole=False)
        start(board, "watchdog", whole=False)  # a deployment that was given up
    for cause in ("soft", "deep-sleep", "unknown"):
        start(board, cause)
        start(board, cause)
    eq(told(board), (0, 26, 0))


def test_what_the_memory_holds_when_the_power_comes_on_counts_for_nothing():
    board = powered()
    start(board)
    for _ in range(3):
        start(board, "watchdog")
    eq(told(board), (3, 4, 3))
    eq((start(board, "power-on"), told(board), text(load(board))), (False, (0, 1, 0), b""))


def test_a_run_that_is_ended_by_hand_breaks_the_row():
    board = powered()
    start(board)
    for _ in range(2):
        start(board, "watchdog")
    eq(told(board)[0], 2)
    ended(board)
    start(board, "hard")
    eq(told(board), (0, 4, 2))


def test_a_minute_of_health_ends_the_row_and_keeps_the_rest():
    bench = Bench()
    board = bench.board
    start(board)
    start(board, "watchdog")
    node = Bench(board=board).node
    eq(told(board), (1, 2, 1))
    report = text(load(board))
    for _ in range(595):
        board.now = (board.now + 100) & 0x3FFFFFFF
        node.step(board.now)
    eq(told(board), (1, 2, 1))
    for _ in range(12):
        board.now = (board.now + 100) & 0x3FFFFFFF
        node.step(board.now)
    eq(told(board), (0, 2, 1))
    eq(text(load(board)), report)
    true(report)
    start(board, "watchdog")
    eq(told(board), (1, 3, 2), "the mark of the run is still there")


def test_the_report_holds_the_last_lines_of_the_exception_and_is_published_once_connected():
    board = powered()
    start(board)
    failed(board, raised())
    start(board, "hard")
    bench = Bench(board=board).connect()
    said = bench.said("crash")
    eq(len(said), 1)
    report = json.loads(said[0])
    eq((report["boot"], report["reset"]), (1, "hard"))
    true("KeyError" in report["error"] and "not there" in report["error"], report)
    bench.run(1000)
    health = json.loads(bench.said("health")[-1])
    eq((health["boots"], health["crashes"], health["reset"]), (2, 1, "hard"))


def test_a_hang_is_told_as_one_and_the_last_fault_of_a_step_with_it():
    board = powered()
    start(board)
    start(board, "watchdog")
    report = json.loads(text(load(board)))
    true("hung" in report["error"], report)
    eq((report["boot"], report["reset"]), (1, "watchdog"))
    note(board, raised())
    start(board, "watchdog")
    report = json.loads(text(load(board)))
    true("KeyError" in report["error"] and report["boot"] == 2, report)
    note(board, raised())
    start(board, "soft")
    eq((text(load(board)), told(board)[2]), (b"", 2), "ended by somebody: no crash, no report")


def test_a_report_is_bounded_and_json_whatever_the_text():
    for text_of in ("x" * 3000, '"\\' * 400, "\x01" * 400, "ß" * 400, ""):
        board = powered()
        start(board)
        failed(board, ValueError(text_of))
        start(board, "hard")
        report = text(load(board))
        true(len(report) <= 400, len(report))
        eq(sorted(json.loads(report)), ["boot", "error", "reset"])


def test_memory_of_others_or_cut_short_begins_at_zero():
    for junk in (b"", b"SN1", b"hello, this is not ours", bytes(64), b"\xff" * 64):
        board = powered()
        board.memory(junk)
        eq(start(board, "watchdog"), False)
        eq(told(board), (0, 1, 0))


def test_relays_get_their_safe_level_before_wifi_and_watchdog():
    board = powered()
    start(board)
    eq({pin: bool(board.pins[pin].level) for pin in board.pins}, {16: False, 17: True})
    eq(board.calls, ["held", "output", "output"])
    Bench(board=board)
    eq(board.calls.index("output"), 1)
    true(board.calls.index("wlan") > 2 and board.calls.index("watchdog") > 2, board.calls)


def test_safe_mode_touches_no_relay():
    board = powered()
    start(board)
    for _ in range(3):
        start(board, "watchdog")
    eq((board.pins, board.calls), ({}, []))


def test_a_held_button_means_safe_mode_for_this_start():
    board = powered()
    board.pressed = (0,)
    eq((start(board), board.pins, board.calls), (True, {}, ["held"]))
    eq(load(board)[MARK], 5)
    board.pressed = ()
    eq((start(board, "hard"), sorted(board.pins)), (False, [16, 17]))


def test_the_button_is_where_the_chip_has_it_or_where_the_configuration_says():
    for chip, wanted, pressed, safe in (
        ("ESP32", {}, 0, True),
        ("ESP32C3", {}, 0, False),
        ("ESP32C3", {}, 9, True),
        ("ESP32", {"button": 21}, 21, True),
        ("ESP32", {"button": 21}, 0, False),
        ("ESP32", {"button": None}, 0, False),
        ("ESP32", {"button": 6}, 6, False),  # the flash's
        ("ESP32", {"button": "0"}, 0, False),
        ("ESP32", {"button": 16}, 16, False),  # a relay's
        ("ESP32", [], 0, True),
    ):
        data = example()
        data["safe_mode"] = wanted
        board = powered(data)
        board.chip = chip
        board.pressed = (pressed,)
        eq(start(board), safe, (chip, wanted, pressed))


def test_the_number_of_crashes_is_configured():
    for wanted, crashes in ((1, 1), (5, 5), (0, 3), ("1", 3), (None, 3), (101, 3), (True, 3)):
        data = example()
        data["safe_mode"] = {"crashes": wanted}
        board = powered(data)
        start(board)
        for _ in range(crashes - 1):
            eq(start(board, "watchdog"), False, wanted)
        eq(start(board, "watchdog"), True, wanted)


def test_a_file_of_no_use_does_not_stop_the_decision():
    for data in ("", "[]", '{"safe_mode": 1, "devices": {"a": 1}}', '{"devices": [1, null]}'):
        board = powered(data)
        eq((start(board), board.pins), (False, {}), data)
        for _ in range(3):
            start(board, "watchdog")
        eq(told(board)[0], 3)
        board.pressed = (0,)
        ended(board)
        eq(start(board, "hard"), True)

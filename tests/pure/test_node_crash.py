"""The last crash in health, of the node and of its safe mode: where, type and message, bounded."""

import json

from check import eq, raises, true
from node.boot import decide, program
from node.kept import brief, failed, load, note, text, told
from node.start import start
from nodefakes import Bench, Board, example

PATH = "crash-config.json"
TEXT = 9  # where node.kept has the text
FRAMES = (
    'Traceback (most recent call last):\n  File "lib/node/app.py", line 33, in run\n'
    '  File "lib/node/devices/pump.py", line 7, in tick\n'
)


def board_after(crash, cause="hard"):
    """A board that has started again after crash(board), which ends a run."""
    with open(PATH, "w") as file:
        file.write(json.dumps(example()))
    board = Board()
    decide(board, PATH)
    program(board)
    crash(board)
    board.cause = cause
    decide(board, PATH)
    return board


def printed(lines):
    """A crash by an exception that the interpreter prints so."""

    def crash(board):
        kept = load(board)
        kept[3] = 2
        board.memory(kept[:TEXT] + lines.encode())

    return crash


def raised(said):
    def crash(board):
        try:
            raise ValueError(said)
        except ValueError as error:
            failed(board, error)

    return crash


def in_health(board, data=None):
    """What the node's health says of the crash."""
    bench = Bench(data, board=board).connect()
    bench.run(1000)
    return json.loads(bench.said("health")[-1])["crash"]


def test_health_says_null_while_there_was_no_crash():
    eq(in_health(Board()), None)
    eq(in_health(board_after(note_of_a_fault, "soft")), None, "a run that somebody ended")


def note_of_a_fault(board):
    note(board, ValueError("caught"))


def test_health_tells_place_type_and_message():
    lines = FRAMES + "OSError: [Errno 5] EIO"
    eq(in_health(board_after(printed(lines))), "pump.py:7 in tick: OSError: [Errno 5] EIO")
    said = in_health(board_after(raised("no such pump")))
    true(said.endswith("ValueError: no such pump"), said)


def test_a_built_module_has_no_lines_so_none_is_told():
    lines = '  File "node.start", line 1, in ab\nOSError: [Errno 5] EIO'
    eq(in_health(board_after(printed(lines))), "node.start in ab: OSError: [Errno 5] EIO")


def test_health_tells_a_hang_and_the_first_fault_of_a_failing_step():
    hang = in_health(board_after(lambda board: None, "watchdog"))
    eq(hang, "none was caught: the program hung, or the chip failed")
    said = in_health(board_after(note_of_a_fault, "watchdog"))
    true(said.endswith("ValueError: caught"), said)


def test_the_crash_stays_in_health_until_another_one_comes():
    board = board_after(raised("first"))
    for _ in range(2):
        true(in_health(board).endswith("first"))
        board.cause = "soft"
        decide(board, PATH)
    program(board)
    raised("second")(board)
    board.cause = "hard"
    decide(board, PATH)
    true(in_health(board).endswith("second"))


def test_whatever_the_message_it_is_json_within_96_bytes_and_begins_with_place_or_type():
    for said in (
        "x" * 3000,
        '"\\' * 400,
        "\x01\x02\x00\x1f\x7f" * 100,
        "two\nlines\r\n\tand a tab",
        "ß" * 400,
        "a" + "€" * 400,
        "ab" + "\U0001f525" * 400,
        "%s %d {} %",
        "",
    ):
        board = board_after(raised(said))
        shown = brief(load(board), 96)
        true(len(shown) <= 96, (said[:9], shown))
        eq(json.loads(shown), in_health(board))
        true("ValueError" in json.loads(shown), shown)
        true("ValueError" in json.loads(text(load(board)))["error"], "and in the report")


def test_a_long_path_leaves_room_for_the_type():
    lines = '  File "%s.py", line 1234, in %s\nMemoryError: at all' % ("p" * 90, "f" * 40)
    said = in_health(board_after(printed(lines)))
    eq(said, "p" * 40 + ": MemoryError: at all")


def test_memory_that_is_damaged_stops_nothing():
    whole = board_after(printed(FRAMES + "ValueError: süß"))
    report = text(load(whole))
    at = report.find("ü".encode()) + 1 or len(report) - 2
    for damaged in (
        report[:at],  # within a character, where the runtime leaves those as they are
        report[:at] + b"\xff\xfe" + report[at:],
        b"\xff" * 400,
        bytes(400),
        b"[]",
        b'"text"',
        b"7",
        b'{"error":[1]}',
        b'{"boot":1}',
    ):
        board = Board()
        board.cause = "hard"
        board.memory(load(whole)[:TEXT] + damaged)
        eq(decide(board, PATH), False)
        program(board)
        said = in_health(board)
        true(said is None or isinstance(said, str), damaged)
        failing = load(board)
        failing[3] = 2  # the same bytes as the lines of an exception
        board.memory(failing)
        decide(board, PATH)
        true(isinstance(in_health(board), str), damaged)
        true(isinstance(told(load(board)), str))


def test_after_a_loss_of_power_the_memory_is_not_believed():
    board = board_after(raised("before"))
    board.cause = "power-on"
    decide(board, PATH)
    eq(in_health(board), None)


def largest(bench):
    """Every number of its health as long as can be."""
    node = bench.node
    value = (1 << 30) - 1
    for name in ("sent", "acked", "resent", "refused", "replaced", "failed", "received"):
        setattr(node.client, name, value)
    for name in ("connects", "oversize", "closes", "malformed", "unmatched"):
        setattr(node.client, name, value)
    node.errors = node.clock.seconds = node.radio.failures = node.config_faults = value
    node.health.worst = node.lost = node.bad_commands = value
    node.board.bytes = value
    node.health.level = 2 * value  # grown: negative, and as long as can be
    node.slots[0].device.counts[:] = [value] * 5


def test_the_longest_health_with_the_longest_crash_fits_its_place_and_the_outbox():
    board = board_after(raised("w" * 300))
    bench = Bench(board=board).connect()
    largest(bench)
    bench.run(1000)
    said = bench.said("health")[-1]
    eq(bench.node.out.overflow, 0)
    eq(len(json.dumps(json.loads(said)["crash"])), 96)
    true(len(bench.node.out.buf) >= len(said))


def many_sensors(tx_size):
    data = example()
    data["mqtt"]["tx_size"] = tx_size
    pins = (4, 5, 13, 14, 18, 19, 21, 22)
    data["devices"] = [{"kind": "dht22", "name": "sensor-%d" % pin, "pin": pin} for pin in pins]
    return data


def test_a_node_that_is_refused_does_not_arm_the_watchdog():
    data = many_sensors(768)
    with open(PATH, "w") as file:
        file.write(json.dumps(data))
    board = Board()
    said = []
    eq(start(PATH, board, said.append), None)
    true("must be at least" in "".join(said), said)
    eq((board.watch, "wlan" in board.calls), (None, False), "it would bite: nothing feeds it")


def test_an_outbox_that_just_holds_health_shortens_the_crash_and_never_refuses_the_node():
    board = board_after(raised("w" * 300))
    refusal = raises(ValueError, Bench, many_sensors(768))
    least = int(refusal.split("at least ")[1].split(",")[0])
    true(768 < least < 1500, refusal)
    raises(ValueError, Bench, many_sensors(least - 1))
    for more in (0, 1, 30, 91, 92, 93, 200):
        said = in_health(board, many_sensors(least + more))
        eq(len(json.dumps(said)), min(96, 4 + more))
    eq(in_health(Board(), many_sensors(least)), None)
    board.cause = "deep-sleep"
    kept = bytearray(load(board))
    kept[5:9] = b"\xff\xff\xff\xff"  # boots and crashes
    board.memory(kept)
    eq(len(in_health(board, many_sensors(least))), 2, "the configuration alone decides")

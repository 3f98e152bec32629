"""No function that runs in the steady state has a frame that MicroPython takes from the heap."""

import pytest

from tests.checks.sources import LIB, ROOT
from tests.support.pure_plugin import leave_out
from tests.support.runtimes import Missing
from tools.alloc.frames import LIMIT, frames

SET_UP = "runs before the first step"
OPENS = "opens a connection, which takes memory anyway"
FRONT = "a front: waiting for an answer takes memory anyway"
HOST = "CPython only, which has no such frames"
GENERATOR = "a generator: its frame is made once, at set-up"

# Whole files, and functions of files, that may have larger frames; each with the reason.
FILES = {
    "lib/mqtt/_cpython.py": HOST,
    "lib/mqtt/aio.py": FRONT,
    "lib/mqtt/simple.py": FRONT,
    "lib/mqtt/options.py": SET_UP,
    "lib/node/boot.py": SET_UP,
    "lib/node/config.py": SET_UP,
    "lib/node/ending.py": "runs after the last step",
    "lib/node/fields.py": SET_UP,
    "lib/node/online.py": SET_UP,
    "lib/node/pins.py": SET_UP,
    "lib/node/rescue.py": "safe mode, with a heap that is nearly empty",
    "lib/node/safe.py": SET_UP,
    "lib/node/setup.py": SET_UP,
    "lib/node/start.py": SET_UP,
}
FUNCTIONS = {
    ("lib/mqtt/client.py", "Client"): "a class body runs once, at the import",
    ("lib/mqtt/client.py", "__init__"): SET_UP,
    ("lib/mqtt/engine.py", "engine"): GENERATOR,
    ("lib/mqtt/publication.py", "_sender"): GENERATOR,
    ("lib/mqtt/publishing.py", "direct"): GENERATOR,
    ("lib/mqtt/client.py", "prepare"): SET_UP,
    ("lib/mqtt/client.py", "subscribe"): "a declaration: kept, so it takes memory anyway",
    ("lib/mqtt/publication.py", "__init__"): SET_UP,
    ("lib/mqtt/tcp.py", "_resolve"): OPENS,
    ("lib/mqtt/tcp.py", "open"): OPENS,
    ("lib/mqtt/tcp.py", "_begin"): OPENS,
    ("lib/node/app.py", "run"): "called once: the loop is a function of its own",
    ("lib/node/board.py", "kinds"): SET_UP,
    ("lib/node/board.py", "secret"): SET_UP,
    ("lib/node/board.py", "join"): "joins the Wi-Fi, which takes memory in the driver anyway",
}


@pytest.fixture(scope="module")
def large():
    """{file: {name of each function with too large a frame: its Frame}}."""
    try:
        return {
            path.relative_to(ROOT).as_posix(): too_large(path) for path in sorted(LIB.rglob("*.py"))
        }
    except Missing as missing:
        return leave_out(f"the check of frames: {missing}")


def too_large(path):
    # A module's own code runs once, at its import.
    return {f.name: f for f in frames(path) if f.words > LIMIT and f.name != "<module>"}


def test_every_function_that_runs_between_two_connections_has_a_frame_off_the_heap(large):
    found = [
        f"{file}:{frame.line}: {name}() has {frame.words} words: split it, or say in "
        "tests/checks/test_frames.py why it may"
        for file, functions in large.items()
        for name, frame in functions.items()
        if file not in FILES and (file, name) not in FUNCTIONS
    ]
    assert found == []


def test_nothing_is_excepted_that_need_not_be(large):
    assert [file for file in FILES if not large.get(file)] == []
    assert [(file, name) for file, name in FUNCTIONS if name not in large.get(file, {})] == []


def test_a_frame_has_its_words_from_parameters_locals_stack_and_what_is_nested(tmp_path):
    path = tmp_path / "frames.py"
    path.write_text(
        "# four functions\ndef none():\n    pass\n\n\n"
        "def four(a, b, c, d):\n    e = a\n    return e\n\n\n"
        "def handles(a):\n    try:\n        a()\n    except OSError as e:\n        return e\n\n\n"
        "def guarded(a):\n    with a:\n        a()\n\n\n"
        "def outer():\n    c = 1\n    return lambda: c\n"
    )
    found = {frame.name: (frame.line, frame.words) for frame in frames(path)}
    assert found["none"] == (3, 1)
    assert found["four"][0] == 7 and found["four"][1] == 6
    assert found["handles"][0] == 12 and found["handles"][1] > found["guarded"][1] > 4
    assert found["outer"][0] == 24 and "<lambda>" in found


def test_the_words_counted_are_those_that_make_micropython_ask_the_heap(micropython, tmp_path):
    from tools.alloc.table import judge

    few = (
        "def few(a, b, c):\n" + "".join(f"    x{n} = {n}\n" for n in range(6)) + "    return a + b"
    )
    for extra in range(4):
        text = few.replace(
            "    return", "".join(f"    y{n} = a\n" for n in range(extra)) + "    return"
        )
        path = tmp_path / f"few{extra}.py"
        path.write_text(text + "\n")
        (frame,) = (f for f in frames(path) if f.name == "few")
        (verdict,) = judge([(text, "few(1, 2, 3)")], "unix")
        assert verdict.free == (frame.words <= LIMIT), (frame, str(verdict))

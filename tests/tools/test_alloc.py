"""docs/allocation.md says what `make alloc` measures, and `make alloc` measures what is there."""

import re

import pytest

from tests.support.pure_plugin import leave_out
from tests.support.runtimes import ROOT, Missing, run_code
from tools.alloc import costs, opening, table
from tools.alloc.__main__ import PAGE, between, large, placed
from tools.alloc.constructs import FREE, SECTIONS, Construct
from tools.alloc.setups import COMMON

TEXT = PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def measured():
    """(verdicts on the constructs, verdicts on what is free)."""
    try:
        return table.measured(), table.free()
    except Missing as missing:
        return leave_out(f"the measures of docs/allocation.md: {missing}")


def test_the_page_has_the_verdict_and_the_bytes_of_every_construct(measured):
    fresh = table.markdown(*measured)
    said = between(TEXT, "constructs")
    stale = [line for line in fresh.splitlines() if line not in said.splitlines()]
    assert said == fresh, f"python -m tools.alloc --write; the page lacks {stale}"


def test_every_construct_takes_memory_and_every_remedy_none_on_either_build(measured):
    assert table.faults(*measured) == []
    judged = [verdicts for rows in measured[0].values() for _, verdicts in rows]
    assert len(judged) == sum(map(len, SECTIONS.values())) >= 35
    assert sum(len(verdicts) == 2 for verdicts in judged) >= 30
    assert len(measured[1]) == len(FREE)


def test_a_remedy_that_takes_memory_and_a_construct_that_takes_none_are_told():
    free, taken = table.Verdict(True, 0, 0), table.Verdict(False, 32, 32)
    found = {"Numbers": [(Construct("a", "b"), {"unix": (free, taken)})]}
    assert table.faults(found, {"`c`": {"wasm": taken}}) == [
        "`c` takes memory on wasm: 32",
        "`b` takes memory on unix: 32",
        "`a` takes no memory",
    ]


@pytest.mark.parametrize("build", table.BUILDS)
def test_each_kind_of_allocation_is_judged_for_what_it_is(build, micropython):
    raises = (
        "def f():\n    try:\n        raise ValueError(1)\n    except ValueError:\n        pass\n"
    )
    words = "def g():\n" + "".join(f"    x{n} = {n}\n" for n in range(12))
    programs = [
        (COMMON + raises + words, body) for body in ("r[0] = i", "r[0] = [i]", "f()", "g()")
    ]
    nothing, kept, unseen, back = table.judge(programs, build)
    assert nothing.free and str(nothing) == "0"
    assert not kept.passes and kept.left > 0
    assert unseen.passes and unseen.left > 0 and str(unseen).endswith("unseen by the lock")
    assert back.passes and not back.left
    assert back.free == (build == "wasm"), "that build has a stack for frames"


def test_a_code_that_does_not_run_is_told_with_the_builds_words(micropython):
    with pytest.raises(RuntimeError, match="NameError: name 'nobody'"):
        table.judge([("", "nobody()")], "unix")


def test_the_page_has_the_bytes_that_opening_a_connection_takes(micropython):
    fresh = opening.markdown(opening.pieces(), opening.lost(20))
    assert between(TEXT, "opening") == fresh, "python -m tools.alloc --write"


def test_the_pieces_of_an_opening_add_up_to_what_the_client_takes(micropython):
    _, sock, poll, look, methods, _ = (verdict.left for verdict in opening.pieces())
    assert sock + poll + look + methods <= opening.lost(20).least


def test_the_habits_of_the_page_save_time(micropython):
    (with_property, without), (method, function), (builtin, own) = costs.measured()
    assert with_property > 2 * without
    assert builtin > own and method > function
    said = between(TEXT, "habits")
    assert [what for what, *_ in costs.HABITS if what not in said] == []
    assert re.findall(r"\d+% of the time", said)


def test_a_table_goes_to_its_place_and_nowhere_else():
    page = placed(TEXT, {"habits": "| new |"})
    assert between(page, "habits") == "| new |"
    assert between(page, "constructs") == between(TEXT, "constructs")
    assert placed(page, {"habits": between(TEXT, "habits")}) == TEXT
    with pytest.raises(ValueError, match="must have the line '<!-- measured: nowhere -->' once"):
        placed(TEXT, {"nowhere": "x"})


def test_the_frames_of_a_file_are_told_with_place_and_words(capsys, micropython):
    assert large([ROOT / "lib/mqtt/timing.py"]) == 0
    assert "no frame of more than 11 words" in capsys.readouterr().out
    assert large([ROOT / "lib/mqtt/simple.py"]) > 0
    assert re.search(r"simple\.py:\d+: publish: \d+ words", capsys.readouterr().out)


def test_the_measure_in_ten_lines_tells_a_step_that_allocates(micropython):
    (measure,) = (
        code for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if "still" in code
    )
    steps = "r = [0]\ndef quiet():\n    r[0] += 1\ndef leaks():\n    r[0] = [1]\nstill(quiet)\n"
    ended = run_code("unix", measure + steps + "still(leaks)", [])
    assert "bytes left behind: 0" in ended.output and "MemoryError" in ended.output
    raises = "def raises():\n    try:\n        r[1]\n    except IndexError:\n        pass\n"
    blind = run_code("unix", measure + steps + raises + "still(raises)", [])
    assert re.search(r"bytes left behind: [1-9]\d+$", blind.output.strip())


def test_every_file_that_the_page_names_is_there():
    words = re.findall(r"(?:tests|tools|lib)/[\w/]+\.\w+", TEXT)
    assert len(words) > 10
    assert [word for word in words if not (ROOT / word).exists()] == []

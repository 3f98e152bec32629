"""The simulation at length: every property holds, in enough hours, messages and faults."""

import itertools
import json
import subprocess
import sys

import pytest

from tests.sim import hunt, soak
from tests.sim.tally import FAULTS, Tally
from tests.sim.variants import VARIANTS
from tests.support import runtimes
from tests.support.pure_plugin import leave_out
from tools.build.__main__ import build

HOURS, MESSAGES, DISCONNECTIONS, EACH = 1000, 1_000_000, 10_000, 500
FIRST = 1  # the same seeds every time; `make soak` takes others
ON_UNIX = 15  # runs, half as long as the others


def enough(tally):
    return not tally.lacking(HOURS, MESSAGES, DISCONNECTIONS, EACH)


def test_every_property_holds_through_a_thousand_hours_and_a_million_messages(figures):
    seeds = itertools.islice(itertools.count(FIRST), 3000)
    tally = soak.soak(seeds, enough=enough)
    figures("\n".join(tally.report()))
    assert tally.failures == []
    assert tally.lacking(HOURS, MESSAGES, DISCONNECTIONS, EACH) == []
    assert tally.counts["publishes that wrote at once"] >= 50 * EACH
    assert tally.counts["publishes written at once in part"] >= EACH


def test_the_unix_port_tells_the_same_stories_to_the_last_event(figures):
    figures(same_stories("the Unix port"))


def test_the_built_tree_tells_the_same_stories_to_the_last_event(tmp_path, figures):
    lib = tmp_path / "lib"
    build(lib)
    names = json.loads((tmp_path / "names.json").read_text())["mqtt"]["attributes"]
    short = {name: each for each, those in names.items() for name in those}
    (lib / "shortened.py").write_text(f"SHORT = {short!r}\n")
    figures(same_stories("the built tree", lib))


def same_stories(what, lib=soak.LIB):
    """Compare with the sources on CPython. Returns the figures in a line."""
    try:
        found = soak.on_unix(FIRST, FIRST + ON_UNIX - 1, 50, lib)
    except runtimes.Missing as missing:
        leave_out(f"the simulation on the Unix port: {missing}")
    soak.prepare()
    for seed, (digest, ms, steps, out, into, lost, failure) in found.items():
        assert failure == "None", f"seed {seed}: {failure}"
        here = soak.run(seed, 50)
        there = (digest, ms, steps, out, into, lost)
        lost = here["counts"].get("disconnections", 0)
        same = (here["digest"], here["ms"], here["steps"], here["out"], here["into"], lost)
        assert there == same, f"seed {seed} in {what} and on CPython"
    hours, messages = (sum(run[k] for run in found.values()) for k in (1, 3))
    return f"{what}: {len(found)} runs, {hours / 3600000:.0f} h, {messages} published"


def cli(*arguments):
    command = [sys.executable, "-m", "tests.sim", *arguments]
    return subprocess.run(command, cwd=soak.ROOT, capture_output=True, text=True, timeout=480)


def test_one_command_replays_a_seed_with_a_readable_trace():
    told = cli("--seed", "5", "--trace", "--scale", "30")
    again = cli("--seed", "5", "--trace", "--scale", "30")
    assert told.returncode == 0, told.stdout[-2000:] + told.stderr
    assert told.stdout == again.stdout
    for part in ("-> <CONNECT", "<- CONNACK", "event CONNECTED", "broker sends", "!! "):
        assert part in told.stdout, part
    assert told.stdout.splitlines()[-1].endswith("every property held")


def test_another_seed_is_another_story():
    soak.prepare()
    digests = {soak.run(seed, 20)["digest"] for seed in range(1, 21)}
    assert len(digests) == 20


def test_a_soak_of_a_second_ends_with_its_figures():
    done = cli("--seconds", "1", "--scale", "20", "--jobs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "simulated hours" in done.stdout
    assert all(name in done.stdout for name in FAULTS)


def test_a_failure_names_the_seed_and_the_command_that_replays_it():
    tally = Tally()
    failure = ("order", "one before the other")
    figures = {"ms": 1, "steps": 1, "out": 1, "into": 1}
    tally.add(77, {"failure": failure, "counts": {}, **figures})
    assert (
        "FAILED seed 77: order: one before the other; replay: make soak SEED=77"
        in (tally.report()[-1])
    )


def test_too_little_of_a_fault_is_noticed():
    tally = Tally()
    figures = {"ms": HOURS * 3600000, "steps": 1, "out": MESSAGES, "into": 0, "failure": None}
    counts = {**dict.fromkeys(FAULTS, EACH), "disconnections": DISCONNECTIONS}
    tally.add(1, {"counts": {**counts, "resets": EACH - 1}, **figures})
    lacking = tally.lacking(HOURS, MESSAGES, DISCONNECTIONS, EACH)
    assert lacking == [f"resets: {EACH - 1} of {EACH}"]


def test_a_run_that_loops_for_ever_is_ended_and_has_failed(monkeypatch):
    soak.prepare()
    import runs

    def for_ever(seed, scale, trace):
        while True:
            pass

    monkeypatch.setattr(runs, "run", for_ever)
    assert soak.run(1, limit=0.2)["failure"] == ("no call blocks", "the run did not end")


def test_there_are_enough_variants_and_no_two_are_alike():
    assert len(VARIANTS) >= 30
    assert len({variant[0] for variant in VARIANTS}) == len(VARIANTS)
    assert len({variant[1:4] for variant in VARIANTS}) == len(VARIANTS)


def test_a_variant_that_does_not_apply_is_an_error():
    with pytest.raises(ValueError, match="occurs 0 times"):
        hunt.patched("text", "not there", "")
    with pytest.raises(ValueError, match="occurs 2 times"):
        hunt.patched("twice twice", "twice", "once")

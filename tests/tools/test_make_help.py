"""Whoever types make gets on: every target is listed, and every failure says what to do next."""

import os
import re
import subprocess

import pytest

from tests.tools.board import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()


def make(*words):
    """(exit status, what it said), with the set-up taken as made."""
    done = subprocess.run(
        ["make", "--no-print-directory", "-o", "setup", *words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
    )
    return done.returncode, done.stdout


def test_help_lists_every_target_that_can_be_typed():
    targets = set(re.search(r"(?m)^\.PHONY: (.*)$", MAKEFILE)[1].split())
    assert targets == set(re.findall(r"(?m)^([a-z][\w-]*):", MAKEFILE))
    code, said = make("help")
    listed = dict(re.findall(r"(?m)^  (\w+) +(\S.*)$", said))
    assert (code, set(listed)) == (0, targets)
    assert make() == (0, said)


def test_help_names_every_variable_that_can_be_given():
    _, said = make("help")
    given = set(re.findall(r"\$\((?:if \$\(|or \$\()?([A-Z_]+)\)", MAKEFILE))
    given -= {"PYTHON", "VENV", "HOME"}
    assert len(given) > 15
    assert [name for name in sorted(given) if f"{name}=" not in said] == []


NOWHERE = "PORT=/dev/no-such-port"


@pytest.mark.parametrize(
    ("words", "next_step"),
    [
        (("measure",), "name a broker: make measure BROKER="),
        (("measure", "BROKER=127.0.0.1:1"), "Does the broker run"),
        (("measure", "BROKER=127.0.0.1:1", NOWHERE), "board plugged in"),
        (("flash", NOWHERE), "Plug in the board"),
        (("deploy", NOWHERE, "CONFIG=no-such.json"), "Copy config.example.json to it"),
        (("deploy", NOWHERE, "WAIT=soon"), "try WAIT=60"),
        (("logs", NOWHERE), "Is the board plugged in"),
        (("repl", NOWHERE), "Is the board plugged in"),
        (("doctor", NOWHERE), "make doctor again"),
        (("build", "OUT=/dev/null/x"), "name another OUT=folder"),
        (("dist", "OUT=/dev/null/x"), "name another OUT=folder"),
        (("bench", "UMQTT=/no/such"), "name the folder that has umqtt/simple.py"),
        (("fuzz", "ARGS=nothing", "SECONDS=1"), "there are parser, text, client, command"),
        (("run", "SECONDS=soon"), "'soon' is no number of seconds; try make run SECONDS=15"),
        (("run", "SECONDS=nan"), "'nan' is no number of seconds; try make run SECONDS=15"),
        (("soak", "SEED=x"), "'x' is no seed: a failing run names its own"),
        (("frobnicate",), "make help lists those there are"),
    ],
    ids=lambda part: part[0] if isinstance(part, tuple) else "",
)
def test_a_failure_says_what_to_do_next_without_a_traceback(words, next_step):
    code, said = make(*words)
    assert code != 0
    assert next_step in said and "Traceback" not in said, said

"""docs/conformance.md tells the truth: the tests it names exist, and see what they are to see."""

import ast
import os
import random
import re

import pytest

from tests.checks import conformance
from tests.checks.sources import ROOT
from tests.checks.test_statements import STATEMENTS

SAMPLE = 20
ENTRIES = conformance.statements()


def drawn():
    """The statements whose mutation is run now: MUTATIONS=all, or a sample by MUTATIONS_SEED."""
    if os.environ.get("MUTATIONS") == "all":
        return ENTRIES, "all"
    seed = int(os.environ.get("MUTATIONS_SEED") or random.SystemRandom().randrange(10**6))
    return random.Random(seed).sample(ENTRIES, SAMPLE), f"MUTATIONS_SEED={seed}"


def defined(file):
    tree = ast.parse((conformance.PURE / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_page_has_every_statement_that_binds_a_client_once_and_in_order():
    numbers = [entry.number for entry in ENTRIES]
    assert numbers == STATEMENTS.split()


def test_every_heading_of_the_page_is_read_as_an_entry():
    text = conformance.PAGE.read_text(encoding="utf-8")
    assert len(re.findall(r"^\*\*MQTT-", text, re.MULTILINE)) == len(ENTRIES)
    assert text.count("- broken in ") == text.count("- shown by ") == len(ENTRIES)


def test_every_test_that_the_page_names_exists():
    missing = [
        f"MQTT-{entry.number}: {file}::{test}"
        for entry in ENTRIES
        for file, test in entry.tests
        if not (conformance.PURE / file).is_file() or test not in defined(file)
    ]
    assert not missing
    assert all(entry.tests for entry in ENTRIES)


def test_every_mutation_changes_one_line_that_is_there_exactly_once():
    for entry in ENTRIES:
        source = (ROOT / "lib/mqtt" / entry.file).read_text(encoding="utf-8")
        changed = conformance.mutated(source, entry)
        assert changed != source
        compile(changed, entry.file, "exec")


def test_each_drawn_mutation_turns_its_test_red(tmp_path, figures):
    entries, how = drawn()
    figures(f"{len(entries)} mutations of lib/mqtt, {how}")
    alive = []
    for entry in entries:
        why = conformance.survives(entry, tmp_path / entry.number)
        if why:
            alive.append(f"MQTT-{entry.number}, {entry.file}: {why}")
    assert not alive, f"{how}\n" + "\n".join(alive)


def test_a_page_entry_that_rots_is_found():
    page = conformance.PAGE.read_text(encoding="utf-8")
    entry = conformance.statements(page)[0]
    with pytest.raises(ValueError, match="occurs 0 times"):
        conformance.mutated("nothing of it", entry)
    with pytest.raises(ValueError, match="occurs 2 times"):
        conformance.mutated(f"{entry.old}\n{entry.old}", entry)


def test_a_mutation_that_changes_nothing_is_told(tmp_path):
    entry = conformance.statements()[0]
    entry.new = f"{entry.old} and True"
    assert "passes all the same" in conformance.survives(entry, tmp_path)
    entry.new = f"{entry.old} and ("  # does not even compile
    assert "did not run" in conformance.survives(entry, tmp_path / "other")

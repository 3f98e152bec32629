"""docs/conformance.md as data, and one of its mutations made and tried."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.checks.sources import ROOT
from tests.support import runtimes

PAGE = ROOT / "docs/conformance.md"
PURE = ROOT / "tests/pure"
MQTT = "mqtt"  # the folder of lib/ that is mutated
TIMEOUT_S = 20

_ENTRY = re.compile(
    r"^\*\*MQTT-(?P<number>[\d.]+-\d+)\.\*\* (?P<text>.+?)\n\n"
    r"- shown by (?P<tests>.+?)\n"
    r"- broken in `(?P<file>\w+\.py)` by `(?P<old>[^`\n]+)` → `(?P<new>[^`\n]+)`$",
    re.MULTILINE | re.DOTALL,
)
_TEST = re.compile(r"`(test_\w+\.py)::(test_\w+)`")


@dataclass
class Statement:
    """One entry of the page. `tests`: (file, function); the first must see the mutation."""

    number: str
    text: str
    tests: list[tuple[str, str]]
    file: str
    old: str
    new: str


def statements(page=None):
    """The entries of the page, in its order."""
    text = PAGE.read_text(encoding="utf-8") if page is None else page
    return [
        Statement(
            found["number"],
            " ".join(found["text"].split()),
            _TEST.findall(found["tests"]),
            found["file"],
            found["old"],
            found["new"],
        )
        for found in _ENTRY.finditer(text)
    ]


def mutated(source, statement):
    """`source` with the statement's one line changed. ValueError unless it is there once."""
    count = source.count(statement.old)
    if count != 1:
        raise ValueError(
            f"MQTT-{statement.number}: {statement.old!r} occurs {count} times in {statement.file}"
        )
    return source.replace(statement.old, statement.new)


def survives(statement, folder):
    """Make the mutation in a copy of lib/ under `folder` and run the first test on CPython.

    Returns "" when the test fails, as it must; else what happened instead.
    """
    lib = Path(folder) / "lib"
    shutil.copytree(ROOT / "lib", lib, ignore=shutil.ignore_patterns("__pycache__"))
    path = lib / MQTT / statement.file
    source = mutated(path.read_text(encoding="utf-8"), statement)
    path.write_text(source, encoding="utf-8")
    name, test = statement.tests[0]
    return _not_red(lib, PURE / name, test)


def _not_red(lib, file, test):
    folders = [file.parent, ROOT / "tests/support/pure", lib]
    code = f"import suite\nsuite.run({file.stem!r}, [{test!r}])\n"
    finished = runtimes.run_code("cpython", code, folders, TIMEOUT_S)
    results = runtimes.parse(finished, TIMEOUT_S)
    if test in results.passed:
        return f"{test} passes all the same"
    if test in results.failures or finished.code is None:
        return ""  # red, or stopped while hanging
    return f"{test} did not run: {results.broken}"

"""pytest's side of the three-runtime suite.

Every tests/pure/test_*.py is a plain module that pytest itself never imports: its functions
`test_*` become one item per runtime (`test_x.py::test_name[unix]`). The file runs once on each.
"""

import ast
import os

import pytest

from tests.support import runtimes

FOLDER = "pure"
FIGURES = "figures"


class PureFile(pytest.File):
    """One file of the suite."""

    def collect(self):
        tree = ast.parse(self.path.read_text(encoding="utf-8"), str(self.path))
        found = [
            node
            for node in tree.body
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        ]
        self.tests = tuple(node.name for node in found)
        twice = {name for name in self.tests if self.tests.count(name) > 1}
        if twice:
            raise self.CollectError(f"{self.path}: defined twice: {', '.join(sorted(twice))}")
        for node in found:
            for runtime in runtimes.NAMES:
                yield PureItem.from_parent(
                    self, name=f"{node.name}[{runtime}]", function=node, runtime=runtime
                )


class PureItem(pytest.Item):
    """One test function on one runtime."""

    def __init__(self, *, function, runtime, **rest):
        super().__init__(**rest)
        self.function_name = function.name
        self.line = function.lineno - 1
        self.runtime = runtime

    def runtest(self):
        try:
            results = runtimes.run_file(self.runtime, self.path, self.parent.tests)
        except runtimes.Missing as missing:
            leave_out(f"the suite on {self.runtime}: {missing}")
        why = results.failure_of(self.function_name)
        if why is not None:
            raise PureFailure(why)

    def repr_failure(self, excinfo, style=None):
        if isinstance(excinfo.value, PureFailure):
            return f"on {self.runtime}:\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, self.line, self.name


class PureFailure(Exception):
    """A test failed over there; the text is what it printed."""


def leave_out(what):
    """A part of the environment is missing: a failure in CI, elsewhere a skip that names it."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"missing with CI=true: {what}", pytrace=False)
    pytest.skip(f"left out: {what}")


def pytest_pycollect_makemodule(module_path, parent):
    if module_path.parent.name == FOLDER:
        return PureFile.from_parent(parent, path=module_path)
    return None


@pytest.fixture
def figures(record_property):
    """figures(text): to be told at the end of the run, whatever becomes of the test."""
    return lambda text: record_property(FIGURES, text)


def pytest_terminal_summary(terminalreporter):
    """The figures of tests; and what was left out, once each, where the eye ends up."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            told = [text for name, text in report.user_properties if name == FIGURES]
            if told and report.when == "call":
                terminalreporter.write_line("\n".join([f"{report.head_line}:", *told, ""]))
    reasons = [report.longrepr[2] for report in terminalreporter.getreports("skipped")]
    left_out = sorted(
        {reason.split("left out: ", 1)[1] for reason in reasons if "left out" in reason}
    )
    for what in left_out:
        terminalreporter.write_line(f"LEFT OUT: {what}", yellow=True)

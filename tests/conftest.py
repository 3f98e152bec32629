"""What every test may use: the three-runtime suite, the interpreter, figures told at the end; and
the order of the files, which `make test` deals out to processes that run at the same time.
"""

import pytest

from tests.support import runtimes
from tests.support.pure_plugin import (  # noqa: F401 (hooks and helpers for all tests)
    figures,
    leave_out,
    pytest_pycollect_makemodule,
    pytest_terminal_summary,
)

# Files that take longest come first: at the end no process is left alone with one of them.
LONG = (
    "test_simulation.py",  # which takes every processor: beside it what mostly waits
    "test_bad_input.py",
    "test_make_run.py",
    "test_variants.py",
    "test_chaos.py",
    "test_node_heap.py",
    "test_deploy_interrupted.py",
    "test_fuzz.py",
    "test_deploy.py",
    "test_measure.py",
    "test_safe_mode.py",
    "test_delivery.py",
    "test_build_board.py",
    "test_doctor.py",
    "test_bench.py",
    "test_node_over_sockets.py",
    "test_measure_board.py",
)


def pytest_collection_modifyitems(items):
    rank = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: rank.get(item.path.name, len(LONG)))


@pytest.fixture(scope="session")
def micropython():
    """Command of MicroPython's Unix port."""
    try:
        return runtimes.micropython_command()
    except runtimes.Missing as missing:
        return leave_out(f"MicroPython's Unix port: {missing}")

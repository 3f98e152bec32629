"""What every test may use: the three-runtime suite, and the interpreter."""

import pytest

from tests.support import runtimes
from tests.support.pure_plugin import (  # noqa: F401 (hooks and a helper for all tests)
    leave_out,
    pytest_pycollect_makemodule,
    pytest_terminal_summary,
)


@pytest.fixture(scope="session")
def micropython():
    """Command of MicroPython's Unix port."""
    try:
        return runtimes.micropython_command()
    except runtimes.Missing as missing:
        return leave_out(f"MicroPython's Unix port: {missing}")

"""What every test may use: the three-runtime suite, the interpreter, the brokers, free ports."""

import socket

import pytest

from tests.support import runtimes
from tests.support.pure_plugin import (  # noqa: F401 (hooks and a helper for all tests)
    leave_out,
    pytest_pycollect_makemodule,
    pytest_terminal_summary,
)


@pytest.fixture
def free_port():
    """A TCP port of the loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def micropython():
    """Command of MicroPython's Unix port."""
    try:
        return runtimes.micropython_command()
    except runtimes.Missing as missing:
        return leave_out(f"MicroPython's Unix port: {missing}")

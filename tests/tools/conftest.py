"""Fixtures of the host-tool tests."""

import pytest

from tests.tools.building import program  # noqa: F401 (a fixture)
from tools.sim.boardfile import BoardFile, load_series


@pytest.fixture
def board(tmp_path):
    """A fresh board file whose Wi-Fi answers at once."""
    with BoardFile.create(tmp_path / "board", load_series()) as file:
        file.wifi(join_ms=30, notice_ms=30)
        yield file

"""Fixtures of the host-tool tests."""

import pytest

from tests.tools.building import program  # noqa: F401 (a fixture)
from tools.dist.__main__ import build
from tools.sim.boardfile import BoardFile, load_series


@pytest.fixture
def board(tmp_path):
    """A fresh board file whose Wi-Fi answers at once."""
    with BoardFile.create(tmp_path / "board", load_series()) as file:
        file.wifi(join_ms=30, notice_ms=30)
        yield file


@pytest.fixture(scope="session")
def released(tmp_path_factory):
    """What `make dist` makes of this tree: the folder, beside its .zip."""
    folder, _ = build(tmp_path_factory.mktemp("dist"))
    return folder

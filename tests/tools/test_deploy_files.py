"""What a deployment changes on a board, and what it leaves alone."""

import re

import pytest

from tests.support.ptyboard import FLASH_BLOCK, PtyBoard
from tests.tools import deployment
from tests.tools.board import ROOT, eventually
from tests.tools.deployment import (
    deployed,
    quick,  # noqa: F401 (a fixture for all)
    read_tree,
    real_node,
    runs,
    write_project,
    write_tree,
)
from tools.deploy import Trouble, plan


@pytest.fixture
def project(tmp_path):
    """The sources of version 1."""
    return write_project(tmp_path / "project", 1)


@pytest.fixture
def flash(tmp_path):
    """The file system of a board on which version 1 runs."""
    folder = tmp_path / "flash"
    write_tree(folder, deployment.board_files(1, tmp_path / "deployed"))
    return folder


@pytest.fixture
def board(flash):
    with PtyBoard(flash, runs=True) as board:
        runs(board, 1)
        yield board


def test_an_empty_board_gets_everything(tmp_path, project):
    (tmp_path / "flash").mkdir()
    config = deployment.write_config(tmp_path / "config.json")
    with PtyBoard(tmp_path / "flash", runs=True) as board:
        outcome = deployed(board, project, config)
        runs(board, 1)
    assert outcome.start.online and outcome.same == 0
    expected = deployment.board_files(1, project)
    assert read_tree(tmp_path / "flash") == {**expected, "config.json": config.read_bytes()}


def test_deploying_again_copies_nothing_and_leaves_the_node_running(board, flash, project):
    before, start = read_tree(flash), len(board.output)
    outcome = deployed(board, project)
    assert (outcome.copied, outcome.removed, outcome.start.online) == ([], [], True)
    eventually(lambda: read_tree(flash) == before, "the files are as they were")
    runs(board, 1, start)


def test_one_changed_module_is_the_only_file_copied(board, flash, project):
    (project / "lib/node/safe.py").write_text("V = 1\nNEW = True\n")
    heard = deployment.Heard()
    outcome = deployed(board, project, say=heard)
    assert outcome.copied == heard.copied == ["lib/node/safe.mpy"]
    assert b"NEW" in (flash / "lib/node/safe.mpy").read_bytes()
    assert not (flash / plan.FOLDER).exists()


def test_modules_that_are_gone_and_sources_that_would_win_are_removed(board, flash, project):
    stale = ["lib/mqtt/old.mpy", "lib/node/devices/mine.py", "lib/node/safe.py", "lib/node.py"]
    write_tree(flash, dict.fromkeys(stale, b"V = 9\n"))
    outcome = deployed(board, project)
    assert outcome.removed == sorted(stale) and outcome.start.online
    assert not any((flash / name).exists() for name in stale)
    assert not (flash / "lib/node/devices").exists()


def test_what_is_not_the_nodes_stays(board, flash, tmp_path):
    own = {"notes.txt": b"mine", "lib/other.py": b"x = 1", "lib/other2/a.mpy": b"M", "nodes": b""}
    write_tree(flash, own)
    start = len(board.output)
    outcome = deployed(board, write_project(tmp_path / "next", 2))
    assert outcome.removed == ["lib/node/first.mpy"]
    runs(board, 2, start)
    assert {name: (flash / name).read_bytes() for name in own} == own


def test_a_package_can_become_a_single_module(board, flash, tmp_path):
    (tmp_path / "project").mkdir()
    project = write_project(tmp_path / "project", 2)
    (project / "lib/mqtt/__init__.py").unlink()
    (project / "lib/mqtt").rmdir()
    (project / "lib/mqtt.py").write_text("V = 2\n")
    start = len(board.output)
    assert deployed(board, project).start.online
    runs(board, 2, start)
    assert not (flash / "lib/mqtt").exists() and (flash / "lib/mqtt.mpy").exists()


def test_a_module_in_the_root_that_would_be_imported_first_is_refused(board, flash, project):
    write_tree(flash, {"mqtt.py": b"V = 9\n"})
    before, start = read_tree(flash), len(board.output)
    (project / "lib/node/safe.py").write_text("V = 3\n")
    with pytest.raises(Trouble, match=r"(?s)mqtt\.py in the root.*rm -r :mqtt\.py"):
        deployed(board, project)
    eventually(lambda: read_tree(flash) == before, "the files are as they were")
    assert not board.said("runs 3", start)


def test_the_plan_counts_the_blocks_that_must_be_free():
    todo = plan.make([("boot.py", "x")], {"boot.py": b"b", "lib/node/a.mpy": b"a" * 4097})
    files = 2 + 1 + 1  # a.mpy, boot.py, the script
    assert todo.blocks(4096, boot=1) == files + 2 * (1 + 2) + plan.MARGIN
    assert todo.mkdir == ["lib", "lib/node"] and todo.staged() == ["lib/node/a.mpy"]


def test_the_page_says_how_much_must_be_free_for_a_whole_node():
    page = (ROOT / "docs" / "deploy.md").read_text()
    told = re.search(r"free space for what changes: about (\d+) KiB", page)
    assert int(told[1]) == pytest.approx(plan.whole(real_node(), FLASH_BLOCK) / 1024, rel=0.1)

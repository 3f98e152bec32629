"""A deployment that is broken off anywhere leaves a board that starts, with files of one version
only; and the next deployment goes on from whatever was left."""

import shutil

import pytest

from tests.support.ptyboard import PtyBoard
from tests.tools import deployment
from tests.tools.board import eventually
from tests.tools.deployment import (
    deployed,
    quick,  # noqa: F401 (a fixture for all)
    read_image,
    restarted,
    runs,
    version,
    write_project,
)
from tools.deploy import Trouble, link, listen, plan

BLOCKS = 96


@pytest.fixture(autouse=True)
def no_cable_comes_back(monkeypatch):
    """A port that is gone is waited for; here it never is back in that time."""
    monkeypatch.setattr(listen, "BACK_S", 1)


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A flash on which version 1 was deployed."""
    folder = tmp_path_factory.mktemp("image")
    return deployment.write_image(folder / "v1", BLOCKS, deployment.board_files(1, folder / "p"))


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    """The sources of version 2."""
    return write_project(tmp_path_factory.mktemp("second"), 2)


@pytest.fixture(scope="module")
def pending(image, second, tmp_path_factory):
    """The flash when everything is copied and nothing is moved: the power failed just before the
    restart."""
    flash = shutil.copy(image, tmp_path_factory.mktemp("pending") / "image")
    with PtyBoard(flash.parent, runs=True, flash=flash) as board:
        runs(board, 1)
        board.cut_at, board.cut_power = commands(image, second), True
        heard = deployment.Heard()
        assert deployed(board, second, wait=0.1, say=heard).start.online is False
    assert any("with the next restart" in warning for warning in heard.warnings)
    assert read_image(flash)["boot.py"].startswith(plan.MARK.encode())
    return flash


def commands(image, project):
    """How many commands a whole deployment takes; the last is the restart."""
    flash = image.with_name("counting")
    shutil.copy(image, flash)
    with PtyBoard(flash.parent, runs=True, flash=flash) as board:
        runs(board, 1)
        assert deployed(board, project).start.online
        return board.commands


def test_a_cable_pulled_at_any_command_leaves_a_node_that_starts(image, second, tmp_path):
    flash = shutil.copy(image, tmp_path / "image")
    with PtyBoard(tmp_path, runs=True, flash=flash) as board:
        runs(board, 1)
        versions = []
        for command in range(1, 200):
            board.cut_at, board.cut_power = board.commands + command, command % 2 == 0
            broken_off = broken(board, second)
            board.cut_at = None
            if not broken_off:
                break
            versions.append(version(board, restarted(board)))
            board.plug()
        runs(board, 2, restarted(board))
    assert versions == sorted(versions) and versions[0] == 1
    assert len(versions) > 20
    assert read_image(flash) == expected(second)


def test_a_board_that_was_left_in_the_middle_of_a_file_is_taken_over_again(image, second, tmp_path):
    flash = shutil.copy(image, tmp_path / "image")
    with PtyBoard(tmp_path, runs=True, flash=flash) as board:
        runs(board, 1)
        board.cut_at = 15
        assert broken(board, second)
        board.plug()
        start = len(board.output)
        assert deployed(board, second).start.online
        runs(board, 2, start)


def broken(board, project):
    """True when the deployment was broken off."""
    try:
        return not deployed(board, project).start.online
    except link.Lost:
        return True


def expected(project):
    files = deployment.board_files(2, project)
    return {path.replace("first", "second"): data for path, data in files.items()}


def test_power_that_fails_in_a_flash_write_while_files_are_copied(image, second, tmp_path):
    flash = tmp_path / "image"
    for write in range(1, 200, 10):
        shutil.copy(image, flash)
        with PtyBoard(tmp_path, runs=True, flash=flash) as board:
            runs(board, 1)
            board.die = (board.lives + 1, write)  # the life after the soft reset
            broken_off = broken(board, second)
            board.die = None
            runs(board, 1 if broken_off else 2, restarted(board))
            if not broken_off:
                break
            board.plug()
            assert deployed(board, second).start.online
        assert read_image(flash) == expected(second)
    assert 20 < write < 199


def test_power_that_fails_in_any_flash_write_while_files_are_moved(pending, second, tmp_path):
    for write in range(1, 200):
        flash = shutil.copy(pending, tmp_path / "image")
        with PtyBoard(tmp_path, runs=True, flash=flash, die=(1, write)) as board:
            eventually(lambda b=board: not b.powered() or b.said("\nruns"), "an end")
            died = not board.powered()
            board.die = None
            runs(board, 2, restarted(board) if died else 0)
        assert read_image(flash) == expected(second)
        if not died:
            break
    assert 10 < write < 199


def test_a_board_left_alone_in_the_middle_restarts_its_old_node_by_the_watchdog(
    image, second, tmp_path, monkeypatch
):
    source = link.ONBOARD.read_text().replace("BUSY_MS = 120000", "BUSY_MS = 4000")
    monkeypatch.setattr(link, "ONBOARD", tmp_path / "onboard.py")
    link.ONBOARD.write_text(source)
    flash = shutil.copy(image, tmp_path / "image")
    with PtyBoard(tmp_path, runs=True, flash=flash) as board:
        runs(board, 1)
        board.cut_at = 15
        with pytest.raises(link.Lost):
            deployed(board, second)
        start = len(board.output)
        runs(board, 1, start)
        assert board.state.reset_cause() == "watchdog"


def test_ctrl_c_while_files_are_copied_restarts_the_old_node(image, second, tmp_path):
    class Impatient(deployment.Heard):
        def copying(self, path, done, size):
            if done:
                raise KeyboardInterrupt

    flash = shutil.copy(image, tmp_path / "image")
    with PtyBoard(tmp_path, runs=True, flash=flash) as board:
        runs(board, 1)
        before, start = read_image(flash), len(board.output)
        with pytest.raises(KeyboardInterrupt):
            deployed(board, second, say=Impatient())
        runs(board, 1, start)
    assert read_image(flash) == before


def test_ctrl_c_when_everything_is_copied_does_not_undo_it(image, second, tmp_path):
    class TooLate(deployment.Heard):
        def step(self, text):
            if text.startswith("copied"):
                raise KeyboardInterrupt

    flash = shutil.copy(image, tmp_path / "image")
    with PtyBoard(tmp_path, runs=True, flash=flash) as board:
        runs(board, 1)
        start = len(board.output)
        with pytest.raises(KeyboardInterrupt):
            deployed(board, second, say=TooLate())
        runs(board, 2, start)
    assert read_image(flash) == expected(second)


def test_a_file_that_arrives_wrong_is_not_put_in_place(image, second, tmp_path, monkeypatch):
    put = link.Board.put
    monkeypatch.setattr(
        link.Board, "put", lambda self, path, data, *rest: put(self, path, data[:-1] + b"?", *rest)
    )
    flash = shutil.copy(image, tmp_path / "image")
    with PtyBoard(tmp_path, runs=True, flash=flash) as board:
        runs(board, 1)
        before, start = read_image(flash), len(board.output)
        with pytest.raises(Trouble, match="not what was sent"):
            deployed(board, second)
        runs(board, 1, start)
    assert read_image(flash) == before

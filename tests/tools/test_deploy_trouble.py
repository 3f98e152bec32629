"""What can be wrong with a deployment is found before the board is changed, and said with the
next step; the old node runs on."""

import json

import pytest

from tests.support.ptyboard import PtyBoard
from tests.tools import deployment
from tests.tools.board import eventually
from tests.tools.deployment import (
    EXAMPLE,
    command_line,
    deployed,
    quick,  # noqa: F401 (a fixture for all)
    read_image,
    read_tree,
    runs,
    write_config,
    write_project,
    write_tree,
)
from tools.deploy import Trouble, bundle, plan, ports, settings

SECRETS = ("wifi-secret", "broker-secret")


@pytest.fixture
def second(tmp_path):
    return write_project(tmp_path / "second", 2)


@pytest.fixture
def flash(tmp_path):
    folder = tmp_path / "flash"
    write_tree(folder, deployment.board_files(1, tmp_path / "first"))
    return folder


@pytest.fixture
def board(flash):
    with PtyBoard(flash, runs=True) as board:
        runs(board, 1)
        yield board


def refused(board, text, *arguments, **options):
    """Deploying fails with that text, changes no file, and leaves the old node running."""
    before, lives, start = read_tree(board.folder), board.lives, len(board.output)
    with pytest.raises(Trouble, match=text):
        deployed(board, *arguments, **options)
    eventually(lambda: read_tree(board.folder) == before, "the files are as they were")
    if board.lives > lives:
        runs(board, 1, start)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"node": "a",}', "line 1, column 14"),
        ("[]", "must be an object"),
        (json.dumps({**EXAMPLE, "wifi": {"password": "long enough"}}), "wifi.ssid: missing"),
        (json.dumps({**EXAMPLE, "health": {"every": 0}}), "health.every: 0; must be"),
        (json.dumps({**EXAMPLE, "prefx": "x"}), 'did you mean "prefix"'),
    ],
)
def test_a_bad_config_is_refused_before_the_board_is_even_stopped(board, tmp_path, text, complaint):
    path = tmp_path / "config.json"
    path.write_text(text)
    code, said = command_line(board, "--config", path)
    assert code == 1 and complaint in said and "not deployed" in said
    assert (board.lives, board.commands) == (1, 0)


def test_a_config_that_is_not_there_says_where_to_get_one(board, second, tmp_path):
    refused(board, r"Copy config\.example\.json", second, tmp_path / "config.json")
    assert board.commands == 0


def test_a_pin_that_this_chip_does_not_have_is_refused_on_the_board(board, second, tmp_path):
    devices = [{"kind": "relay", "name": "fan", "pin": 34}]  # on an ESP32-S3 it is an output
    config = write_config(tmp_path / "config.json", devices=devices)
    refused(board, r"devices\[0\]\.pin: 34; this pin of \S+ can only be an input", second, config)


def test_a_board_without_config_is_told_how_to_get_one(board, flash, second):
    (flash / "config.json").unlink()
    refused(board, r"CONFIG=config\.json", second)


def test_a_config_on_the_board_with_which_no_node_can_start_is_refused(board, flash, second):
    (flash / "config.json").write_text(json.dumps({**EXAMPLE, "node": ""}))
    refused(board, r"(?s)board's config\.json.*node: ''", second)


def test_a_config_on_the_board_with_a_small_fault_is_kept_and_told(board, flash, second):
    (flash / "config.json").write_text(json.dumps({**EXAMPLE, "health": {"every": 0}}))
    heard = deployment.Heard()
    assert deployed(board, second, say=heard).start.online
    assert any("health.every: 0" in warning for warning in heard.warnings)


def test_an_example_that_was_never_edited_is_told_each_time_and_put_on_the_board(
    board, second, tmp_path
):
    heard, again = deployment.Heard(), deployment.Heard()
    config = write_config(tmp_path / "config.json")
    assert deployed(board, second, config, say=heard).start.online
    assert [text.partition(" is that of ")[0] for text in heard.warnings] == [
        'config.json: wifi.ssid: "home"',
        "config.json: wifi.password",
        'config.json: mqtt.brokers[0].host: "192.168.1.10"',
    ]
    assert deployed(board, second, say=again).start.online
    assert again.warnings == [f"the board's {text}" for text in heard.warnings]


def test_only_what_is_still_the_example_s_is_told():
    mine = {"ssid": "home", "password": "of my own"}
    assert settings.unedited({"wifi": mine, "mqtt": {"brokers": [{"host": "10.0.0.7"}]}}) == []
    (password,) = settings.unedited({"wifi": {**EXAMPLE["wifi"], "ssid": "mine"}})
    assert password.startswith("wifi.password is that of config.example.json; put there the ")
    hosts = [{"host": "10.0.0.7"}, EXAMPLE["mqtt"]["brokers"][0]]
    (second,) = settings.unedited({"wifi": mine, "mqtt": {"brokers": hosts}})
    assert second.startswith('mqtt.brokers[1].host: "192.168.1.10" is that of')
    for other in (None, [], {"wifi": []}, {"mqtt": {"brokers": [5, {}]}}):
        assert settings.unedited(other) == []


@pytest.mark.parametrize("key", ["password", "pasword", "pass word"])
def test_no_secret_is_ever_printed(board, tmp_path, key):
    config = write_config(
        tmp_path / "config.json",
        wifi={"ssid": "home", key: SECRETS[0] * 3, "hostname": "-"},
        mqtt={**EXAMPLE["mqtt"], key: SECRETS[1] * 9, "keepalive": -1},
    )
    faults = settings.faults_anywhere(json.loads(config.read_text()))
    assert any("wifi.hostname: '-'" in fault for fault in faults)
    code, said = command_line(board, "--config", config)
    assert code == 1 and "mqtt.keepalive: -1" in said
    assert key == "password" or f"wifi.{key}: '***'" in said
    assert not any(secret in said + "".join(faults) for secret in SECRETS)


@pytest.mark.parametrize(
    ("name", "is_folder"), [("lib", False), ("config.json", True), ("main.py", True)]
)
def test_a_file_for_a_folder_or_a_folder_for_a_file_is_refused(board, second, name, is_folder):
    path = board.folder / name
    if path.is_dir():
        path.rename(board.folder / "kept")
    else:
        path.unlink()
    path.mkdir() if is_folder else path.write_text("mine")
    what = "folder" if is_folder else "file"
    with pytest.raises(Trouble, match=rf"(?s){name} is a {what} .*rm -r :{name}"):
        deployed(board, second)


def test_a_board_whose_modules_are_not_its_own_says_so_and_what_to_do(board, second):
    (board.folder / "hashlib.py").write_text("raise ValueError('mine')\n")
    with pytest.raises(Trouble, match=r"ValueError: mine\. Press its reset .*make flash"):
        deployed(board, second)


def test_what_talks_without_end_and_obeys_no_ctrl_c_is_given_up(tmp_path, second, monkeypatch):
    monkeypatch.setattr("tools.deploy.link.ANSWER_S", 1)
    (tmp_path / "main.py").write_text(
        "while True:\n    try:\n        while True:\n            print('another firmware')\n"
        "    except KeyboardInterrupt:\n        pass\n"
    )
    with PtyBoard(tmp_path, runs=True) as board:
        eventually(lambda: board.said("another firmware"), "the program")
        with pytest.raises(Trouble, match=r"talks without a pause.*make flash"):
            deployed(board, second)


def test_a_file_named_as_the_folder_of_waiting_files_gives_way(board, second):
    (board.folder / plan.FOLDER).write_text("")
    assert deployed(board, second).start.online


def test_a_full_file_system_is_noticed_before_anything_is_copied(second, tmp_path):
    flash = full_flash(tmp_path)
    before = read_image(flash)
    with PtyBoard(tmp_path, runs=True, flash=flash) as board:
        runs(board, 1)
        start, heard = len(board.output), deployment.Heard()
        with pytest.raises(Trouble, match=r"bytes free, and the new files need [\d,]+ beside"):
            deployed(board, second, say=heard)
        runs(board, 1, start)
    assert heard.copied == [] and read_image(flash) == before


def test_a_file_system_that_gets_full_on_the_way_leaves_the_old_node(second, tmp_path, monkeypatch):
    monkeypatch.setattr(plan.Plan, "blocks", lambda *_: 0)
    (second / "lib/node/second.py").write_text(f"V = 2\nTEXT = b'{'x' * 40000}'\n")
    flash = full_flash(tmp_path)
    before = read_image(flash)
    with PtyBoard(tmp_path, runs=True, flash=flash) as board:
        runs(board, 1)
        start = len(board.output)
        with pytest.raises(Trouble, match=r"file system is full.*tree"):
            deployed(board, second)
        runs(board, 1, start)
    assert read_image(flash) == before


def full_flash(folder):
    """A flash with version 1 and little room."""
    files = {**deployment.board_files(1, folder / "first"), "own.dat": b"\xa5" * 4096 * 22}
    return deployment.write_image(folder / "image", 36, files)


def test_firmware_that_loads_another_bytecode_is_refused(flash, second):
    with PtyBoard(flash, runs=True, mpy=5) as board:
        runs(board, 1)
        refused(board, r"bytecode version 5, and this is version 6.*make flash", second)


def test_bytecode_is_compared_with_what_the_board_can_load():
    plain, native = {"a.mpy": b"M\x06\x00\x1f"}, {"a.mpy": b"M\x06\x2b\x1f"}
    assert bundle.bytecode_fault(plain, 0x2B06) == ""
    assert bundle.bytecode_fault(plain, 0x0106) == ""  # an older sub-version, for machine code only
    assert "version 7" in bundle.bytecode_fault(plain, 7)
    assert "no .mpy" in bundle.bytecode_fault(plain, 0)
    assert bundle.bytecode_fault(native, 10 << 10 | 3 << 8 | 6) == ""
    assert "another chip" in bundle.bytecode_fault(native, 11 << 10 | 3 << 8 | 6)


def test_a_source_that_does_not_compile_is_named(board, second):
    (second / "lib/node/app.py").write_text("def (\n")
    refused(board, r"(?s)app\.py: mpy-cross does not take it.*SyntaxError", second)


def test_a_board_that_does_not_answer_is_told_from_one_that_is_not_there(
    board, second, monkeypatch
):
    monkeypatch.setattr("tools.deploy.link.ANSWER_S", 0.5)
    board.deaf = True
    with pytest.raises(Trouble, match="does not answer. Press its reset button"):
        deployed(board, second)
    board.deaf = False
    with ports.open_port(board.port).serial, pytest.raises(Trouble, match="has it open"):
        deployed(board, second)
    board.unplug()
    with pytest.raises(Trouble, match="no such port"):
        deployed(board, second)


def test_without_a_port_the_only_board_is_taken_and_several_are_listed(monkeypatch):
    found = [("/dev/ttyUSB0", "CP2102")]
    monkeypatch.setattr(ports, "candidates", lambda: found)
    assert ports.find("") == "/dev/ttyUSB0"
    found.append(("/dev/ttyACM0", "ESP32-S3"))
    with pytest.raises(Trouble, match=r"(?s)several.*PORT=/dev/ttyUSB0.*PORT=/dev/ttyACM0"):
        ports.find("")
    found.clear()
    with pytest.raises(Trouble, match="cable that carries data"):
        ports.find("")
    assert ports.find("/dev/ttyS9") == "/dev/ttyS9"


def test_boot_py_that_never_ends_does_not_lock_deploy_out(flash, second, monkeypatch):
    monkeypatch.setattr("tools.deploy.link.ANSWER_S", 2)
    (flash / "boot.py").write_text("import time\nprint('hangs')\nwhile True:\n    time.sleep(1)\n")
    with PtyBoard(flash, runs=True) as board:
        eventually(lambda: board.said("hangs"), "boot.py")
        assert deployed(board, second).start.online


def test_a_node_frozen_into_the_firmware_gets_no_lib(board, flash, second, monkeypatch):
    ask = deployment.work.link.Board.ask
    monkeypatch.setattr(
        "tools.deploy.link.Board.ask",
        lambda self, call: (
            {**ask(self, call), "frozen": True} if call == "facts()" else ask(self, call)
        ),
    )
    outcome = deployed(board, second, wait=0)
    assert outcome.copied == ["boot.py"] and outcome.start.online is None
    left = ["boot.py", "config.json", "main.py"]
    eventually(lambda: sorted(read_tree(flash)) == left, "the files are in place")

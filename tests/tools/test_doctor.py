"""make doctor names what is wrong, with the next step, and leaves the node running."""

import json
import socket
import threading

import pytest

from tests.broker.brokers import Mosquitto
from tests.support.ports import closed_port
from tests.support.ptyboard import FLASH_BLOCK, PtyBoard, make_flash
from tests.tools.board import PATIENCE_S, eventually
from tests.tools.deployment import (
    EXAMPLE,
    quick,  # noqa: F401 (a fixture for all)
    read_tree,
    real_node,
    write_tree,
)
from tools.deploy import plan, ports
from tools.doctor import BAD, DOUBT, GOOD, LEFT_OUT, Finding, __main__, board, host
from tools.flash.settings import split

SECRET = "never to be seen"
OFFLINE_S = 4  # for the node to start and to say why it is not online


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory):
    broker = Mosquitto(tmp_path_factory.mktemp("broker"), users={"node": SECRET}).start()
    yield broker
    broker.stop()


def config_for(port, password=SECRET):
    mqtt = {
        "brokers": [{"host": "127.0.0.1", "port": port}],
        "username": "node",
        "password": password,
    }
    return {**EXAMPLE, "mqtt": mqtt, "wifi": {"ssid": "home", "password": "of this house"}}


@pytest.fixture
def flash(tmp_path, mosquitto):
    """The real node, complete."""
    folder = tmp_path / "flash"
    config = json.dumps(config_for(mosquitto.port)).encode()
    write_tree(folder, {**real_node(), "config.json": config})
    return folder


@pytest.fixture
def node(flash):
    with PtyBoard(flash, runs=True, heap="384k") as node:
        node.state.wifi(join_ms=30)
        eventually(lambda: node.said("mqtt: connected"), "the node is online")
        yield node


def examined(node, config=None, seconds=PATIENCE_S):
    """check -> finding; the broker from here and the one from the board stand apart. `seconds`:
    for the node to come online, waited for in full where it cannot."""
    found = board.examine(node.port, config, seconds, tries=2, files=real_node())
    return {finding.check: finding for finding in found}


def test_a_healthy_node_has_only_good_findings_and_runs_on(node, flash):
    before = read_tree(flash)
    found = examined(node)
    local = found.pop("broker")
    assert local.state == DOUBT and "the board itself" in local.text  # it is on the loopback
    assert {finding.state for finding in found.values()} == {GOOD}, found
    assert list(found) == [
        "board",
        "firmware",
        "file system",
        "files",
        "board's config",
        "Wi-Fi",
        "broker, from the board",
    ]
    eventually(lambda: read_tree(flash) == before, "the files are as they were")
    assert SECRET not in str(found)


def test_wrong_files_another_config_and_a_weak_signal_are_told(node, flash, mosquitto):
    (flash / "lib/node/old.py").write_bytes(b"")
    (flash / "lib/node/app.mpy").write_bytes(b"M\x06\x00\x1f")
    node.state.wifi(rssi=-88)
    found = examined(node, config_for(mosquitto.port, "another"), OFFLINE_S)
    assert found["files"].state == DOUBT
    assert "app.mpy" in found["files"].text and "old.py" in found["files"].text
    assert "not the one on this computer" in found["board's config"].text
    assert "make deploy" in found["files"].next and found["Wi-Fi"].state == BAD  # it cannot start


def test_a_network_that_is_not_there_is_told_with_the_nodes_words(node):
    node.state.wifi(present=False)
    found = examined(node, seconds=OFFLINE_S)
    assert found["Wi-Fi"].state == BAD
    assert "no access point" in found["Wi-Fi"].text and "check wifi.ssid" in found["Wi-Fi"].next


def test_a_broker_that_the_board_cannot_reach_is_told_apart(node, mosquitto, monkeypatch):
    monkeypatch.setattr(host, "brokers", lambda config: iter(()))
    node.state.wifi(rssi=-88)
    mosquitto.stop()
    try:
        found = examined(node, seconds=OFFLINE_S)
    finally:
        mosquitto.start()
    assert found["Wi-Fi"].state == DOUBT and "weak" in found["Wi-Fi"].text
    assert found["broker, from the board"].state == BAD
    assert "start the broker" in found["broker, from the board"].next


def test_an_empty_board_is_told_to_be_deployed_to(tmp_path):
    with PtyBoard(tmp_path, runs=True) as empty:
        found = examined(empty)
    assert (found["files"].state, found["files"].next) == (BAD, "make deploy CONFIG=config.json")
    assert found["board's config"].state == BAD and "Wi-Fi" not in found


def test_a_config_whose_passwords_make_flash_took_to_the_nvs_is_the_one_on_this_computer(tmp_path):
    own = config_for(1883)
    public, secrets = split(own)
    assert set(secrets.values()) == {SECRET.encode(), b"of this house"}
    write_tree(tmp_path / "flash", {"config.json": json.dumps(public).encode(), "main.py": b""})
    with PtyBoard(tmp_path / "flash", runs=True) as node:
        assert examined(node, own)["board's config"].state == GOOD
        other = {**own, "wifi": {**own["wifi"], "ssid": "other"}}
        assert examined(node, other)["board's config"].state == DOUBT


def test_a_file_system_with_less_room_than_a_deployment_wants_is_doubted(tmp_path):
    blocks = plan.whole(real_node(), FLASH_BLOCK) // FLASH_BLOCK
    flash = make_flash(tmp_path / "flash", blocks)  # it takes two for itself
    with PtyBoard(tmp_path, runs=True, flash=flash) as empty:
        found = examined(empty)["file system"]
    assert found.state == DOUBT and f"whole node takes {blocks * FLASH_BLOCK:,}" in found.text


def test_without_a_board_the_host_side_is_checked(tmp_path, monkeypatch, capsys, mosquitto):
    monkeypatch.setattr(ports, "candidates", list)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config_for(mosquitto.port)))
    assert __main__.main(["--config", str(path)]) == 0
    said = capsys.readouterr().out
    assert "every setting is in order" in said and "cable that carries data" in said
    with closed_port() as port:
        path.write_text(json.dumps({**config_for(port), "prefix": "a//b"}))
        assert __main__.main(["--config", str(path)]) == 1
        said = capsys.readouterr().out
    assert "prefix: 'a//b'" in said and "the port is closed" in said and "1 wrong" in said
    assert SECRET not in said
    assert __main__.main(["--config", str(path), "--port", "/dev/no-such-port"]) == 1
    assert "no such port" in capsys.readouterr().out


def test_what_is_wrong_with_a_broker_is_told_apart(mosquitto, monkeypatch):
    group = {"username": "node", "password": "wrong"}
    refused = host.broker("127.0.0.1", mosquitto.port, group)
    assert refused.state == BAD and "mqtt.password" in refused.next
    assert "no such name" in host.broker("no.such.name.invalid", 1883, {}).text
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(target=lambda: server.accept()[0].close(), daemon=True).start()
        assert "does not answer as an MQTT broker" in host.broker("127.0.0.1", port, {}).text
        monkeypatch.setattr(host, "BROKER_S", 0.5)
        silent = host.broker("127.0.0.1", port, {})
        assert silent.state == BAD and "TLS" in silent.next


def test_a_config_that_cannot_be_read_is_a_finding(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [found.state for found in host.read_config(None)[1]] == [LEFT_OUT]
    (tmp_path / "config.json").write_text("{")
    config, found = host.read_config(None)
    assert config is None and found[0].state == BAD and "not JSON" in found[0].text
    assert list(host.brokers([])) == list(host.brokers({"mqtt": {"brokers": [7, {}]}})) == []


def test_other_tools_than_the_pinned_ones_are_told(monkeypatch):
    assert host.computer().state == GOOD
    monkeypatch.setattr(host, "_version", lambda name: None)
    assert host.computer().state == BAD and host.computer().next == "make setup"


def test_an_example_that_was_never_edited_is_doubted_here_and_on_the_board(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(host, "brokers", lambda config: [])
    monkeypatch.setattr(ports, "candidates", list)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(EXAMPLE))
    assert __main__.main(["--config", str(path)]) == 0
    said = capsys.readouterr().out
    assert "put there the name of your network" in said and "what has a ? may be wrong" in said
    write_tree(tmp_path / "flash", {"config.json": path.read_bytes(), "main.py": b""})
    with PtyBoard(tmp_path / "flash", runs=True) as node:
        found = examined(node)
    assert found["board's config"].state == DOUBT
    assert 'mqtt.brokers[0].host: "192.168.1.10"' in found["board's config"].text
    assert "may never be online" in found["board's config"].next


def test_what_could_not_be_looked_at_is_not_called_right(monkeypatch, capsys):
    for state, said in ((LEFT_OUT, "what has a - could not"), (GOOD, "as far as this can be seen")):
        monkeypatch.setattr(
            __main__, "findings", lambda options, s=state: [Finding("board", s, "x")]
        )
        assert __main__.main([]) == 0
        assert said in capsys.readouterr().out

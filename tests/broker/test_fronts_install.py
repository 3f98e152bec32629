"""lib/mqtt installs alone, and its examples run: by mip onto the Unix port from a web server of
our own, then every example against Mosquitto, on the Unix port from what mip installed and on
CPython from the sources. The code on the pages is that of the examples.
"""

import functools
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support import runtimes

ROOT = runtimes.ROOT
MQTT = ROOT / "lib/mqtt"
EXAMPLES = ROOT / "examples/mqtt"
PAGES = ("lib/mqtt/README.md", "docs/asyncio.md", "docs/from-umqtt.md")
# What no board needs: _cpython.py is imported on CPython only; the manifest is for the build.
NOT_INSTALLED = {"_cpython.py", "manifest.py"}


def modules():
    return sorted({path.name for path in MQTT.glob("*.py")} - NOT_INSTALLED)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves lib/mqtt, and remembers what was asked for."""

    asked = []

    def log_message(self, *_):
        self.asked.append(self.path)


@pytest.fixture(scope="module")
def installed(micropython, tmp_path_factory):
    """The folder that mip made."""
    folder = tmp_path_factory.mktemp("mip") / "lib"
    Quiet.asked = []
    handler = functools.partial(Quiet, directory=str(MQTT))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/package.json"
    code = f"import mip\nmip.install({url!r}, target={str(folder)!r})\n"
    done = run([micropython, "-c", code], {"MICROPYPATH": ".frozen"}, folder.parent)
    server.shutdown()
    server.server_close()
    assert "Done" in done
    return folder


def run(command, environment, folder):
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def play(runtime, request, tmp_path):
    """play(code): start Python code with mqtt and the examples on its path; its process."""
    started = []

    def start(code):
        if runtime == "unix":
            lib = request.getfixturevalue("installed")
            command = [runtimes.micropython_command(), "-c", code]
            environment = {"MICROPYPATH": f"{lib}:{EXAMPLES}:.frozen"}
        else:
            command = [sys.executable, "-S", "-c", code]
            environment = {"PYTHONPATH": f"{ROOT / 'lib'}:{EXAMPLES}"}
        started.append(
            subprocess.Popen(
                command,
                cwd=tmp_path,
                env={"PATH": os.environ["PATH"], **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def said(process):
    """All that it printed, once it has ended well."""
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0, text
    return text


@pytest.fixture
def mosquitto(make_broker):
    return make_broker("mosquitto")


@pytest.fixture
def judge(mosquitto, make_judge):
    client = make_judge(mosquitto.port)
    client.subscribe("#", 1)
    return client


def test_mip_installs_every_module_a_board_needs_and_nothing_else(installed):
    assert sorted(path.name for path in (installed / "mqtt").iterdir()) == modules()
    for name in modules():
        assert (installed / "mqtt" / name).read_bytes() == (MQTT / name).read_bytes()


def test_the_package_names_only_files_of_its_own():
    package = json.loads((MQTT / "package.json").read_text())
    assert package["deps"] == []
    assert all(target == f"mqtt/{source}" for target, source in package["urls"])
    assert [source for _, source in package["urls"]] == modules()


def test_the_manifest_freezes_the_same_modules_in_the_same_version():
    calls = []
    names = {
        "metadata": lambda **what: calls.append(what),
        "package": lambda name, files, base_path: calls.append((name, list(files), base_path)),
    }
    exec((MQTT / "manifest.py").read_text(), names)
    about, frozen = calls
    assert frozen == ("mqtt", modules(), "..")
    assert about["version"] == json.loads((MQTT / "package.json").read_text())["version"]
    assert about["description"]


def test_telemetry_is_published_and_acknowledged(mosquitto, judge, play):
    code = "import telemetry; print(telemetry.main('127.0.0.1', %d, 20, 5))"
    assert said(play(code % mosquitto.port)).split() == ["5"]
    payloads = judge.log.wait(lambda log: len(log) >= 5 and log, "five readings")
    assert [(m.topic, m.qos, m.payload.isdigit()) for m in payloads] == [
        ("porch/heap", 1, True)
    ] * 5


def test_commands_by_wildcard_switch_and_tell_the_state(mosquitto, judge, play):
    code = (
        "import commands\n"
        "lamps = commands.main('127.0.0.1', %d, lambda lamps: len(lamps.on) == 2)\n"
        "print(sorted(lamps.on.items()))\n"
    )
    process = play(code % mosquitto.port)
    for lamp, wanted in (("left", "OFF"), ("left", "DANCE"), ("right", "ON")):
        judge.publish(f"porch/{lamp}/set", wanted, retain=True)
        if wanted != "DANCE":
            judge.wait(f"porch/{lamp}/state", wanted)
    assert said(process).strip() == "[(b'left', False), (b'right', True)]"


def test_a_transport_of_your_own_carries_it(mosquitto, judge, play):
    code = (
        "import socket, select, serial_line\n"
        "class Line:\n"  # a UART whose other end is a modem: a socket to the broker
        "    def __init__(self, port):\n"
        "        self.s = socket.socket()\n"
        "        self.s.connect(socket.getaddrinfo('127.0.0.1', port)[0][-1])\n"
        "        self.poll = select.poll()\n"
        "        self.poll.register(self.s, select.POLLIN)\n"
        "    def any(self):\n"
        "        return 1 if self.poll.poll(0) else 0\n"
        "    def readinto(self, buf, n):\n"
        "        data = self.s.recv(n)\n"
        "        buf[:len(data)] = data\n"
        "        return len(data)\n"
        "    def read(self, n):\n"
        "        return self.s.recv(n)\n"
        "    def write(self, buf, off, n):\n"
        "        return self.s.send(memoryview(buf)[off:off + n])\n"
        "print(serial_line.main(Line(%d), 3))\n"
    )
    assert said(play(code % mosquitto.port)).split() == ["3"]
    judge.log.wait(lambda log: len(log) >= 3, "three messages")
    assert judge.payloads("modem/hello") == ["over the line"] * 3


def test_asyncio_firmware_and_a_blocking_script_talk_to_each_other(mosquitto, judge, play):
    firmware = play(
        "import asyncio, with_asyncio\n"
        "print(asyncio.run(with_asyncio.main('127.0.0.1', %d)))" % mosquitto.port
    )
    judge.wait("porch/alive", "yes")
    script = play("import script; print(script.main('127.0.0.1', %d))" % mosquitto.port)
    assert said(script).strip() == "[b'stop']"
    assert int(said(firmware)) >= 2
    assert judge.payloads("porch/heard") == ["stop"]


def test_every_example_is_run_here_and_named_by_the_readme():
    tests = Path(__file__).read_text()
    readme = (MQTT / "README.md").read_text()
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    assert names == {"telemetry", "commands", "serial_line", "with_asyncio", "script"}
    for name in names:
        assert f"{name}.main(" in tests and f"{name}.py" in readme


@pytest.mark.parametrize("page", PAGES)
def test_the_code_on_the_page_is_that_of_the_examples(page):
    """Each block stands in an example, line for line; so what runs here is what is read there."""
    sources = [path.read_text() for path in EXAMPLES.glob("*.py")]
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        parts = [part.strip("\n") for part in block.split("\n...\n")]
        assert any(all(part in source for part in parts) for source in sources), block


@pytest.mark.parametrize("page", PAGES)
def test_every_link_on_the_page_leads_somewhere(page):
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target

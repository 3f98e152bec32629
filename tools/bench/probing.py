"""Run the probe: one operation of one client on MicroPython, against a partner of its own."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.runtimes import micropython_command
from tools.bench.partner import Partner

HERE = Path(__file__).parent
PROBE = HERE / "board" / "probe.py"
WARM_UP = 20  # as in probe.py
TIMEOUT_S = 60
HEAP = "64M"  # nothing is collected while a figure is taken


class Trouble(Exception):
    """A figure could not be had; the text says why and what to do."""


@dataclass
class Outcome:
    """Of one probe. `report`: its JSON. `instructions`: of the process, 0 without callgrind."""

    report: dict
    output: str
    counts: dict
    instructions: int = 0


def valgrind_command():
    """What goes before the interpreter. Raises Trouble."""
    path = shutil.which("valgrind")
    if not path:
        raise Trouble(
            "valgrind is not installed, and it counts the instructions. On Debian or Ubuntu type:\n"
            "    sudo apt-get install valgrind\nor name the other parts with --only"
        )
    return [path, "--tool=callgrind", "--callgrind-out-file=/dev/null"]


def interpreter():
    """The Unix port as valgrind can run it: a wheel's command is a Python script."""
    command = micropython_command()
    with open(command, "rb") as file:
        script = file.read(2) == b"#!"
    return [sys.executable, command] if script else [command]


def run(client, mode, operation, times, under=()):
    """One probe of `client` (see catalogue.py). `under`: a command to run it with."""
    with Partner() as partner:
        words = [mode, client.adapter, operation, str(times), str(partner.port)]
        command = [*under, *interpreter(), "-X", f"heapsize={HEAP}", str(PROBE), *words]
        folders = [HERE / "board", HERE / "peers", *client.folders]
        path = ":".join([*map(str, folders), ".frozen"])
        environment = {"PATH": os.environ.get("PATH", ""), "MICROPYPATH": path}
        # The wheel's interpreter is started by CPython, whose own start must count the same.
        environment["PYTHONHASHSEED"] = "0"
        try:
            done = subprocess.run(
                command,
                env=environment,
                cwd=HERE / "board",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT_S,
            )
        except subprocess.TimeoutExpired as late:
            said = (late.stdout or b"").decode("utf-8", "replace")
            raise Trouble(
                f"{client.name}, {operation}: no end after {TIMEOUT_S} s\n{said}"
            ) from None
        counts = dict(partner.counts)
    output = done.stdout.decode("utf-8", "replace")
    reports = re.findall(r"^\{.*\}$", output, re.M)
    if done.returncode or not reports:
        raise Trouble(f"{client.name}, {operation}: the probe failed\n{output}")
    refs = re.search(r"Collected : (\d+)", output)
    instructions = int(refs[1]) if refs else 0
    return Outcome(json.loads(reports[-1]), output, counts, instructions)

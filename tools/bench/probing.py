"""Run the probe: one operation of one client on MicroPython, against a partner of its own."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

from tests.support.runtimes import micropython_command
from tools.bench.partner import Partner

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


def run(stage, contender, mode, operation, times, under=()):
    """One probe of `contender`. `under`: a command to run it with. Raises Trouble."""
    with Partner() as partner:
        words = [mode, contender.adapter, operation, str(times), str(partner.port)]
        output = execute(stage.path(contender), ["probe", *words], under)
        partner.all_came()
        counts = dict(partner.counts)
    refs = re.search(r"Collected : (\d+)", output)
    return Outcome(report_in(output), output, counts, int(refs[1]) if refs else 0)


def execute(folders, words, under=(), heap=HEAP, timeout=TIMEOUT_S):
    """What a program of board/ says: `words` are its name and its arguments. Raises Trouble."""
    name, *arguments = words
    code = f"import sys; sys.argv[1:] = {arguments!r}; import {name}"
    command = [*under, *interpreter(), "-X", f"heapsize={heap}", "-c", code]
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "MICROPYPATH": ":".join([*map(str, folders), ".frozen"]),
        # The wheel's interpreter is started by CPython, whose own start must count the same.
        "PYTHONHASHSEED": "0",
    }
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=folders[-1],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"").decode("utf-8", "replace")
        raise Trouble(f"{words}: no end after {timeout} s\n{said[-2000:]}") from None
    output = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        raise Trouble(f"{words}: ended with {done.returncode}\n{output[-2000:]}")
    return output


def report_in(output):
    """The JSON object that a program of board/ printed last. Raises Trouble."""
    reports = re.findall(r"^\{.*\}$", output, re.M)
    if not reports:
        raise Trouble(f"no report came:\n{output[-2000:]}")
    return json.loads(reports[-1])

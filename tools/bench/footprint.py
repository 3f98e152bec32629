"""What a client takes: bytes of .mpy, bytes of heap, and the least heap that it works with.

On 64 bits, where a block of the heap is 32 bytes: a board holds about half.
"""

from dataclasses import dataclass

from tools.bench import probing
from tools.bench.catalogue import FLOOR
from tools.bench.probing import Trouble

STEP = 1024
MOST = 256 * 1024


@dataclass
class Footprint:
    mpy: int  # of the files that were imported
    imported: int
    connected: int
    least: int


def of(stage, port, contenders, tell=lambda text: None):
    """{contender name: Footprint}. Raises Trouble."""
    figures = {}
    for c in contenders:
        if c is not FLOOR:
            tell(f"footprint: {c.name}")
            figures[c.name] = footprint(stage, c, port)
    return figures


def footprint(stage, contender, port):
    words = ["footprint", contender.adapter, contender.module, str(port)]
    report = probing.report_in(probing.execute(stage.path(contender), words))
    files = [stage.folder(contender) / name for name in report["files"] if name]
    return Footprint(
        sum(path.stat().st_size for path in files if path.is_file()),
        report["imported"],
        report["connected"],
        least_heap(stage, contender, port),
    )


def least_heap(stage, contender, port):
    """In steps of STEP bytes, by halving."""
    fails, works = 0, MOST // STEP
    if not works_with(stage, contender, port, works * STEP):
        raise Trouble(f"{contender.name} does not work with {MOST} bytes of heap either")
    while works - fails > 1:
        middle = (fails + works) // 2
        if works_with(stage, contender, port, middle * STEP):
            works = middle
        else:
            fails = middle
    return works * STEP


def works_with(stage, contender, port, heap):
    words = ["least", contender.adapter, str(port)]
    try:
        output = probing.execute(stage.path(contender), words, heap=str(heap), timeout=20)
    except Trouble:
        return False
    return "it works True" in output

"""Instructions per operation, counted by callgrind.

A figure is the difference of two runs, of N and of 2N operations, divided by N: what start,
connection and warm-up take falls out. Off it go the loop, the waiting for the partner's packets
and the asking for messages, each measured in the same way without a client.
"""

import os
from concurrent.futures import ThreadPoolExecutor

from tools.bench import probing
from tools.bench.catalogue import NONE

TIMES = 100


def per_operation(stage, contenders, times=TIMES, operations=(), tell=lambda text: None):
    """{contender name: {operation: instructions}}; of all operations, or of those named. Raises
    probing.Trouble."""
    under = probing.valgrind_command()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {
            (c.name, op): pool.submit(slope, stage, c, op, times, under)
            for c in (NONE, *contenders)
            for op in c.operations
            if c is NONE or not operations or op in operations
        }
        slopes = {}
        for (name, op), job in jobs.items():
            slopes[name, op] = job.result()
            tell(f"{name}: {op}")
    return account(slopes)


def slope(stage, contender, operation, times, under):
    """(instructions, waits) of one more operation."""
    if contender.waits_alone and operation.endswith(" 1"):
        times = max(1, times // 10)
    once = probing.run(stage, contender, "count", operation, times, under)
    twice = probing.run(stage, contender, "count", operation, 2 * times, under)
    return (
        (twice.instructions - once.instructions) / times,
        (twice.report["waits"] - once.report["waits"]) / times,
    )


def account(slopes):
    """Take loop, waiting and asking off. `slopes`: {(name, operation): (instructions, waits)}."""
    loop, _ = slopes[NONE.name, "loop"]
    ask, _ = slopes[NONE.name, "ask"]  # with its loop, and an empty call
    wait = slopes[NONE.name, "wait"][0] - ask
    figures = {}
    for (name, operation), (instructions, waits) in slopes.items():
        if name != NONE.name:
            empty = ask if operation.startswith("receive") else loop
            net = instructions - empty - waits * wait
            figures.setdefault(name, {})[operation] = round(net)
    return figures

"""What an operation leaves on the heap, asks of it, and whether it can do without.

objects    heads of chains of blocks in the dump of the heap, after less before
bytes      gc.mem_alloc(), after less before: blocks of 32 bytes on 64 bits
requested  micropython.mem_total(): all that was asked for, also what was given back
lock       whether it passes under micropython.heap_lock(), and does what it should

Each is of several operations with the collector off, divided by their number. The lock has a run
of its own, since a client that was refused memory in the middle is of no use afterwards.
"""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tools.bench import probing
from tools.bench.probing import WARM_UP, Trouble

TIMES = 40
LOCKED_TIMES = 3
_PUBLISH, _PUBACK, _PUBREL, _PUBCOMP, _PINGREQ = 3, 4, 6, 7, 12
# What the partner must have got from each operation, by packet type.
SENT = {
    "publish 0": {_PUBLISH},
    "publish 1": {_PUBLISH},
    "publish 2": {_PUBLISH, _PUBREL},
    "prepared 0": {_PUBLISH},
    "prepared 1": {_PUBLISH},
    "prepared 2": {_PUBLISH, _PUBREL},
    "receive 1": {_PUBACK},
    "receive 2": {_PUBCOMP},
    "ping": {_PINGREQ},
}


@dataclass
class Account:
    """Per operation. `refusal`: what it said under the lock, or None."""

    objects: float
    bytes: float
    requested: float
    lock: bool
    refusal: str | None


def per_operation(stage, contenders, times=TIMES, operations=(), tell=lambda text: None):
    """{contender name: {operation: Account}}; of all operations, or of those named. Raises
    Trouble."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {
            (c.name, op): pool.submit(account, stage, c, op, times)
            for c in contenders
            for op in c.operations
            if not operations or op in operations
        }
        accounts = {}
        for (name, operation), job in jobs.items():
            accounts.setdefault(name, {})[operation] = job.result()
            tell(f"{name}: {operation}")
    return accounts


def account(stage, contender, operation, times):
    outcome = probing.run(stage, contender, "heap", operation, times)
    check(contender, operation, times, outcome)
    before, after = (objects_in(dump) for dump in dumps_in(outcome.output))
    refusal = under_lock(stage, contender, operation)
    return Account(
        (after - before) / times,
        outcome.report["held"] / times,
        outcome.report["total"] / times,
        refusal is None,
        refusal,
    )


def under_lock(stage, contender, operation):
    """None, or why it does not pass."""
    try:
        outcome = probing.run(stage, contender, "lock", operation, LOCKED_TIMES)
        if not outcome.report["error"]:
            check(contender, operation, LOCKED_TIMES, outcome)
    except Trouble as trouble:  # it died, hung, or said that all went well and did nothing
        return str(trouble)
    return outcome.report["error"]


def check(contender, operation, times, outcome):
    """That the operations really took place. Raises Trouble."""
    for kind in SENT.get(operation, ()):
        if outcome.counts.get(kind, 0) < WARM_UP + times:
            raise Trouble(
                f"{contender.name}, {operation}: {outcome.counts.get(kind, 0)} packets of type "
                f"{kind} came, not {WARM_UP + times}\n{outcome.output[-2000:]}"
            )
    if operation.startswith("receive") and outcome.report["seen"] < times:
        raise Trouble(f"{contender.name}, {operation}: not every message reached the handler")


def dumps_in(output):
    """The maps of the heap that micropython.mem_info(1) printed, one text each."""
    starts = [m.end() for m in re.finditer(r"GC memory layout; from [0-9a-f]+:\n", output)]
    return [_lines(output[start:]) for start in starts]


def _lines(text):
    lines = []
    for line in text.splitlines():
        found = re.match(r"[0-9a-f]{8}: (\S+)$", line)
        if found:
            lines.append(found[1])
        elif "lines all free" not in line:
            break
    return "".join(lines)


def objects_in(dump):
    """Every letter but "." (free) and "=" (the rest of an object) begins one."""
    return len(dump) - dump.count(".") - dump.count("=")

"""Runs on MicroPython: what the runs of a piece of code take from the heap."""

import gc

import micropython

TIMES = 16
WARM_UP = 3
_TRAFFIC = hasattr(micropython, "mem_total")


def judge(setup, body):
    """(passes under the lock, bytes left behind by a run, bytes asked for by a run or None)."""
    run = function(setup, body)
    for _ in range(WARM_UP):
        run()
    gc.collect()
    gc.disable()
    asked = total()
    left = gc.mem_alloc()
    for _ in range(TIMES):
        run()
    left = gc.mem_alloc() - left
    asked = total() - asked
    gc.enable()
    passes = locked(function(setup, body))  # one that was refused memory midway may be spoiled
    return passes, -(-left // TIMES), -(-asked // TIMES) if _TRAFFIC else None


def function(setup, body):
    """The function made of `body`, among the names that `setup` makes."""
    names = {}
    exec(setup, names)
    exec("def run():\n    " + body.replace("\n", "\n    "), names)
    return names["run"]


def locked(run):
    for _ in range(WARM_UP):
        run()
    gc.collect()
    passes = True
    micropython.heap_lock()
    try:
        run()
    except MemoryError:
        passes = False
    micropython.heap_unlock()
    return passes


def total():
    return micropython.mem_total() if _TRAFFIC else 0

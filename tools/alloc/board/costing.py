"""Runs on MicroPython: how long a piece of code takes, beside another that does the same."""

from time import ticks_diff, ticks_us

_RUNS = 10  # of the code, written out, in a turn of the loop
_TURNS = 200
_BURSTS = 40  # of which the fastest counts: what else runs on the machine only adds


def pairs(codes):
    """[(ns of the one, ns of the other)] for each [setup, one, other]."""
    return [(cost(setup, one), cost(setup, other)) for setup, one, other in codes]


def cost(setup, body):
    full = fastest(setup, [body] * _RUNS)
    return (full - fastest(setup, ["pass"])) * 1000 // (_RUNS * _TURNS)


def fastest(setup, lines):
    names = {}
    exec(setup, names)
    body = "".join("        %s\n" % line for line in lines)
    exec("def run():\n    for _ in range(%d):\n%s" % (_TURNS, body), names)
    run = names["run"]
    best = None
    for _ in range(_BURSTS):
        began = ticks_us()
        run()
        took = ticks_diff(ticks_us(), began)
        best = took if best is None else min(best, took)
    return best

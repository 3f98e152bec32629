"""What the habits of hot code save, in time: the same thing done two ways on the Unix port."""

import json

from tests.support.runtimes import run_code
from tools.alloc.table import BOARD

_STORE = """
class Plain:
    def __init__(self):
        self.a = 0
class Propertied:
    def __init__(self):
        self.a = 0
    @property
    def other(self):
        return 0
plain = Plain()
propertied = Propertied()
"""
_CALLS = """
class Thing:
    def method(self, a):
        return a
def function(o, a):
    return a
o = Thing()
buf = bytearray(8)
_len = len
"""
# (what, its code, instead, its code, setup)
HABITS = (
    (
        "`o.a = 1`, a property somewhere in the class",
        "propertied.a = 1",
        "none in the class",
        "plain.a = 1",
        _STORE,
    ),
    ("`o.method(1)`", "o.method(1)", "`function(o, 1)`", "function(o, 1)", _CALLS),
    ("`len(buf)`", "len(buf)", "`_len(buf)`, with `_len = len` above", "_len(buf)", _CALLS),
)


def measured():
    """[(ns of the one, ns of the other)] of each of HABITS, less an empty loop."""
    pairs = json.dumps([[setup, one, other] for _, one, _, other, setup in HABITS])
    code = f"import costing, json\nprint(json.dumps(costing.pairs(json.loads({pairs!r}))))"
    done = run_code("unix", code, [BOARD])
    if done.code != 0:
        raise RuntimeError(done.output)
    return json.loads(done.output)


def markdown(found):
    """The habits as a table of docs/allocation.md. Ratios: times differ from machine to machine."""
    lines = ["| this | instead | takes |", "|---|---|---|"]
    for (what, _, instead, _, _), (one, other) in zip(HABITS, found, strict=True):
        lines.append(f"| {what} | {instead} | {other / one:.0%} of the time |")
    return "\n".join(lines)

"""Device kinds: the contract of docs/extending.md over every kind there is, and its example."""

import json
import os
import sys

import node.devices
from check import eq, true
from node.fields import Fields, device_class
from node.jsonout import Writer
from nodefakes import Bench, Board, example

# As printed in docs/extending.md; a test compares the two.
EXAMPLE = r"""
class Device:
    KEYS = {"every": ["int", 10, 1, 3600]}
    COUNTS = ["ok"]
    SIZE = 20
    GAP_MS = 0

    qos = 0
    retain = False
    replace = True

    def __init__(self, entry, board):
        self.every = entry["every"]
        self.dirty = False
        self.counts = [0]

    def sample(self, now):
        self.counts[0] = self.counts[0] + 1 & 0x3FFFFFFF
        self.dirty = True
        return 0

    def encode(self, out):
        out.fill(b'{"count":\x01}', self.counts)

    def describe(self):
        return [["count", "", ""]]
"""


class Module:
    """Stands for the file lib/node/devices/counter.py."""

    def __init__(self, text):
        names = {}
        exec(text, names)
        self.Device = names["Device"]


def with_counter(do):
    sys.modules["node.devices.counter"] = Module(EXAMPLE)
    try:
        do()
    finally:
        del sys.modules["node.devices.counter"]


def run_counter():
    data = example()
    data["devices"].append({"kind": "counter", "name": "ticks", "every": 5})
    bench = Bench(data).connect()
    bench.run(14000)
    eq(bench.said("ticks/state"), [b'{"count":1}', b'{"count":2}', b'{"count":3}'])
    bench.run(50000, 20)
    eq(json.loads(bench.said("health")[-1])["sensors"]["ticks"], {"ok": 12})


def test_the_example_of_the_docs_runs_in_a_node():
    with_counter(run_counter)


def test_the_example_here_is_the_one_in_the_docs():
    try:
        with open(__file__.rsplit("/", 3)[0] + "/docs/extending.md") as file:
            text = file.read()
    except OSError:
        return  # this runtime got the sources only; another one compares
    true("```python\n" + EXAMPLE.lstrip("\n") + "```" in text)


def kinds():
    path = node.devices.__path__
    names = os.listdir(path if isinstance(path, str) else path[0])
    return sorted({name.rsplit(".", 1)[0] for name in names if name[0] not in "_."})


def made(kind):
    """A device of that kind with the least of configuration."""
    device = device_class(kind)
    fields = Fields(Board())
    pins = iter((4, 5, 13, 14))
    given = {key: next(pins) for key in device.KEYS if device.KEYS[key][0] == "pin"}
    entry = fields.group(given, device.KEYS, "")
    eq(fields.problems, [], kind)
    return device(entry, fields.board)


def test_every_kind_keeps_the_contract():
    true("dht22" in kinds() and "relay" in kinds())
    for kind in kinds():
        device = made(kind)
        for name in ("qos", "retain", "replace", "every", "dirty", "counts", "SIZE"):
            true(hasattr(device, name), "%s.%s" % (kind, name))
        eq(len(device.counts), len(device.COUNTS), kind)
        true(device.qos in (0, 1) and device.every >= 0, kind)
        true(device.describe(), kind)
        eq(device.every > 0, hasattr(device, "sample"), kind)
        eq(hasattr(device, "command"), hasattr(device, "note"), kind)
        if hasattr(device, "command"):
            true(device.why(device.command(bytearray(b"?"), 0, 1, 0)), kind)
            true(hasattr(device, "safe"), kind)
        else:
            true(device.GAP_MS >= 0, kind)


def test_every_kind_writes_its_state_within_its_size():
    for kind in kinds():
        device = made(kind)
        if device.every:
            eq(device.sample(0), 0, kind)
        true(device.dirty, kind)
        out = Writer()
        out.open(bytearray(device.SIZE), 0)
        device.encode(out)
        true(out.at > 0 and out.overflow == 0, kind)

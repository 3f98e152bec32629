"""node.start.forget: what only the start needed goes, and the node runs on without it."""

import json
import sys

from check import eq, true
from node.start import forget
from nodefakes import Bench, example


def forgetful():
    with open("node-config.json", "w") as file:
        file.write(json.dumps(example()))
    bench = Bench(path="node-config.json")
    forget(bench.node)
    return bench


def test_a_node_runs_on_without_what_it_was_made_of():
    bench = forgetful()
    for name in ("config", "fields", "pins", "setup", "start"):
        true("node." + name not in sys.modules, name)
    for slot in bench.node.slots:
        eq((slot.device.KEYS, slot.device.__class__.__init__), (None, None))
    bench.connect()
    bench.run(3000)
    bench.tell("fan/set", b'{"state":"ON","for":2}')
    bench.tell("pump/set", b"ONE")
    bench.tell("cmd", b"identify")
    bench.run(3000)
    eq(bench.said("fan/state"), [b"OFF", b"ON", b"OFF"])
    bench.board.sensors[4].fault = "checksum"
    bench.wire.reset()
    bench.run(70000, 20)
    eq((len(bench.said("air/state")), bench.said("status")), (1, [b"online", b"online"]))
    true(b'"identify"' in bench.said("cmd/result")[0] and len(bench.said("health")) == 3)
    for text in ("wrong checksum", "command refused", "its time is up", "connected to broker"):
        true(text in bench.log, bench.log)
    eq(bench.node.errors + bench.node.client.handler_errors, 0)

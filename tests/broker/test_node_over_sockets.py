"""The whole node between two connects, over real sockets: nothing allocates (promise P1)."""

import json
import subprocess
import time
from collections import Counter

from tests.support import runtimes
from tools.proxy import Proxy
from tools.run.wire import Wire
from tools.sim.boardfile import BoardFile

STEPS = 1500
COMMANDS_EVERY_S = 0.05  # 1.6 s of the node's time: it pings in between
COMMANDS = (b"TOGGLE", b'{"for":1, "state":"ON"}', b"TOGGLE", b'{"state":"ON","fro":1}', b"\xff")
LONGEST_S = 300


def probe(micropython, port, board, folder):
    """The running node_probe.py."""
    folders = ["lib", "tools/sim/board", "tests/support/pure"]
    path = ":".join([str(runtimes.ROOT / name) for name in folders] + [".frozen"])
    (folder / "config.json").write_text((runtimes.ROOT / "config.example.json").read_text())
    return subprocess.Popen(
        [micropython, str(runtimes.ROOT / "tests/broker/node_probe.py"), str(port), str(STEPS)],
        env={"MICROPYPATH": path, "STEADYNODE_BOARD": str(board)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_whole_node_allocates_nothing_between_connects(
    make_broker, make_judge, micropython, tmp_path
):
    broker = make_broker("mosquitto")
    judge = make_judge(broker.port)
    judge.subscribe("steadynode/#", 0)
    wire = Wire()
    with (
        BoardFile.create(tmp_path / "board") as board,
        Proxy(("127.0.0.1", broker.port), tap=wire.tap) as proxy,
    ):
        board.dht_time(0)
        board.wifi(join_ms=10)
        process = probe(micropython, proxy.port, tmp_path / "board", tmp_path)
        try:
            first = process.stdout.readline()
            assert first == "measuring\n", first + process.stdout.read()
            up, down = Counter(wire.counts.up), Counter(wire.counts.down)
            sent = 0
            end = time.monotonic() + LONGEST_S
            while process.poll() is None:
                assert time.monotonic() < end, "the probe did not end"
                for topic in ("fan/set", "pump/set", "cmd"):
                    payload = b"identify" if topic == "cmd" else COMMANDS[sent % 5]
                    judge.client.publish(f"steadynode/greenhouse-1/{topic}", payload, 1)
                sent += 1
                time.sleep(COMMANDS_EVERY_S)
            output = process.stdout.read()
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 0, output
    result = json.loads(output)
    assert result["measured"], "this build cannot show frames: mem_total is missing"
    assert result["clean"], result["report"]
    # What the observer of the wire saw in that time, and what the judge was given.
    up, down = wire.counts.up - up, wire.counts.down - down
    assert min(up["PUBLISH"], up["PUBACK"], up["PINGREQ"]) >= 100, up
    assert min(down["PUBLISH"], down["PUBACK"], down["PINGRESP"]) >= 100, down
    assert min(result["moved"]) >= 100 and min(result["reads"]) >= 100, result
    assert wire.counts.connects == 1 and not wire.counts.broken
    topics = ("air/state", "soil/state", "fan/state", "pump/state", "health", "cmd/result")

    def enough(log):
        seen = Counter(message.topic for message in log)
        return all(seen[f"steadynode/greenhouse-1/{topic}"] >= 100 for topic in topics)

    judge.log.wait(enough, "100 messages of each kind")

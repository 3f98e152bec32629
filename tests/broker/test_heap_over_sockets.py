"""Over real sockets, too, the client allocates nothing between connections (promise P1)."""

import json
import subprocess

from tests.support import runtimes

STEPS = 110


def test_publish_ack_receive_and_ping_allocate_nothing_over_tcp(broker, micropython, make_judge):
    judge = make_judge(broker.port)
    judge.subscribe("loop/#", 0)
    folders = [runtimes.ROOT / "lib", runtimes.ROOT / "tests/support/pure"]
    path = ":".join([*map(str, folders), ".frozen"])
    probe = runtimes.ROOT / "tests/broker/heap_probe.py"
    done = subprocess.run(
        [micropython, str(probe), str(broker.port), str(STEPS)],
        env={"MICROPYPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout
    result = json.loads(done.stdout)
    assert result["measured"], "this build cannot show frames: mem_total is missing"
    assert result["busy"] and result["quiet"], result["report"]
    sent, acked, received, _, handled = result["moved"]
    assert sent >= 4 * STEPS and acked >= 3 * STEPS
    assert received >= 3 * STEPS and handled >= 4 * STEPS
    assert result["pings"] >= 3
    judge.log.wait(lambda log: len(log) >= sent, "all messages at the judge")

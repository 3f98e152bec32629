"""Run by MicroPython's Unix port: does the whole node allocate, over real sockets?

argv: port, steps per measure. The node is the real one over the simulated board's stand-ins and a
real socket; only its clock is fast: a step is 100 ms of the node's time and 3 ms of ours, or more
where a slow broker has not answered yet, and passes the wrap of the clock. Prints `measuring`, then
one JSON object.
"""

import io
import json
import select
import sys
import time

import heap
from node import build
from node.app import timed_step
from node.board import Board
from node.config import check
from node.guard import Guard

MASK = 0x3FFFFFFF
port, times = int(sys.argv[1]), int(sys.argv[2])
tape = io.StringIO(4096)


class FastBoard(Board):
    now = MASK - 60000

    def ticks(self):
        return self.now


def put(piece):
    """The log as a board prints it, into one buffer."""
    print(piece, end="", file=tape)
    if tape.tell() > 3000:
        tape.seek(0)


def step():
    timed_step(node, board, guard)


def world():
    board.now = board.now + 100 & MASK
    time.sleep_ms(3)
    if node.client.pinged or node.client.inflight:
        answers.poll(200)  # it is patient for 10 s of its time, which is 20 s of ours then


def counts():
    client = node.client
    return node.errors + client.handler_errors + client.closes + client.malformed + guard.count


def settle(seconds):
    for _ in range(seconds * 10):
        world()
        step()


with open("config.json") as file:
    config = json.load(file)
config["mqtt"]["brokers"] = [{"host": "127.0.0.1", "port": port}]
config["mqtt"]["keepalive"] = 1
config["health"]["every"] = 2
config["devices"][0]["every"] = 2
config["devices"].append({"kind": "dht22", "name": "soil", "pin": 5, "every": 2, "qos": 0})
board = FastBoard()
node = build(check(config, board), board, put)
guard = Guard()
answers = select.poll()
settle(20)
answers.register(node.client.transport._socket, select.POLLIN)
assert node.client.connects == 1 and not node.client.subscriptions.awaiting, tape.getvalue()
print("measuring")
before = [node.client.sent, node.client.acked, node.client.received, node.client.pings]
report = heap.measure(step, times, counts, world)
after = [node.client.sent, node.client.acked, node.client.received, node.client.pings]
print(
    json.dumps(
        {
            "clean": report.clean(),
            "report": repr(report),
            "measured": heap.HAS_TRAFFIC,
            "moved": [b - a for a, b in zip(before, after)],
            "reads": [slot.device.counts[0] for slot in node.slots if slot.sampled],
        }
    )
)

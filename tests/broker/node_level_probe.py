"""Run by MicroPython's Unix port: the whole node, connected and lost again and again.

argv: port, times. Real sockets, the simulated board's stand-ins, a fast clock: while there is no
connection a step is a second of the node's time. Prints a JSON object: `levels`, the bytes held
after a collection when the 1st, 10th, 100th ... connection is over, and the last one.
"""

import gc
import io
import json
import sys
import time

from mqtt import DOWN
from node import build
from node.app import timed_step
from node.board import Board
from node.config import check
from node.guard import Guard

MASK = 0x3FFFFFFF
WARM_UP = 200  # losses, in minutes of its time: what a start does once, and later, is done then
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


def lose(count):
    """Step until so many connections have ended."""
    while node.client.closes < count:
        if node.link.hold or node.client.state != DOWN:  # radio and socket take their own time
            time.sleep_us(50)
            board.now = board.now + 1 & MASK
        else:
            board.now = board.now + 1000 & MASK
        timed_step(node, board, guard)


def level():
    gc.collect()
    return gc.mem_alloc()


with open("config.json") as file:
    config = json.load(file)
config["mqtt"]["brokers"] = [{"host": "127.0.0.1", "port": port}]
config["mqtt"]["retry_max"] = 1
board = FastBoard()
node = build(check(config, board), board, put)
guard = Guard()
levels = [0] * 8  # made before the first is taken
at = 0
mark = 1
lose(WARM_UP)
while mark <= times:
    lose(WARM_UP + mark)
    levels[at] = level()
    at += 1
    mark *= 10
lose(WARM_UP + times)
last = level()
print(
    json.dumps(
        {
            "levels": levels[:at] + [last],
            "connects": node.client.connects,
            "closes": node.client.closes,
            "errors": node.errors + guard.count,
            "resent": node.client.resent,
        }
    )
)

"""Run by MicroPython's Unix port: one operation of one client, over and over.

    probe.py MODE ADAPTER OPERATION TIMES PORT

MODE: `count` only does it (callgrind looks on); `heap` reports the heap before and after; `lock`
does it with the heap locked. The last line printed is a JSON object.
"""

import gc
import json
import socket
import sys
import time

import micropython

import kit
from kit import wait

WARM_UP = 20  # tables, queues and interned names have their final size then

# Before each of these the partner is asked for a message of that QoS.
ASKED = {
    "ask": b"0",
    "wait": b"0",
    "receive 0": b"0",
    "receive 1": b"1",
    "receive 2": b"2",
    "receive 0 by +": b"0",
    "receive 0 by #": b"0",
}


def nothing():
    pass


def main(mode, adapter, operation, times, port):
    peer = __import__(adapter) if adapter != "none" else None
    if peer is None:
        op = {"loop": nothing, "wait": awaited, "ask": nothing}[operation]
    else:
        ops = peer.open(port, kit.FILTERS.get(operation))
        op = ops[operation]
    probe = socket.socket()
    probe.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    probe.setsockopt(6, 1, 1)  # TCP_NODELAY
    kit.attach(probe, time.ticks_ms)
    if operation in ASKED:
        op = asked(op, ASKED[operation])
    repeat(op, WARM_UP)
    kit.waits[0] = 0
    gc.collect()
    gc.disable()
    print(json.dumps(MODES[mode](op, times)))


def asked(op, qos):
    """`op` after a request for a message."""
    ask = kit.ask

    def both():
        ask(qos)
        op()

    return both


def awaited():
    wait()


def repeat(op, times):
    for _ in range(times):
        op()


def count(op, times):
    repeat(op, times)
    return {"waits": kit.waits[0], "seen": kit.seen[0] - WARM_UP}


def heap(op, times):
    micropython.mem_info(1)
    held, total = gc.mem_alloc(), micropython.mem_total()
    repeat(op, times)
    total, held = micropython.mem_total() - total, gc.mem_alloc() - held
    micropython.mem_info(1)
    return {"waits": kit.waits[0], "seen": kit.seen[0] - WARM_UP, "held": held, "total": total}


MODES = {"count": count, "heap": heap}

main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))

"""Run by MicroPython's Unix port against the partner: one operation of one client, over and over.

    probe.py MODE ADAPTER OPERATION TIMES PORT

MODE: `count` does it, and callgrind looks on; `heap` prints the heap before and after; `lock` does
it with the heap locked. The last line printed is a JSON object. ADAPTER `none`: what the loop
itself, the waiting and the asking take.
"""

import asyncio
import gc
import json
import socket
import sys

import micropython

import kit
from kit import seen, wait
from traffic import FILTERS

WARM_UP = 20  # tables, queues and interned names have their final size then


def main(mode, adapter, operation, times, port):
    run = MODES[mode]
    if adapter == "none":
        attach(port, -1)
        result = run(asked(BARE[operation], operation), times)
    else:
        peer = __import__(adapter)
        if peer.ASYNC:
            result = asyncio.run(in_loop(peer, run, operation, times, port))
        else:
            client = peer.connect(port, FILTERS.get(operation), 1)
            attach(port, peer.TICKS_MASK)
            result = run(asked(peer.operations(client)[operation], operation), times)
    print(json.dumps(result))


def attach(port, mask):
    own = socket.socket()
    own.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    own.setsockopt(6, 1, 1)  # TCP_NODELAY
    kit.attach(own, mask)


# --- clients that are called ------------------------------------------------------------------


def nothing():
    pass


def awaited():
    wait()


BARE = {"loop": nothing, "ask": nothing, "wait": awaited}


def qos_asked(operation):
    """b"0", b"1", b"2": a message of this QoS is asked for each time. None: none is."""
    if operation.startswith("receive"):
        return operation[8:9].encode()
    return None if operation not in ("ask", "wait") else b"0"


def asked(op, operation):
    qos = qos_asked(operation)
    ask = kit.ask

    def both():
        ask(qos)
        op()

    return both if qos else op


def repeat(op, times):
    for _ in range(times):
        op()


def settle():
    kit.waits[0] = seen[0] = 0
    gc.collect()
    gc.disable()


def count(op, times):
    repeat(op, WARM_UP)
    settle()
    repeat(op, times)
    return {"waits": kit.waits[0], "seen": seen[0]}


def heap(op, times):
    repeat(op, WARM_UP)
    settle()
    micropython.mem_info(1)
    held = gc.mem_alloc()
    total = micropython.mem_total()
    repeat(op, times)
    total = micropython.mem_total() - total
    held = gc.mem_alloc() - held
    micropython.mem_info(1)
    return {"held": held, "total": total, "seen": seen[0]}


def lock(op, times):
    repeat(op, WARM_UP)
    settle()
    error = None
    micropython.heap_lock()
    try:
        repeat(op, times)
    except Exception as e:
        error = e
    micropython.heap_unlock()
    return {"error": repr(error) if error else None, "seen": seen[0]}


# --- clients for asyncio ----------------------------------------------------------------------


async def in_loop(peer, run, operation, times, port):
    client = await peer.connect(port, FILTERS.get(operation), 1)
    attach(port, peer.TICKS_MASK)
    ops = peer.operations(client)
    qos = qos_asked(operation)
    repeat = receiver(qos) if qos else repeater(ops[operation])
    return await IN_LOOP[run](repeat, times)


def repeater(op):
    async def repeat(times):
        for _ in range(times):
            await op()

    return repeat


def receiver(qos):
    """A task of the client's own receives: all messages are asked for at once, then awaited."""

    async def repeat(times):
        goal = seen[0] + times
        for _ in range(times):
            kit.ask(qos)
        while seen[0] < goal:
            await asyncio.sleep_ms(20)

    return repeat


async def count_in_loop(repeat, times):
    await repeat(WARM_UP)
    settle()
    await repeat(times)
    return {"waits": 0, "seen": seen[0]}


async def heap_in_loop(repeat, times):
    await repeat(WARM_UP)
    settle()
    micropython.mem_info(1)
    held = gc.mem_alloc()
    total = micropython.mem_total()
    await repeat(times)
    total = micropython.mem_total() - total
    held = gc.mem_alloc() - held
    micropython.mem_info(1)
    return {"held": held, "total": total, "seen": seen[0]}


async def lock_in_loop(repeat, times):
    await repeat(WARM_UP)
    settle()
    error = None
    micropython.heap_lock()
    try:
        await repeat(times)
    except Exception as e:
        error = e
    micropython.heap_unlock()
    return {"error": repr(error) if error else None, "seen": seen[0]}


MODES = {"count": count, "heap": heap, "lock": lock}
IN_LOOP = {count: count_in_loop, heap: heap_in_loop, lock: lock_in_loop}

main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))

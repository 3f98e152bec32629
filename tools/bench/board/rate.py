"""Run by MicroPython's Unix port against a real broker: how often in a while.

    rate.py ADAPTER OPERATION MILLISECONDS PORT WINDOW

OPERATION: one of the adapter's; `receive` counts messages that reached the handler, published here
over a second, bare connection. WINDOW: 0, or how many publishes of QoS 1 are kept unacknowledged.
Prints {"count": n, "us": microseconds}.
"""

import asyncio
import json
import sys
from time import sleep_ms, ticks_diff, ticks_us

import kit
from kit import seen
from traffic import FILTERS, PAYLOAD, TOPIC

BATCH = 50  # messages published at once: fewer than a broker keeps for a slow client
ARRIVAL_MS = 10  # after which they wait in the socket


def main(adapter, operation, ms, port, window):
    peer = __import__(adapter)
    if peer.ASYNC:
        result = asyncio.run(in_loop(peer, operation, ms, port, window))
    else:
        client = peer.connect(port, FILTERS.get(operation), window)
        kit.watch(peer.socket(client), peer.TICKS_MASK)
        if window:
            result = windowed(peer.window(client), window, ms)
        else:
            op = peer.operations(client)[operation]
            if operation.startswith("receive"):
                result = receiving(Sender(port, int(operation[8])), op, ms)
            else:
                result = repeated(op, ms)
    print(json.dumps(result))


class Sender:
    """The bare connection that publishes for a client to receive."""

    def __init__(self, port, qos):
        from use_raw import connect

        self.sock = connect(port, None, 1, b"feeds")
        body = bytes([0, len(TOPIC)]) + TOPIC + (b"\x00\x07" if qos else b"") + PAYLOAD
        self.packets = (bytes([0x30 | qos << 1, len(body)]) + body) * BATCH
        self.acks = bytearray(4 * BATCH) if qos else None

    def publish(self):
        self.sock.write(self.packets)

    def settle(self):
        if self.acks:
            self.sock.readinto(self.acks, len(self.acks))


def receiving(sender, op, ms):
    """Only the reading is timed, of messages that have come: the client, not the broker."""
    first, start, spent = seen[0], ticks_us(), 0
    while ticks_diff(ticks_us(), start) < ms * 1000:
        goal = seen[0] + BATCH
        sender.publish()
        sleep_ms(ARRIVAL_MS)
        begun = ticks_us()
        while seen[0] < goal:
            op()
        spent += ticks_diff(ticks_us(), begun)
        sender.settle()
    return {"count": seen[0] - first, "us": spent}


def repeated(op, ms):
    """Look at the clock seldom: it costs as much as a bare write."""
    op()
    count = done = 0
    chunk = 1
    start = ticks_us()
    while True:
        for _ in range(chunk):
            op()
        count += chunk
        done = ticks_diff(ticks_us(), start)
        if done >= ms * 1000:
            return {"count": count, "us": done}
        if done < ms * 50 and chunk * 2 <= count:
            chunk *= 2


def windowed(functions, window, ms):
    send, turn, acked = functions
    before = acked()
    sent = 0
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < ms * 1000 or not flowing():
        if sent - (acked() - before) < window:
            send()
            sent += 1
        else:
            turn()
        mark(acked() - before)
    return between_marks()


marks = []  # the count of acknowledgements and the time when there were so many: first and last


def mark(count):
    """There are `count` acknowledgements. From the first on it is a steady flow."""
    if count and not marks:
        marks.extend((count, ticks_us(), count, 0))
    elif marks and count > marks[2]:
        marks[2] = count
        marks[3] = ticks_us()


def flowing():
    return bool(marks) and marks[2] > marks[0]


def between_marks():
    first, start, last, end = marks
    return {"count": last - first, "us": ticks_diff(end, start)}


# --- clients for asyncio ----------------------------------------------------------------------


async def in_loop(peer, operation, ms, port, window):
    client = await peer.connect(port, FILTERS.get(operation), window)
    if operation.startswith("receive"):
        return await received(Sender(port, int(operation[8])), ms)
    op = peer.operations(client)[operation]
    counts = [0]
    start = ticks_us()
    tasks = [asyncio.create_task(again(op, counts, start, ms)) for _ in range(window or 1)]
    await asyncio.gather(*tasks)
    return between_marks()


async def again(op, counts, start, ms):
    while ticks_diff(ticks_us(), start) < ms * 1000 or not flowing():
        await op()
        counts[0] += 1
        mark(counts[0])


async def received(sender, ms):
    first, start, spent = seen[0], ticks_us(), 0
    while ticks_diff(ticks_us(), start) < ms * 1000:
        goal = seen[0] + BATCH
        sender.publish()
        sleep_ms(ARRIVAL_MS)  # its tasks stand still meanwhile
        begun = ticks_us()
        while seen[0] < goal:
            await asyncio.sleep_ms(0)
        spent += ticks_diff(ticks_us(), begun)
        sender.settle()
    return {"count": seen[0] - first, "us": spent}


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))

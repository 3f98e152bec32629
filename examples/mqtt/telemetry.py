"""Telemetry over TCP: one reading every few seconds, kept through outages, nothing allocated.

Copy to a board that is on the network, set HOST, run main().
"""

import gc

from mqtt import Client, Reconnect
from mqtt.clock import elapsed, sleep_ms, ticks_ms
from mqtt.tcp import TcpTransport

HOST = "192.168.1.10"


def put_digits(buf, at, number):
    """Write a number of 0 or more as text, in place; returns the position behind it."""
    size = 1
    rest = number // 10
    while rest:
        size += 1
        rest //= 10
    for k in range(at + size - 1, at - 1, -1):
        buf[k] = 48 + number % 10
        number //= 10
    return at + size


def main(host=HOST, port=1883, every_ms=5000, count=-1):
    """`count` readings, or without end. Returns how many were acknowledged."""
    client = Client("porch", TcpTransport(host, port), clean_session=False, tx_size=2048)
    reading = client.prepare("porch/heap", 12, qos=1, replace=True)
    link = Reconnect(client, [client.transport])
    link.start()
    last = ticks_ms()
    while count or client.queued:
        link.step(ticks_ms())
        if count and elapsed(last) >= every_ms:
            last = ticks_ms()
            reading.send(put_digits(reading.buf, reading.start, free_bytes()) - reading.start)
            count -= 1
        sleep_ms(5)
    link.stop()
    while client.state:
        link.step(ticks_ms())
        sleep_ms(5)
    return client.acked


def free_bytes():
    return gc.mem_free() if hasattr(gc, "mem_free") else 0


if __name__ == "__main__":
    main()

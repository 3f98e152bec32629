"""Run by MicroPython's Unix port: does the client allocate over a real socket?

argv: port, steps per measure. Publishes QoS 0 and 1 to itself through the broker, and prints one
JSON object: the heap report and the counters of what happened within the measured steps.
"""

import json
import select
import sys
import time

import heap
from mqtt import UP, Client
from mqtt.tcp import TcpTransport

port, times = int(sys.argv[1]), int(sys.argv[2])
client = Client(b"probe", TcpTransport("127.0.0.1", port), keepalive=1, tx_size=4096)
handled = [0]


def handle(msg):
    handled[0] += 1


def ticks():
    return time.ticks_ms() & 0x3FFFFFFF


def work():
    one.buf[one.start] = 48 + handled[0] % 10
    one.send(20)
    client.publish(b"loop/zero", payload)
    client.step(ticks())
    client.deadline()


def idle():
    client.step(ticks())


def world():
    # The broker's turn: an answer of it lies in the socket at the next step. One that is slow is
    # waited for, or else the outbox would fill.
    time.sleep_ms(2)
    answers.poll(50)


def pause():
    # Quiet for long enough that the step that follows has to ping, or to take the answer.
    time.sleep_ms(200)


def counts():
    return client.handler_errors + client.closes + client.malformed + client.refused


def marks():
    return [client.sent, client.acked, client.received, client.pings, handled[0]]


payload = bytearray(b"payload")
one = client.prepare(b"loop/one", 20, qos=1)
client.subscribe(b"loop/one", 1, handle)
client.subscribe(b"loop/+", 1, handle)
client.connect()
while client.state != UP or client.subscriptions.awaiting or client.subscriptions.todo:
    client.step(ticks())
answers = select.poll()
answers.register(client.transport._socket, select.POLLIN)
before = marks()
busy = heap.measure(work, times, counts, world)
after = marks()
quiet = heap.measure(idle, 10, counts, pause)
moved = [b - a for a, b in zip(before, after)]
print(
    json.dumps(
        {
            "busy": busy.clean(),
            "quiet": quiet.clean(),
            "report": "%r %r" % (busy, quiet),
            "measured": heap.HAS_TRAFFIC,
            "moved": moved,
            "pings": client.pings,
        }
    )
)

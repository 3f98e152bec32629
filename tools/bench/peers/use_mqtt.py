"""This project's client, driven as docs/mqtt.md says: publish, then flush or step; the clock is
read by whoever waits, once each time something has come, and given to step().
"""

from kit import PAYLOAD, TOPIC, now, seen, wait
from mqtt import UP, Client
from mqtt.clock import sleep_ms, ticks_ms
from mqtt.tcp import TcpTransport

_SIZE = len(PAYLOAD)


def open(port, flt):
    client = Client(b"bench", TcpTransport("127.0.0.1", port))
    if flt:
        client.subscribe(flt, 2, handle)
    granted = []
    client.on_event = lambda kind, a, b: granted.append(kind)
    client.connect()
    while client.state != UP or len(granted) < (2 if flt else 1):  # CONNECTED, SUBACK
        client.step(ticks_ms())
        sleep_ms(1)
    client.on_event = None
    ops = _publishing(client)
    ops.update(_prepared(client))
    ops.update(_rest(client))
    return ops


def handle(msg):
    seen[0] += 1


def _flush(client):
    def step():
        client.step(now[0])

    return getattr(client, "flush", step)


def _publishing(client):
    flush = _flush(client)
    step = client.step
    topic = TOPIC
    payload = PAYLOAD

    def publish0():
        client.publish(topic, payload)
        flush()

    def publish1():
        client.publish(topic, payload, None, 1)
        flush()
        step(wait())

    def publish2():
        client.publish(topic, payload, None, 2)
        flush()
        step(wait())
        step(wait())

    return {"publish 0": publish0, "publish 1": publish1, "publish 2": publish2}


def _prepared(client):
    flush = _flush(client)
    step = client.step
    zero, one, two = (client.prepare(TOPIC, _SIZE, qos) for qos in range(3))
    for publication in (zero, one, two):
        publication.buf[publication.start :] = PAYLOAD

    def prepared0():
        zero.send(_SIZE)
        flush()

    def prepared1():
        one.send(_SIZE)
        flush()
        step(wait())

    def prepared2():
        two.send(_SIZE)
        flush()
        step(wait())
        step(wait())

    return {"prepared 0": prepared0, "prepared 1": prepared1, "prepared 2": prepared2}


def _rest(client):
    step = client.step
    ahead = [0]

    def receive():
        step(wait())

    def receive2():
        step(wait())
        step(wait())

    def ping():
        # Time is an argument: 50 s of silence are over at once.
        ahead[0] = ahead[0] + 50000 & 0x3FFFFFFF
        step(now[0] + ahead[0] & 0x3FFFFFFF)
        step(wait() + ahead[0] & 0x3FFFFFFF)

    still = ticks_ms()

    def idle():
        step(still)

    ops = {"receive 0": receive, "receive 1": receive, "receive 2": receive2}
    ops.update({"receive 0 by +": receive, "receive 0 by #": receive})
    ops.update({"ping": ping, "idle": idle})
    return ops

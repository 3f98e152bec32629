"""lib/mqtt as docs/mqtt.md says: publish, and step when something is there. Whoever waits reads
the clock, and gives the time to step().
"""

from kit import now, seen, wait
from mqtt import UP, Client
from mqtt.clock import sleep_ms, ticks_ms
from mqtt.tcp import TcpTransport
from traffic import PAYLOAD, TOPIC

ASYNC = False
TICKS_MASK = 0x3FFFFFFF


def connect(port, flt, window):
    transport = TcpTransport("127.0.0.1", port)
    if window > 1:
        client = Client("bench", transport, max_inflight=window, tx_size=window * 128)
    else:
        client = Client("bench", transport)
    told = []
    client.on_event = lambda kind, a, b: told.append(kind)
    if flt:
        client.subscribe(flt, 2, handle)
    client.connect()
    while client.state != UP or len(told) < (2 if flt else 1):  # CONNECTED, and SUBACK
        client.step(ticks_ms())
        sleep_ms(20)  # so that it takes as many steps in every run
    client.on_event = None
    return client


def handle(msg):
    seen[0] += 1


def operations(client):
    ops = _publishing(client)
    ops.update(_prepared(client))
    ops.update(_rest(client))
    return ops


def _publishing(client):
    step = client.step
    topic = TOPIC
    payload = PAYLOAD

    def publish0():
        while client.publish(topic, payload) < 0:  # the socket is full, and then the outbox
            step(now[0])

    def publish1():
        client.publish(topic, payload, None, 1)
        step(wait())

    def publish2():
        client.publish(topic, payload, None, 2)
        step(wait())
        step(wait())

    return {"publish 0": publish0, "publish 1": publish1, "publish 2": publish2}


def _prepared(client):
    step = client.step
    size = len(PAYLOAD)
    zero, one, two = (client.prepare(TOPIC, size, qos) for qos in range(3))
    for publication in (zero, one, two):
        publication.buf[publication.start :] = PAYLOAD  # a sensor writes its digits there

    def prepared0():
        while zero.send(size) < 0:
            step(now[0])

    def prepared1():
        one.send(size)
        step(wait())

    def prepared2():
        two.send(size)
        step(wait())
        step(wait())

    return {"prepared 0": prepared0, "prepared 1": prepared1, "prepared 2": prepared2}


def _rest(client):
    step = client.step
    later = [0]
    still = ticks_ms()

    def receive():
        step(wait())

    def receive2():
        step(wait())
        step(wait())

    def ping():
        # Time is an argument: 50 s without a word are over at once.
        later[0] += 50000
        step(now[0] + later[0] & TICKS_MASK)
        step(wait() + later[0] & TICKS_MASK)

    def idle():
        step(still)

    ops = {"receive 0": receive, "receive 1": receive, "receive 2": receive2}
    ops.update({"receive 0 by +": receive, "receive 0 by #": receive})
    ops.update({"ping": ping, "idle": idle})
    return ops


def socket(client):
    return client.transport._socket


def window(client):

    def send():
        client.publish(TOPIC, PAYLOAD, None, 1)

    def turn():
        client.step(wait())

    def acked():
        return client.acked

    return send, turn, acked

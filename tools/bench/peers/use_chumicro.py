"""chumicro-mqtt as its README says: from_config(), then check() and handle() in a loop."""

from chumicro_mqtt import MQTTClient
from chumicro_timing import ticks_add, ticks_ms

from kit import now, seen, wait
from traffic import PAYLOAD, TOPIC

ASYNC = False
TICKS_MASK = -1


def connect(port, flt, window):
    config = {"mqtt.broker.host": "127.0.0.1", "mqtt.broker.port": port}
    client = MQTTClient.from_config(config, client_id="bench", max_tx_queue_size=max(20, window))
    client.on_message = handle
    told = []
    client.on_connect = lambda: told.append(1)
    if flt:
        client.subscribe(flt.decode(), 1, on_subscribe=lambda topic, qos: told.append(2))
    client.connect()
    while len(told) < (2 if flt else 1):
        tick(client, ticks_ms())
    return client


def handle(topic, payload):
    seen[0] += 1


def tick(client, now_ms):
    if client.check(now_ms):
        client.handle(now_ms)


def operations(client):
    topic = TOPIC.decode()
    payload = PAYLOAD

    def publish0():
        client.publish(topic, payload)
        tick(client, now[0])

    def publish1():
        client.publish(topic, payload, qos=1)
        tick(client, now[0])
        tick(client, wait())

    def receive():
        tick(client, wait())

    later = [0]

    def ping():
        # Time is an argument here, too.
        later[0] += 31000
        tick(client, ticks_add(now[0], later[0]))
        tick(client, ticks_add(wait(), later[0]))

    def idle():
        tick(client, now[0])

    return {
        "publish 0": publish0,
        "publish 1": publish1,
        "receive 0": receive,
        "receive 1": receive,
        "ping": ping,
        "idle": idle,
    }


def socket(client):
    return client.io_socket.sock  # as its runner unwraps it for poll()


def window(client):
    acks = [0]

    def acknowledged(topic, payload):
        acks[0] += 1

    def send():
        client.publish(TOPIC.decode(), PAYLOAD, qos=1, on_publish=acknowledged)
        tick(client, now[0])

    def turn():
        tick(client, wait())

    def acked():
        return acks[0]

    return send, turn, acked

"""umqtt.simple as its examples: publish() waits for the PUBACK, wait_msg() for a message."""

from umqtt.simple import MQTTClient

from kit import seen
from traffic import PAYLOAD, TOPIC

ASYNC = False
TICKS_MASK = -1


def connect(port, flt, window):
    client = MQTTClient("bench", "127.0.0.1", port)
    client.set_callback(handle)
    client.connect()
    if flt:
        client.subscribe(flt, 1)
    return client


def handle(topic, msg):
    seen[0] += 1


def operations(client):
    topic = TOPIC
    payload = PAYLOAD

    def publish0():
        client.publish(topic, payload)

    def publish1():
        client.publish(topic, payload, False, 1)

    def receive():
        client.wait_msg()

    def ping():
        client.ping()
        client.wait_msg()

    def idle():
        client.check_msg()

    return {
        "publish 0": publish0,
        "publish 1": publish1,
        "receive 0": receive,
        "receive 1": receive,
        "ping": ping,
        "idle": idle,
    }


def socket(client):
    return None


def window(client):
    acks = [0]

    def send():
        client.publish(TOPIC, PAYLOAD, False, 1)  # waits for its PUBACK
        acks[0] += 1

    def turn():
        pass

    def acked():
        return acks[0]

    return send, turn, acked

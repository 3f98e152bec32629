"""umqtt.robust2 as the loop of its examples: look for a broken connection, check for messages,
send what is queued.
"""

from umqtt.robust2 import MQTTClient

from kit import seen
from traffic import PAYLOAD, TOPIC

ASYNC = False
TICKS_MASK = -1

acks = [0]


def connect(port, flt, window):
    client = MQTTClient("bench", "127.0.0.1", port)
    client.set_callback(handle)
    client.set_callback_status(status)
    client.connect()
    if flt:
        client.subscribe(flt, 1)
        client.wait_msg()
    return client


def handle(topic, msg, retained, dup):
    seen[0] += 1


def status(pid, state):
    acks[0] += 1


def operations(client):
    topic = TOPIC
    payload = PAYLOAD

    def publish0():
        client.publish(topic, payload)

    def publish1():
        client.publish(topic, payload, False, 1)
        client.wait_msg()

    def receive():
        client.wait_msg()

    def ping():
        client.ping()
        client.wait_msg()

    def idle():
        client.is_conn_issue()
        client.check_msg()
        client.send_queue()

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
    client.MSG_QUEUE_MAX = client.CONFIRM_QUEUE_MAX = 32

    def send():
        client.publish(TOPIC, PAYLOAD, False, 1)

    def acked():
        return acks[0]

    return send, client.wait_msg, acked

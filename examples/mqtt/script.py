"""A script that blocks, as for umqtt.simple: publish one thing, wait for the answer."""

from mqtt.simple import MQTTClient

HOST = "192.168.1.10"


def main(host=HOST, port=1883):
    answers = []
    mqtt = MQTTClient("script", host, port, keepalive=30)
    mqtt.set_callback(lambda topic, msg: answers.append(msg))
    mqtt.connect()
    mqtt.subscribe(b"porch/heard", qos=1)
    mqtt.publish(b"porch/cmd", b"stop", qos=1)
    while not answers:
        mqtt.wait_msg()
    mqtt.disconnect()
    return answers


if __name__ == "__main__":
    print(main())

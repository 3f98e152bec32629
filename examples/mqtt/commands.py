"""Commands by wildcard: porch/<lamp>/set with ON or OFF switches that lamp, and its state is told.

The handler compares in place and copies nothing but the topic of the answer.
"""

from mqtt import Client, Reconnect
from mqtt.clock import sleep_ms, ticks_ms
from mqtt.tcp import TcpTransport

HOST = "192.168.1.10"


class Lamps:
    """Switches lamps; on a board, set a pin in switch()."""

    def __init__(self, client):
        self.client = client
        self.on = {}
        client.subscribe("porch/+/set", 1, self.command)

    def command(self, msg):
        wanted = msg.payload()
        if wanted in (b"ON", b"OFF"):
            self.switch(msg.topic().split(b"/")[1], wanted)

    def switch(self, lamp, wanted):
        self.on[lamp] = wanted == b"ON"
        self.client.publish(b"porch/" + lamp + b"/state", wanted, None, 1, True)


def main(host=HOST, port=1883, until=lambda lamps: False):
    """Obey until `until(lamps)` is true. Returns the lamps."""
    client = Client("lamps", TcpTransport(host, port), clean_session=False)
    lamps = Lamps(client)
    link = Reconnect(client, [client.transport])
    link.start()
    while not until(lamps) or client.queued:
        link.step(ticks_ms())
        sleep_ms(5)
    link.stop()
    while client.state:
        link.step(ticks_ms())
        sleep_ms(5)
    return lamps


if __name__ == "__main__":
    main()

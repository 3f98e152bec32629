"""A transport of your own: MQTT over a serial line (a modem in transparent mode, a radio).

UartTransport takes anything with a UART's any(), readinto(buf, n), and write(buf, off, n).
"""

from mqtt import Client, Reconnect
from mqtt.clock import sleep_ms, ticks_ms


class UartTransport:
    """A serial line is always open, and never says that the other end is gone: pings do."""

    def __init__(self, uart):
        self.uart = uart
        self.write = uart.write  # as the client calls it; None when its buffer is full

    def open(self):
        while self.uart.any():  # what is left of the connection before
            self.uart.read(self.uart.any())
        return True

    def readinto(self, buf, n):
        ready = self.uart.any()
        if not ready:
            return None
        return self.uart.readinto(buf, n if n < ready else ready)

    def close(self):
        pass


def main(uart, count=-1):
    """Publish `count` messages, or without end. On a board: main(UART(1, 115200, timeout=0))."""
    client = Client("modem", UartTransport(uart), keepalive=30)
    link = Reconnect(client, [client.transport])
    link.start()
    wanted = count
    while wanted or client.queued:
        link.step(ticks_ms())
        if wanted and client.publish(b"modem/hello", b"over the line", qos=1) > 0:
            wanted -= 1
        sleep_ms(5)
    link.stop()
    while client.state:
        link.step(ticks_ms())
        sleep_ms(5)
    return client.acked


if __name__ == "__main__":
    from machine import UART

    main(UART(1, 115200, timeout=0))

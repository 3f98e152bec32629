"""The edge to the hardware: the only file that imports machine, network, time or sockets.

Everything above it sees numbers and these few methods, so a test can put a fake in their place.
Times are masked to 30 bits, errors become return values, and what the ESP32 port does oddly is
dealt with here. Unless it says so, nothing allocates after set-up.
"""

import gc
import os
import random
import sys
import time

import machine
import network


class Board:
    """The board the program runs on. Making it has no effect on any pin."""

    chip = getattr(sys.implementation, "_machine", "").split(" with ")[-1]

    def __init__(self):
        self.random = random.getrandbits

    def ticks(self):
        """Milliseconds, 0..2^30-1, wrapping."""
        return time.ticks_ms() & 0x3FFFFFFF  # pyright: ignore (an int on every port)

    def sleep(self, ms):
        """Wait; Ctrl-C gets through."""
        time.sleep_ms(ms)

    def collect(self):
        """One garbage collection."""
        gc.collect()

    def heap(self):
        """Bytes of the heap in use."""
        return gc.mem_alloc()

    def reset(self):
        """Restart at once."""
        machine.reset()

    def reset_cause(self):
        """Why the board started, as a word."""
        cause = machine.reset_cause()
        if cause == machine.PWRON_RESET:
            return "power-on"
        if cause == machine.HARD_RESET:
            return "hard"
        if cause == machine.WDT_RESET:
            return "watchdog"
        if cause == machine.DEEPSLEEP_RESET:
            return "deep-sleep"
        return "soft" if cause == machine.SOFT_RESET else "unknown"

    def memory(self, data=None):
        """What outlives a reset, but no loss of power: get the bytes (allocates), or keep these."""
        return machine.RTC().memory() if data is None else machine.RTC().memory(data)

    def held(self, pin):
        """True while a button ties `pin` to ground. Allocates."""
        if not self.takes(pin):
            return False
        return not machine.Pin(pin, machine.Pin.IN, machine.Pin.PULL_UP).value()

    def takes(self, pin):
        """False for a pin that this firmware keeps for itself, for PSRAM or USB. Allocates."""
        try:
            machine.Pin(pin)  # no effect on the pin
        except ValueError:
            return False
        return True

    def secret(self, key):
        """The bytes that flashing kept under `key`, or None. Allocates."""
        import esp32

        secret = bytearray(128)
        try:
            size = esp32.NVS("steadynode").get_blob(key, secret)
        except OSError:
            return None
        return bytes(secret[:size])

    def kinds(self):
        """Names of the device kinds installed as files. Allocates."""
        import node.devices

        try:
            names = os.listdir(str(node.devices.__path__))
        except (OSError, AttributeError, TypeError):  # frozen into the firmware
            return []
        kinds = [name.rsplit(".", 1)[0] for name in names if name.endswith((".py", ".mpy"))]
        return sorted(kind for kind in kinds if kind[0] != "_")

    def output(self, pin, level):
        """An output pin at `level` from its first moment; value(level) drives it. Allocates."""
        return machine.Pin(pin, machine.Pin.OUT, value=level)

    def dht(self, pin):
        """The wire of a DHT sensor. Allocates."""
        return DhtWire(pin)

    def wlan(self, hostname):
        """The Wi-Fi station, switched on under this name. Allocates, takes about 0.1 s."""
        return Wlan(hostname)

    def transport(self, host, port):
        """One TCP way to a broker. Allocates."""
        from mqtt.tcp import TcpTransport  # boot.py needs the pins only, and at once

        return TcpTransport(host, port)

    def watchdog(self, seconds):
        """The watchdog, running, or None for 0. It cannot be stopped any more."""
        return machine.WDT(timeout=seconds * 1000) if seconds else None


class DhtWire:
    """Frames of a DHT sensor on one pin, unchecked. The pull-up helps short cables only."""

    def __init__(self, pin):
        self._pin = machine.Pin(pin, machine.Pin.IN, machine.Pin.PULL_UP)

    def read(self, frame):
        """Fill the five bytes of `frame`; takes about 270 ms. 0, or -1 when the sensor is silent
        (the driver raises then, which on a board leaves a little garbage)."""
        try:
            machine.dht_readinto(self._pin, frame)
        except OSError:
            return -1
        return 0


class Wlan:
    """The station interface, for node.radio. The driver's own reconnecting is off: node.radio
    does that, with pauses, and sees the reason of every failure."""

    def __init__(self, hostname):
        network.hostname(hostname)
        self._wlan = network.WLAN(network.STA_IF)
        self._wlan.active(True)
        self._wlan.config(reconnects=0)

    def join(self, ssid, password):
        """Begin to join. 0, or a negative number if the driver would not begin."""
        try:
            self._wlan.connect(ssid, password or None)
        except OSError as error:
            return -abs(error.errno or 1) if isinstance(error.errno, int) else -1
        return 0

    def leave(self):
        """Leave, or give up joining."""
        try:
            self._wlan.disconnect()
        except OSError:  # there was nothing to leave
            pass

    def up(self):
        """True with an address."""
        return self._wlan.isconnected()

    def status(self):
        """The driver's status number."""
        return self._wlan.status()

    def rssi(self):
        """dBm of the access point we are associated with, or None."""
        try:
            return self._wlan.status("rssi")
        except OSError:
            return None

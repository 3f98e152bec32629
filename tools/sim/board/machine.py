"""Stand-in for the ESP32 port's ``machine``, as far as a sensor node uses it.

Names and numbers are the ESP32's (ports/esp32/machine_pin.c, modmachine.c). Levels, sensor
values and faults pass through the board file (boardlayout.py). After set-up Pin.value(),
dht_readinto() and WDT.feed() allocate nothing. (The functions are small so that no frame goes to
the heap: beyond 11 words of locals and stack MicroPython takes a call's frame from there.)
"""

import errno
import sys
import time

import boardio
import boardlayout as L

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

_ETIMEDOUT = boardio.ready(OSError(errno.ETIMEDOUT))
_FIRST_INPUT_ONLY = 34  # GPIO 34 to 39 of the ESP32 have no output driver
_ESP32_PINS = 40
_NO_SUCH_PIN = (20, 24, 28, 29, 30, 31)


def reset():
    """Reset the board: the process ends with RESET_EXIT, and whoever started it starts it anew."""
    # ESP_RST_SW, which the port calls a hard reset; a soft one is Ctrl-D at the prompt.
    boardio.put8(L.RESET_CAUSE, HARD_RESET)
    sys.exit(L.RESET_EXIT)


def reset_cause():
    """Why the board started: one of the *_RESET numbers."""
    return boardio.get8(L.RESET_CAUSE)


def unique_id():
    """The six bytes a board has in its fuses."""
    return b"\x02SNSIM"


def freq(hz=None):
    """The CPU frequency; setting it changes nothing here."""
    return 160000000


def idle():
    """Let the CPU rest for about a millisecond."""
    time.sleep_ms(1)


class Pin:
    """One GPIO. Objects of one number share their state, as on the board."""

    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2
    DRIVE_0 = 0
    DRIVE_1 = 1
    DRIVE_2 = 2
    DRIVE_3 = 3

    def __init__(self, number, mode=None, pull=-1, *, value=None, drive=None, hold=None):
        if not isinstance(number, int) or number in _NO_SUCH_PIN or not 0 <= number < _ESP32_PINS:
            raise ValueError("invalid pin")
        self.number = number
        self._at = L.PINS + number * L.PIN_SIZE
        if mode is not None or value is not None:
            self.init(mode, pull, value=value)

    def init(self, mode=None, pull=-1, *, value=None, drive=None, hold=None):
        """Set the level first, then the mode, so that an output never shows a wrong level."""
        if mode is not None and mode & 2 and self.number >= _FIRST_INPUT_ONLY:
            raise ValueError("pin can only be input")
        if value is not None:
            self._drive(1 if value else 0)
        if mode is not None:
            if mode & 2 and not boardio.get8(self._at + L.PIN_ORDER):
                boardio.put8(self._at + L.PIN_ORDER, boardio.event())
            boardio.put8(self._at + L.PIN_MODE, mode)
            if mode == Pin.IN:
                boardio.put8(self._at + L.PIN_INPUT, 1 if pull == Pin.PULL_UP else 0)

    def _drive(self, level):
        at = self._at
        if boardio.get8(at + L.PIN_LEVEL) != level:
            boardio.put8(at + L.PIN_LEVEL, level)
            boardio.put16(at + L.PIN_CHANGES, boardio.get16(at + L.PIN_CHANGES) + 1)

    def value(self, level=None):
        """Read the level, or drive it. Allocates nothing."""
        if level is not None:
            self._drive(1 if level else 0)
            return None
        if boardio.get8(self._at + L.PIN_TIED):
            return 0
        if boardio.get8(self._at + L.PIN_MODE) & 2:
            return boardio.get8(self._at + L.PIN_LEVEL)
        return boardio.get8(self._at + L.PIN_INPUT)

    def __call__(self, level=None):
        return self.value(level)

    def on(self):
        self._drive(1)

    def off(self):
        self._drive(0)

    def toggle(self):
        self._drive(1 - boardio.get8(self._at + L.PIN_LEVEL))

    def __repr__(self):
        return "Pin(%d)" % self.number


class _Sensor:
    """The DHT22s. What each remembers is in its pin's record, so that reading one allocates
    nothing, not even the first time; `at` is the record of the pin being read."""

    def __init__(self):
        self.at = 0
        self.temperature = 0
        self.humidity = 0

    def count(self, field):
        value = boardio.get16(self.at + field) + 1 & 0xFFFF
        boardio.put16(self.at + field, value)
        return value

    def fault(self, reads):
        """The fault of this read: a commanded one first, then the schedule of the board file."""
        self.heed()
        left = boardio.get16(self.at + L.PIN_FAULT_LEFT)
        if left:
            if left != L.FAULT_FOREVER:
                boardio.put16(self.at + L.PIN_FAULT_LEFT, left - 1)
            return boardio.get8(self.at + L.PIN_FAULT)
        if _due(reads, L.DHT_TIMEOUT_EVERY):
            return L.FAULT_TIMEOUT
        return L.FAULT_CHECKSUM if _due(reads, L.DHT_CHECKSUM_EVERY) else L.FAULT_NONE

    def heed(self):
        """A new command starts its count."""
        number = boardio.get8(self.at + L.PIN_FAULT_NUMBER)
        if number != boardio.get8(self.at + L.PIN_FAULT_SEEN):
            boardio.put8(self.at + L.PIN_FAULT_SEEN, number)
            boardio.put16(self.at + L.PIN_FAULT_LEFT, boardio.get16(self.at + L.PIN_FAULT_READS))

    def value(self, column):
        """Temperature (column 0) or humidity (column 2) of this read, in tenths."""
        replaced = L.OVERRIDE_HUMIDITY if column else L.OVERRIDE_TEMPERATURE
        if boardio.get8(self.at + L.PIN_OVERRIDE) & replaced:
            return boardio.get16s(self.at + L.PIN_TEMPERATURE + column)
        rows = boardio.get16(L.SERIES_ROWS)
        if rows == 0:
            return 480 if column else 214
        row = (boardio.get16(L.SERIES_FIRST) + boardio.get16(self.at + L.PIN_ROW)) % rows
        return boardio.get16s(L.SERIES + row * L.SERIES_ROW + column)

    def take(self):
        """The values of this read; then the series is a row further."""
        self.temperature = self.value(0)
        self.humidity = self.value(2)
        self.count(L.PIN_ROW)

    def read(self, buf):
        """Fill buf[0:5] with a frame; True, or False for a timeout."""
        fault = self.fault(self.count(L.PIN_READS))
        self.take()
        if fault == L.FAULT_NONE:
            self.good(buf)
            return True
        self.count(L.PIN_FAULTS)
        if fault == L.FAULT_TIMEOUT:
            buf[0] = buf[0] << 1 & 255  # the real driver shifts bits in until it gives up
            return False
        frame(buf, self.temperature, self.humidity)
        buf[4] ^= 0x10
        return True

    def good(self, buf):
        frame(buf, self.temperature, self.humidity)
        boardio.put16(self.at + L.PIN_LAST_TEMPERATURE, self.temperature)
        boardio.put16(self.at + L.PIN_LAST_HUMIDITY, self.humidity)


def _due(reads, field):
    every = boardio.get16(field)
    return every != 0 and reads % every == 0


def frame(buf, temperature, humidity):
    """The DHT22's five bytes (AM2302 data sheet): sign and magnitude, then the byte sum."""
    size = -temperature if temperature < 0 else temperature
    buf[0] = humidity >> 8
    buf[1] = humidity & 255
    buf[2] = size >> 8 | (128 if temperature < 0 else 0)
    buf[3] = size & 255
    buf[4] = buf[0] + buf[1] + buf[2] + buf[3] & 255


_sensor = _Sensor()


def dht_readinto(pin, buf):
    """Read the DHT22 on pin into buf[0:5]; OSError(ETIMEDOUT) if it does not answer.

    Holds the interpreter for the board file's time, as the real driver does. Allocates nothing;
    the error is one object, kept without a traceback.
    """
    if len(buf) < 5:
        raise ValueError("buffer too small")
    _sensor.at = L.PINS + (pin if isinstance(pin, int) else pin.number) * L.PIN_SIZE
    boardio.put8(_sensor.at + L.PIN_MODE, Pin.OPEN_DRAIN)  # the driver leaves the pin so
    time.sleep_ms(boardio.get16(L.DHT_MS))
    if not _sensor.read(buf):
        _ETIMEDOUT.__traceback__ = None
        raise _ETIMEDOUT


class WDT:
    """The watchdog. It bites from outside: the host sees feeds stop and kills the process."""

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError
        if timeout < 1000:
            raise ValueError("WDT timeout too short")
        boardio.put16(L.WDT_TIMEOUT, timeout)
        boardio.put16(L.WDT_TIMEOUT + 2, timeout >> 16)
        self._feeds = 0
        self.feed()

    def feed(self):
        """Put the bite off. Allocates nothing."""
        self._feeds = self._feeds + 1 & 0xFFFF
        boardio.put16(L.WDT_FEEDS, self._feeds)


class _RTC:
    """Only the memory that outlives a reset (2048 bytes; lost at power-on)."""

    def memory(self, data=None):
        """Without an argument the bytes kept (allocates them), with one keep those (does not)."""
        if data is None:
            kept = bytearray(boardio.get16(L.RTC))
            boardio.load(L.RTC + 2, kept)
            return bytes(kept)
        if len(data) > L.RTC_MAX:
            raise ValueError("buffer too long")
        boardio.put16(L.RTC, len(data))
        boardio.store(L.RTC + 2, data)


_rtc = _RTC()


def RTC():
    """The one clock there is, as on the board."""
    return _rtc

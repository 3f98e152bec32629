"""DHT22 (AM2302) temperature and humidity sensor.

The frame is five bytes (AM2302 data sheet, "single-bus"): humidity in tenths of a percent, two
bytes; temperature in tenths of a degree Celsius, sign bit and 15 bits of magnitude; the low byte
of the sum of the four. Checksum, sign and range are checked here, so the board only moves bytes.
Values are signed integers in tenths. The sensor needs 2 s between reads and after power-up, and a
read holds the interpreter for about 270 ms. Nothing here allocates or raises.
"""

from mqtt._shim import const

_OK = const(0)
_FAILED = const(1)
_TIMEOUT = const(2)
_CHECKSUM = const(3)
_RANGE = const(4)

# Data sheet: -40..80 degrees, 0..100 %.
_COLDEST = const(-400)
_HOTTEST = const(800)
_WETTEST = const(1000)

_WHY = (
    "no answer: check wiring, power and the pull-up resistor",
    "wrong checksum: check for a long cable or a missing pull-up resistor",
    "reading outside -40..80 degrees, 0..100 %: the sensor is broken or no DHT22",
)

# \x02 is where a value in tenths goes (node/jsonout.py).
_STATE = b'{"temperature":\x02,"humidity":\x02}'


class Device:
    """One sensor. `values`: temperature and humidity of the last good reading, in tenths."""

    # Lists, not tuples: constants would stay in memory when the node forgets what it was made of.
    KEYS = {
        "pin": ["pin", ..., False],
        "every": ["int", 30, 2, 535680],
        "qos": ["int", 1, 0, 1],
    }
    COUNTS = ["ok", "failed", "timeout", "checksum", "range"]
    GAP_MS = 2000  # shortest time between two reads
    SIZE = 40  # bytes: {"temperature":-40.0,"humidity":100.0} and some

    retain = False
    replace = True  # the newest reading takes the place of an unsent older one

    def __init__(self, entry, board):
        self.every = entry["every"]
        self.qos = entry["qos"]
        self.dirty = False
        self.counts = [0] * 5
        self.values = [0, 0]
        self._wire = board.dht(entry["pin"])
        self._frame = bytearray(5)

    def sample(self, now):
        """Read once. 0 and `dirty` set, or a negative number that `why` explains."""
        f = self._frame
        if self._wire.read(f):
            return self._count(_TIMEOUT)
        if (f[0] + f[1] + f[2] + f[3]) & 255 != f[4]:
            return self._count(_CHECKSUM)
        humidity = f[0] << 8 | f[1]
        temperature = (f[2] & 127) << 8 | f[3]
        if f[2] & 128:
            temperature = -temperature
        if humidity > _WETTEST or not _COLDEST <= temperature <= _HOTTEST:
            return self._count(_RANGE)
        self.values[0] = temperature
        self.values[1] = humidity
        self.dirty = True
        self.counts[_OK] += 1
        return 0

    def _count(self, which):
        self.counts[_FAILED] += 1
        self.counts[which] += 1
        return -which

    def why(self, code):
        """What a failed sample() means."""
        return _WHY[-code - _TIMEOUT]

    def encode(self, out):
        """Write the state payload."""
        out.fill(_STATE, self.values)

    def describe(self):
        """What Home Assistant should know: (key in the payload, device class, unit) each."""
        return [["temperature", "temperature", "°C"], ["humidity", "humidity", "%"]]

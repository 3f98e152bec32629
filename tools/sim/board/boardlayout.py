"""Layout of the board file: the one place where it is written down.

The board file is how a simulated board meets the outside world. The stand-ins (machine, network,
esp32) open it once and read and write single fields with seek/readinto/write, which leaves nothing
on the heap; the host maps it (``tools/sim/boardfile.py``). Bytes have one writer at a time: fields
marked H are written by the host, B by the board. Multi-byte fields are little endian.

Header
  0   4  H  magic "SNB1"
  4   1  H  Wi-Fi: the access point is there (0/1)
  5   1  H  Wi-Fi: it takes our password (0/1)
  6   1  H  Wi-Fi: it gives an address (0/1)
  7   1  H  Wi-Fi: RSSI in dBm, signed
  8   2  H  milliseconds one attempt to join takes, whatever its end
  10  2  H  milliseconds until a vanished access point is noticed
  12  2  H  milliseconds dht_readinto holds the interpreter (a board: 268)
  14  2  H  every n-th sensor read is a timeout (0 = never)
  16  2  H  every n-th sensor read has a wrong checksum (0 = never)
  18  2  H  rows in the recorded series (0 = none: a constant 21.4 degrees, 48.0 %)
  20  2  H  row the first read takes
  22  1  HB reset cause: the host sets it before a start, machine.reset() before it ends
  24  2  H  milliseconds until the name server gives up on a name (0 = it answers)
  32  1  B  Wi-Fi: 0 off, 1 idle, 2 joining, 3 joined without address, 4 joined with address
  34  2  B  times the board has started
  36  4  B  watchdog: timeout in ms, 0 = not armed
  40  2  B  watchdog: feeds, modulo 65536
  42  1  B  events since the start, at most 255: a pin became an output, the radio was switched on
  43  1  B  which of them was the radio's first, 0 = none
  64 32  B  host name, zero padded

Pins: 64 records of 32 bytes from offset 128, by GPIO number
  +0  1  B  level driven by the board
  +1  1  B  mode (0 = never set, else Pin.IN, Pin.OUT or Pin.OPEN_DRAIN)
  +2  2  B  level changes, modulo 65536
  +4  1  HB level an input reads: its pull from set-up on, then what the host sets
  +5  1  H  sensor: commanded fault (0 none, 1 timeout, 2 wrong checksum)
  +6  2  H  sensor: how many reads the fault lasts (65535 = until it is taken back)
  +8  1  H  sensor: command number; a change makes the board start counting +6 anew
  +9  1  H  sensor: bit 0: +10 replaces the temperature; bit 1: +12 the humidity
  +10 2  H  sensor: temperature in tenths of a degree Celsius, signed
  +12 2  H  sensor: relative humidity in tenths of a percent
  +16 2  B  sensor: reads, modulo 65536
  +18 2  B  sensor: reads that gave a timeout or a wrong checksum, modulo 65536
  +20 2  B  sensor: temperature of the last good frame, signed
  +22 2  B  sensor: humidity of the last good frame
  +24 2  B  sensor: rows of the series taken, modulo 65536 (a reset does not turn time back)
  +26 2  B  sensor: reads that the commanded fault still has to last
  +28 1  B  sensor: the command number that +26 belongs to
  +29 1  H  a button ties the pin to ground: it reads 0, whatever its pull
  +30 1  B  which event since the start made it an output, 0 = none

RTC memory, from offset 2176: 2 bytes of length, then up to 2048 bytes (B)
Series, from offset 4352: rows of 4 bytes: temperature, humidity, both signed, in tenths (H)

Allocates: fresh() makes one bytearray. Nothing else here runs.
"""

MAGIC = b"SNB1"
WIFI_PRESENT = 4
WIFI_PASSWORD_OK = 5
WIFI_ADDRESS = 6
WIFI_RSSI = 7
WIFI_JOIN_MS = 8
WIFI_NOTICE_MS = 10
DHT_MS = 12
DHT_TIMEOUT_EVERY = 14
DHT_CHECKSUM_EVERY = 16
SERIES_ROWS = 18
SERIES_FIRST = 20
RESET_CAUSE = 22
DNS_MS = 24
WIFI_STATE = 32
BOOTS = 34
WDT_TIMEOUT = 36
WDT_FEEDS = 40
EVENTS = 42
WIFI_ORDER = 43
HOSTNAME = 64
HOSTNAME_MAX = 32

PINS = 128
PIN_COUNT = 64
PIN_SIZE = 32
PIN_LEVEL = 0
PIN_MODE = 1
PIN_CHANGES = 2
PIN_INPUT = 4
PIN_FAULT = 5
PIN_FAULT_READS = 6
PIN_FAULT_NUMBER = 8
PIN_OVERRIDE = 9
PIN_TEMPERATURE = 10
PIN_HUMIDITY = 12
PIN_READS = 16
PIN_FAULTS = 18
PIN_LAST_TEMPERATURE = 20
PIN_LAST_HUMIDITY = 22
PIN_ROW = 24
PIN_FAULT_LEFT = 26
PIN_FAULT_SEEN = 28
PIN_TIED = 29
PIN_ORDER = 30

FAULT_NONE = 0
FAULT_TIMEOUT = 1
FAULT_CHECKSUM = 2
FAULT_FOREVER = 65535
OVERRIDE_TEMPERATURE = 1
OVERRIDE_HUMIDITY = 2

WIFI_OFF = 0
WIFI_IDLE = 1
WIFI_JOINING = 2
WIFI_NO_ADDRESS = 3
WIFI_UP = 4

RTC = 2176
RTC_MAX = 2048
SERIES = 4352
SERIES_ROW = 4
SERIES_MAX = 8192

# The exit status of a board that reset itself: start it again, with the same board file.
RESET_EXIT = 90


def fresh(rows=0):
    """The bytes of a new board: powered on, in reach of a good access point, no faults."""
    image = bytearray(SERIES + rows * SERIES_ROW)
    image[0 : len(MAGIC)] = MAGIC
    image[WIFI_PRESENT] = 1
    image[WIFI_PASSWORD_OK] = 1
    image[WIFI_ADDRESS] = 1
    image[WIFI_RSSI] = 256 - 58
    image[WIFI_JOIN_MS] = 800 & 255
    image[WIFI_JOIN_MS + 1] = 800 >> 8
    image[RESET_CAUSE] = 1
    image[SERIES_ROWS] = rows & 255
    image[SERIES_ROWS + 1] = rows >> 8
    return image

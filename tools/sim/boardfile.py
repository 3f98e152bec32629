"""The host's side of the board file: command the simulated board, and watch it.

``BoardFile`` maps the file that the stand-ins of a running node read and write
(``board/boardlayout.py`` holds the layout). What is set here takes effect at the board's next
access; what the board does is seen here at once. One process on each side; no locks are needed,
since every field has one writer.

    board = BoardFile.create(path, series=load_series())
    board.sensor_fault(4, "timeout", reads=2)
    board.wifi(present=False)
    board.level(16)
"""

from __future__ import annotations

import csv
import json
import mmap
import struct
from pathlib import Path

from .board import boardlayout as L

SERIES = Path(__file__).parent / "data" / "nyc-winter-2013.csv"

FAULTS = {"none": L.FAULT_NONE, "timeout": L.FAULT_TIMEOUT, "checksum": L.FAULT_CHECKSUM}
WIFI_STATES = ("off", "idle", "joining", "no address", "up")
RESET_CAUSES = {"power-on": 1, "hard": 2, "watchdog": 3, "deep-sleep": 4, "soft": 5}


def load_series(path: Path = SERIES) -> list[tuple[int, int]]:
    """Rows (temperature, humidity) in tenths from a CSV with the columns of tools/sim/data.

    Raises ValueError naming file and line for a value a DHT22 cannot give (-40.0 to 80.0
    degrees, 0.0 to 100.0 %), and for a series that is empty or too long.
    """
    rows = []
    with open(path, newline="") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            try:
                pair = int(row["temperature_tenths_c"]), int(row["humidity_tenths_percent"])
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{path}, line {line}: needs the columns utc, temperature_tenths_c and "
                    f"humidity_tenths_percent, the last two whole numbers ({error!r})"
                ) from error
            if not (-400 <= pair[0] <= 800 and 0 <= pair[1] <= 1000):
                raise ValueError(f"{path}, line {line}: {pair} is outside a DHT22's range")
            rows.append(pair)
    if not 0 < len(rows) <= L.SERIES_MAX:
        raise ValueError(f"{path}: {len(rows)} rows; 1 to {L.SERIES_MAX} are possible")
    return rows


class BoardFile:
    """A mapped board file. Use as a context manager, or close() it."""

    def __init__(self, path: Path) -> None:
        """Map an existing board file; ValueError if it is none of this version."""
        self.path = Path(path)
        with open(self.path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        if self._map[: len(L.MAGIC)] != L.MAGIC:
            self._map.close()
            raise ValueError(f"{path} is not a board file of this version")

    @classmethod
    def create(cls, path: Path, series: list[tuple[int, int]] | None = None) -> BoardFile:
        """Write a fresh board (powered on, good Wi-Fi, no faults) to path, and map it.

        Without a series every reading is 21.4 degrees and 48.0 %.
        """
        rows = series or []
        image = L.fresh(len(rows))
        for number, row in enumerate(rows):
            struct.pack_into("<hh", image, L.SERIES + number * L.SERIES_ROW, *row)
        Path(path).write_bytes(image)
        return cls(path)

    def close(self) -> None:
        """Unmap. The file stays."""
        self._map.close()

    def __enter__(self) -> BoardFile:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _get(self, form: str, offset: int) -> int:
        return struct.unpack_from(form, self._map, offset)[0]

    def _set(self, form: str, offset: int, value: int) -> None:
        struct.pack_into(form, self._map, offset, value)

    @staticmethod
    def _pin(pin: int, field: int) -> int:
        if not 0 <= pin < L.PIN_COUNT:
            raise ValueError(f"pin {pin}: 0 to {L.PIN_COUNT - 1} exist")
        return L.PINS + pin * L.PIN_SIZE + field

    # --- pins -------------------------------------------------------------------------------

    def level(self, pin: int) -> int:
        """The level the board drives on pin, 0 or 1."""
        return self._map[self._pin(pin, L.PIN_LEVEL)]

    def mode(self, pin: int) -> int:
        """0 if the board never set the pin up, else Pin.IN (1), OUT (3) or OPEN_DRAIN (7)."""
        return self._map[self._pin(pin, L.PIN_MODE)]

    def changes(self, pin: int) -> int:
        """How often the level on pin changed, modulo 65536."""
        return self._get("<H", self._pin(pin, L.PIN_CHANGES))

    def set_input(self, pin: int, level: int) -> None:
        """The level an input pin reads from now on."""
        self._set("B", self._pin(pin, L.PIN_INPUT), 1 if level else 0)

    def press(self, pin: int, held: bool = True) -> None:
        """Hold a button that ties pin to ground, or let it go."""
        self._set("B", self._pin(pin, L.PIN_TIED), 1 if held else 0)

    def order(self, pin: int) -> int:
        """Which event since the last start made pin an output (from 1), 0 if none did."""
        return self._map[self._pin(pin, L.PIN_ORDER)]

    # --- sensors ----------------------------------------------------------------------------

    def sensor_fault(self, pin: int, kind: str, reads: int | None = None) -> None:
        """Play a fault at the next `reads` reads (None: until "none" is commanded).

        kind is "timeout", "checksum" or "none".
        """
        if kind not in FAULTS:
            raise ValueError(f"fault {kind!r}: one of {', '.join(FAULTS)} is possible")
        count = L.FAULT_FOREVER if reads is None else reads
        if not 0 <= count <= L.FAULT_FOREVER:
            raise ValueError(f"a fault of {reads} reads: 0 to {L.FAULT_FOREVER - 1} are possible")
        self._set("B", self._pin(pin, L.PIN_FAULT), FAULTS[kind])
        self._set("<H", self._pin(pin, L.PIN_FAULT_READS), 0 if kind == "none" else count)
        number = self._pin(pin, L.PIN_FAULT_NUMBER)
        self._set("B", number, (self._map[number] + 1) & 255)

    def fault_lasts(self, pin: int) -> bool:
        """True while a fault without end is commanded."""
        return self._get("<H", self._pin(pin, L.PIN_FAULT_READS)) == L.FAULT_FOREVER

    def override(
        self, pin: int, temperature: int | None = None, humidity: int | None = None
    ) -> None:
        """Give these values (tenths) in place of the series; None takes the series again."""
        flags = 0
        if temperature is not None:
            flags |= L.OVERRIDE_TEMPERATURE
            self._set("<h", self._pin(pin, L.PIN_TEMPERATURE), temperature)
        if humidity is not None:
            flags |= L.OVERRIDE_HUMIDITY
            self._set("<h", self._pin(pin, L.PIN_HUMIDITY), humidity)
        self._set("B", self._pin(pin, L.PIN_OVERRIDE), flags)

    def reads(self, pin: int) -> int:
        """Reads of the sensor on pin, good or not, modulo 65536."""
        return self._get("<H", self._pin(pin, L.PIN_READS))

    def faults(self, pin: int) -> int:
        """Reads that gave a timeout or a wrong checksum, modulo 65536."""
        return self._get("<H", self._pin(pin, L.PIN_FAULTS))

    def last_frame(self, pin: int) -> tuple[int, int]:
        """Temperature and humidity (tenths) of the last good frame."""
        return (
            self._get("<h", self._pin(pin, L.PIN_LAST_TEMPERATURE)),
            self._get("<h", self._pin(pin, L.PIN_LAST_HUMIDITY)),
        )

    def fault_schedule(self, timeout_every: int = 0, checksum_every: int = 0) -> None:
        """Every n-th read of every sensor fails by itself; 0 = never."""
        self._set("<H", L.DHT_TIMEOUT_EVERY, timeout_every)
        self._set("<H", L.DHT_CHECKSUM_EVERY, checksum_every)

    def dht_time(self, milliseconds: int) -> None:
        """How long a read holds the interpreter (268 on a board: 250 high, 18 low)."""
        self._set("<H", L.DHT_MS, milliseconds)

    def series_start(self, row: int) -> None:
        """The row of the series that a sensor's first read takes."""
        self._set("<H", L.SERIES_FIRST, row)

    # --- Wi-Fi ------------------------------------------------------------------------------

    def wifi(
        self,
        present: bool | None = None,
        password_ok: bool | None = None,
        address: bool | None = None,
        rssi: int | None = None,
        join_ms: int | None = None,
        notice_ms: int | None = None,
    ) -> None:
        """Change the access point: in reach, takes our password, gives an address, RSSI in dBm.

        join_ms: what one attempt takes; notice_ms: until the station sees that it is gone.
        """
        for field, value in (
            (L.WIFI_PRESENT, present),
            (L.WIFI_PASSWORD_OK, password_ok),
            (L.WIFI_ADDRESS, address),
        ):
            if value is not None:
                self._set("B", field, 1 if value else 0)
        if rssi is not None:
            self._set("b", L.WIFI_RSSI, rssi)
        if join_ms is not None:
            self._set("<H", L.WIFI_JOIN_MS, join_ms)
        if notice_ms is not None:
            self._set("<H", L.WIFI_NOTICE_MS, notice_ms)

    def wifi_state(self) -> str:
        """What the station is doing: one of WIFI_STATES."""
        return WIFI_STATES[self._map[L.WIFI_STATE]]

    def wifi_order(self) -> int:
        """Which event since the last start switched the radio on (from 1), 0 if none did."""
        return self._map[L.WIFI_ORDER]

    def name_server(self, silent_ms: int) -> None:
        """How long resolving a name blocks before it fails, up to 65,535; 0: it is answered."""
        self._set("<H", L.DNS_MS, silent_ms)

    def memory(self) -> bytes:
        """What the RTC memory holds."""
        return bytes(self._map[L.RTC + 2 : L.RTC + 2 + self._get("<H", L.RTC)])

    def hostname(self) -> str:
        """The host name the board set, or an empty string."""
        return bytes(self._map[L.HOSTNAME : L.HOSTNAME + L.HOSTNAME_MAX]).rstrip(b"\0").decode()

    # --- power, reset, watchdog -------------------------------------------------------------

    def reset_cause(self, name: str | None = None) -> str:
        """Get, or with a name set for the next start, the reset cause."""
        if name is not None:
            self._set("B", L.RESET_CAUSE, RESET_CAUSES[name])
        number = self._map[L.RESET_CAUSE]
        return next((name for name in RESET_CAUSES if RESET_CAUSES[name] == number), "unknown")

    def power_on(self) -> None:
        """What pulling the plug does: pins, RTC memory and watchdog start from nothing."""
        self._set("<H", L.RTC, 0)
        self.reset("power-on")

    def reset(self, cause: str) -> None:
        """What every reset of the chip does: pins are inputs, the watchdog is off."""
        for pin in range(L.PIN_COUNT):
            at = self._pin(pin, 0)
            self._map[at : at + 4] = bytes(4)
        self._set("<I", L.WDT_TIMEOUT, 0)
        self.reset_cause(cause)

    def keep(self, blobs: dict[tuple[str, str], bytes]) -> None:
        """Put (namespace, key) -> bytes into the board's NVS, in place of all that is there."""
        values: dict[str, dict[str, list[int]]] = {}
        for (namespace, key), blob in blobs.items():
            values.setdefault(namespace, {})[key] = list(blob)
        self.path.with_name(self.path.name + ".nvs").write_text(json.dumps(values))

    def boots(self) -> int:
        """How often the board has started, modulo 65536."""
        return self._get("<H", L.BOOTS)

    def watchdog_timeout(self) -> int:
        """Milliseconds the watchdog waits for a feed; 0 if the node did not arm it."""
        return self._get("<I", L.WDT_TIMEOUT)

    def watchdog_feeds(self) -> int:
        """Feeds so far, modulo 65536."""
        return self._get("<H", L.WDT_FEEDS)

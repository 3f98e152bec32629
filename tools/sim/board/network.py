"""Stand-in for the ESP32 port's ``network``: a station that joins, fails and loses its network.

Follows ports/esp32/network_wlan.c of MicroPython 1.24 and later in what a program can see:
- connect() only begins. The driver tries by itself, again and again (config(reconnects=n) limits
  it), and the reason of the last failure sticks until an address is there.
- status() gives 1010 with an address; 201 and 202 as soon as that was the last reason, although
  the driver goes on trying; 1000 after disconnect(); else 1001 while trying, else the bare reason.
- A wrong password shows itself first as reason 15 (four-way handshake timeout), then as 205
  (connection failed), which status() reports as 202. So with reconnects=0 it stays 15.
- Joined but without an address stays 1001, with an RSSI: only a time limit tells it apart.
- connect() with arguments while an attempt is under way raises OSError, as the driver does.

What the access point does comes from the board file. isconnected(), status() and status("rssi")
allocate nothing.
"""

import time

import boardio
import boardlayout as L

STA_IF = 0
AP_IF = 1

STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_BEACON_TIMEOUT = 200
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202
STAT_ASSOC_FAIL = 203
STAT_HANDSHAKE_TIMEOUT = 204

AUTH_OPEN = 0
AUTH_WEP = 1
AUTH_WPA_PSK = 2
AUTH_WPA2_PSK = 3
AUTH_WPA_WPA2_PSK = 4
AUTH_WPA3_PSK = 6
AUTH_WPA2_WPA3_PSK = 7

# Reasons of ESP-IDF (wifi_err_reason_t) that the driver keeps to itself or maps in status().
_REASON_ASSOC_LEAVE = 8
_REASON_HANDSHAKE_TIMEOUT = 15
_REASON_CONNECTION_FAIL = 205

_hostname = "mpy-esp32"
_NOT_CONNECTED = boardio.ready(OSError("Wifi Not Connected"))


def hostname(name=None):
    """Get, or with an argument set, the host name (at most 32 characters)."""
    global _hostname
    if name is None:
        return _hostname
    if len(name) > L.HOSTNAME_MAX:
        raise ValueError("hostname too long")
    _hostname = name
    field = bytearray(L.HOSTNAME_MAX)
    field[: len(name)] = name.encode()
    boardio.store(L.HOSTNAME, field)


def country(code=None):
    """Get the country code; setting it changes nothing here."""
    return "XX" if code is None else None


class _Station:
    """The one station: what ESP-IDF's Wi-Fi task and the driver's variables are on a board."""

    def __init__(self):
        self.active = False
        self.requested = False  # connect() was called and disconnect() was not
        self.attempting = False
        self.joined = False
        self.connected = False  # joined, with an address
        self.reason = 0  # of the last failure; 0 again once an address is there
        self.limit = 0  # attempts in a row, 0 = no limit
        self.attempts = 0
        self.since = 0  # ticks: start of the attempt
        self.gone = False  # the access point vanished, not noticed yet
        self.gone_since = 0
        self.ssid = ""

    def begin(self):
        self.attempting = True
        self.since = time.ticks_ms()
        boardio.put8(L.WIFI_STATE, L.WIFI_JOINING)

    def fail(self, reason):
        self.reason = reason
        self.attempting = False
        self.joined = False
        self.connected = False
        self.gone = False
        if self.requested and self.active:
            self.attempts += 1
            if self.limit == 0 or self.attempts < self.limit:
                self.begin()
                return
        boardio.put8(L.WIFI_STATE, L.WIFI_IDLE)

    def end_attempt(self):
        if not boardio.get8(L.WIFI_PRESENT):
            self.fail(STAT_NO_AP_FOUND)
        elif not boardio.get8(L.WIFI_PASSWORD_OK):
            first = self.reason != _REASON_HANDSHAKE_TIMEOUT
            self.fail(_REASON_HANDSHAKE_TIMEOUT if first else _REASON_CONNECTION_FAIL)
        else:
            self.attempting = False
            self.joined = True
            boardio.put8(L.WIFI_STATE, L.WIFI_NO_ADDRESS)
            self.ask_address()

    def ask_address(self):
        if boardio.get8(L.WIFI_ADDRESS):
            self.connected = True
            self.reason = 0
            boardio.put8(L.WIFI_STATE, L.WIFI_UP)

    def watch(self):
        """Joined: has the access point vanished, and for long enough to be noticed?"""
        if boardio.get8(L.WIFI_PRESENT):
            self.gone = False
            if not self.connected:
                self.ask_address()
        elif not self.gone:
            self.gone = True
            self.gone_since = time.ticks_ms()
        if self.gone and self.passed(self.gone_since, L.WIFI_NOTICE_MS):
            self.fail(STAT_BEACON_TIMEOUT)

    def passed(self, since, field):
        return time.ticks_diff(time.ticks_ms(), since) >= boardio.get16(field)

    def poll(self):
        if self.attempting:
            if self.passed(self.since, L.WIFI_JOIN_MS):
                self.end_attempt()
        elif self.joined:
            self.watch()

    def stop(self):
        """disconnect() or active(False): leaves a trace only if there was something to leave."""
        if self.attempting or self.joined:
            self.reason = _REASON_ASSOC_LEAVE
        self.requested = False
        self.attempting = False
        self.joined = False
        self.connected = False
        boardio.put8(L.WIFI_STATE, L.WIFI_IDLE if self.active else L.WIFI_OFF)

    def status(self):
        reason = self.reason
        if self.connected:
            return STAT_GOT_IP
        if reason == STAT_NO_AP_FOUND:
            return STAT_NO_AP_FOUND
        if reason == STAT_WRONG_PASSWORD or reason == _REASON_CONNECTION_FAIL:
            return STAT_WRONG_PASSWORD
        if reason == _REASON_ASSOC_LEAVE:
            return STAT_IDLE
        if self.requested and (self.limit == 0 or self.attempts < self.limit):
            return STAT_CONNECTING
        return STAT_IDLE if reason == 0 else reason


_TEXT = (str, bytes)


def _must_be_text(value):
    # Allocates nothing for text: a node may join again while it is connected to its broker.
    if value is not None and not isinstance(value, _TEXT):
        raise TypeError("can't convert %s to str implicitly" % type(value).__name__)


_station = _Station()
boardio.put8(L.WIFI_STATE, L.WIFI_OFF)


class WLAN:
    """The station interface. An access point of our own (AP_IF) is not played."""

    IF_STA = STA_IF
    IF_AP = AP_IF
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    def __init__(self, interface=STA_IF):
        if interface == AP_IF:
            raise NotImplementedError("the simulated board has no access point of its own")
        if interface != STA_IF:
            raise ValueError("invalid WLAN interface identifier")
        self._own = _station

    def active(self, on=None):
        """Get, or with an argument set, whether the radio is on."""
        own = self._own
        if on and not boardio.get8(L.WIFI_ORDER):
            boardio.put8(L.WIFI_ORDER, boardio.event())
        if on is not None and bool(on) != own.active:
            own.active = bool(on)
            own.stop()
        return own.active

    def connect(self, ssid=None, key=None, *, bssid=None):
        """Begin to join; does not wait."""
        own = self._own
        own.poll()
        if not own.active:
            raise OSError("Wifi Not Started")
        if own.attempting:
            raise OSError("Wifi Internal State Error")  # "sta is connecting, cannot set config"
        _must_be_text(ssid)
        _must_be_text(key)
        if ssid is not None:
            own.ssid = ssid
        own.attempts = 0
        own.requested = True
        if not own.joined:
            own.begin()

    def disconnect(self):
        """Leave the network and stop trying."""
        if not self._own.active:
            raise OSError("Wifi Not Started")
        self._own.stop()

    def isconnected(self):
        """True with an address. Allocates nothing."""
        own = self._own
        own.poll()
        return own.connected

    def status(self, what=None):
        """One of STAT_*, or a bare ESP-IDF reason; status("rssi") in dBm. Allocates nothing."""
        own = self._own
        own.poll()
        if what is None:
            return own.status()
        if what != "rssi":
            raise ValueError("unknown status param")
        if not own.joined:
            _NOT_CONNECTED.__traceback__ = None
            raise _NOT_CONNECTED
        return (boardio.get8(L.WIFI_RSSI) ^ 0x80) - 0x80

    def config(self, what=None, **values):
        """Query one parameter by name, or set some by keyword."""
        if values:
            return self._set_config(values)
        if what == "reconnects":
            return self._own.limit - 1
        if what == "mac":
            return b"\x02SNSIM"
        if what == "ssid" or what == "essid":
            return self._own.ssid
        if what == "hostname" or what == "dhcp_hostname":
            return _hostname
        if what == "channel":
            return 6
        if what == "pm":
            return WLAN.PM_PERFORMANCE
        raise ValueError("unknown config param")

    def _set_config(self, values):
        for name in values:
            if name == "reconnects":
                count = values[name]
                self._own.limit = 0 if count == -1 else count + 1
            elif name == "hostname" or name == "dhcp_hostname":
                hostname(values[name])
            elif name not in ("pm", "txpower", "channel", "protocol", "mac"):
                raise ValueError("unknown config param")

    def ifconfig(self):
        """(address, mask, gateway, name server), zeros without an address."""
        if not self.isconnected():
            return ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")
        return ("192.0.2.20", "255.255.255.0", "192.0.2.1", "192.0.2.1")

    def ipconfig(self, what):
        """ipconfig("addr4") -> (address, mask); ipconfig("gw4") -> gateway."""
        address = self.ifconfig()
        if what == "addr4":
            return (address[0], address[1])
        if what == "gw4":
            return address[2]
        raise ValueError("unknown config param")

    def scan(self):
        """[(ssid, bssid, channel, RSSI, security, hidden)] of what is in reach."""
        if not self._own.active:
            raise OSError("STA must be active")
        if not boardio.get8(L.WIFI_PRESENT):
            return []
        rssi = (boardio.get8(L.WIFI_RSSI) ^ 0x80) - 0x80
        name = self._own.ssid or "simulated"
        return [(name.encode(), b"\x02SNSAP", 6, rssi, AUTH_WPA2_PSK, False)]

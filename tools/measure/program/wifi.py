"""A board's way into its Wi-Fi network, for the time of a measurement.

The network is the one given, else that of the node's config.json on the board, with the password
from the NVS where that says so. A station that is connected already is used as it is, unless to
another network than the one given. The numbers of status() are those of the ESP32 port.
"""

import json
import time

JOIN_MS = 20000
STALE_MS = 4000  # the code of an earlier failure may show that long

NO_ACCESS_POINT = (201, 210, 211, 212)
WRONG_PASSWORD = (15, 202, 204, 205)


class NoNetwork(Exception):
    """The text says why."""


def node_config(home):
    """The node's config.json in the folder `home`; {} if there is none that can be read."""
    try:
        with open(home.rstrip("/") + "/config.json") as file:
            config = json.load(file)
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def join(given, config, look):
    """Be on line. `given`: {"ssid", "password"} or None; `look()` is called while waiting and
    says whether to give up.

    What there is to say of the radio: {"rssi": dBm or None, "pm": power saving or None}; None for
    a board that has no radio. NoNetwork otherwise.
    """
    try:
        import network
    except ImportError:
        return None
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    elsewhere = given is not None and _asked(wlan.config, "ssid") != given["ssid"]
    if elsewhere or not wlan.isconnected():
        _join(wlan, given or config.get("wifi"), look)
    return {"rssi": _asked(wlan.status, "rssi"), "pm": _asked(wlan.config, "pm")}


def _known(wanted):
    """Name and password of the network, None without one; NoNetwork where one of them is no text.
    Nothing has checked the configuration."""
    ssid = wanted.get("ssid") if isinstance(wanted, dict) else None
    if not ssid or not isinstance(ssid, str):
        raise NoNetwork("no network known")
    password = wanted.get("password")
    if isinstance(password, dict):
        password = _secret(password.get("nvs"))
    if password is not None and not isinstance(password, str):
        raise NoNetwork("the password in its config.json is no text")
    return ssid, password or None


def _secret(key):
    """What flashing kept in the NVS, where the node finds it too (lib/node/board.py)."""
    secret = bytearray(128)
    try:
        import esp32

        size = esp32.NVS("steadynode").get_blob(key, secret)
        return bytes(secret[:size]).decode()
    except (ImportError, OSError, TypeError, ValueError):
        raise NoNetwork(
            'the board has no secret "%s", which its config.json asks for; make flash '
            "CONFIG=config.json writes it" % key
        )


def _join(wlan, wanted, look):
    ssid, password = _known(wanted)
    for prepare in (wlan.disconnect, lambda: wlan.config(reconnects=0)):
        try:
            prepare()
        except (OSError, ValueError, TypeError):  # nothing to leave; a port without the setting
            pass
    before = wlan.status()
    wlan.connect(ssid, password)
    since = time.ticks_ms()
    while not wlan.isconnected():
        waited = time.ticks_diff(time.ticks_ms(), since)
        status = wlan.status()
        if status != before or waited > STALE_MS:
            _refuse(status, ssid)
        if waited > JOIN_MS:
            raise NoNetwork('no answer, or no address, from "%s"' % ssid)
        if look():
            raise NoNetwork("stopped")
        time.sleep_ms(20)


def _refuse(status, ssid):
    if status in NO_ACCESS_POINT:
        raise NoNetwork('no access point "%s" in reach' % ssid)
    if status in WRONG_PASSWORD:
        raise NoNetwork('wrong password for "%s"' % ssid)
    if 0 < status < 1000:
        raise NoNetwork('"%s" cannot be joined, code %d' % (ssid, status))


def _asked(function, name):
    try:
        return function(name)
    except (OSError, ValueError, TypeError):
        return None

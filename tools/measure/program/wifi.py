"""A board's way into its Wi-Fi network, for the time of a measurement.

The network is the one given, else that of the node's config.json on the board. A station that is
connected already is used as it is, unless to another network than the one given. The numbers of
status() are those of the ESP32 port.
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
        _join(wlan, given or config.get("wifi") or {}, look)
    return {"rssi": _asked(wlan.status, "rssi"), "pm": _asked(wlan.config, "pm")}


def _join(wlan, wanted, look):
    ssid = wanted.get("ssid")
    if not ssid:
        raise NoNetwork("no network known")
    for prepare in (wlan.disconnect, lambda: wlan.config(reconnects=0)):
        try:
            prepare()
        except (OSError, ValueError, TypeError):  # nothing to leave; a port without the setting
            pass
    before = wlan.status()
    wlan.connect(ssid, wanted.get("password") or None)
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

"""What a user may ask for, checked, and the settings that the measuring program gets.

Secrets come from the environment too (MQTT_USER, MQTT_PASSWORD, WIFI_SSID, WIFI_PASSWORD), where
no other user of the machine sees them. They are in the settings, and nowhere else.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
from pathlib import Path

from tools.run.parts import ROOT, Trouble

OUT = ROOT / "build" / "measure"
SIZE = (4, 60000)  # bytes of payload: a number that tells the message; what fits the outbox
LONGEST_S = 1800  # the microsecond clock of a board wraps after 17 minutes
MOST = 100_000  # of one measurement: three arrays of that many are made
WIDEST = 1000

_NUMBERED = re.compile(r"\[(?P<six>[^\]]+)\](:(?P<sixport>\d+))?|(?P<host>[^:]+)(:(?P<port>\d+))?")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options. Leaves with a text when one is wrong; Trouble for a broker that cannot be."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not options.broker:
        raise Trouble("name a broker: make measure BROKER=192.168.1.10 (or host:port)")
    options.host, options.broker_port = broker(options.broker)
    options.user = options.user or os.environ.get("MQTT_USER") or None
    options.password = options.password or os.environ.get("MQTT_PASSWORD") or None
    options.ssid = options.ssid or os.environ.get("WIFI_SSID") or None
    if options.password and not options.user:
        raise Trouble("MQTT_PASSWORD is set, but no user: set MQTT_USER too")
    phases = len(options.qos) * len(options.sizes) * (1 + len(options.windows))
    if options.messages < 2 * phases:
        parser.error(
            f"--messages {options.messages}: there are {phases} measurements, with two messages "
            f"each at least; allow {2 * phases}, or measure fewer --sizes or --qos"
        )
    return options


def broker(text: str) -> tuple[str, int]:
    """Host and port of `host`, `host:port`, `[v6]:port`, with or without mqtt:// before it."""
    scheme, _, rest = text.rpartition("://")
    if scheme not in ("", "mqtt", "tcp"):
        raise Trouble(
            f"BROKER={scheme}://...: only plain MQTT over TCP is measured (mqtt://), no TLS and no "
            "WebSocket; name the broker's TCP port, mostly 1883"
        )
    if "@" in rest:
        raise Trouble("BROKER: no user and password in it; set MQTT_USER and MQTT_PASSWORD instead")
    match = _NUMBERED.fullmatch(rest.rstrip("/"))
    if match is None and rest.count(":") > 1:
        raise Trouble(f"BROKER={text}: an IPv6 address stands in brackets: [{rest}]:1883")
    port = int(match["port"] or match["sixport"] or 1883) if match else 0
    if not 0 < port < 65536:
        raise Trouble(f"BROKER={text}: must be host or host:port, with a port of 1 to 65535")
    return match["host"] or match["six"], port


def settings(options: argparse.Namespace) -> dict:
    """What program/meter.py wants to know. The topic is random: nobody else's is touched."""
    run = secrets.token_hex(4)
    wifi = None
    if options.ssid:
        wifi = {"ssid": options.ssid, "password": os.environ.get("WIFI_PASSWORD") or ""}
    return {
        "host": options.host,
        "port": options.broker_port,
        "user": options.user,
        "password": options.password,
        "client_id": f"measure-{run}",
        "topic": f"{options.prefix}/{run}",
        "wifi": wifi,
        "qos": options.qos,
        "sizes": options.sizes,
        "windows": options.windows,
        "rate": options.rate,
        "latency": options.samples,
        "throughput": options.burst,
        "messages": options.messages,
        "seconds": options.seconds,
        "linger_ms": round(options.linger * 1000),
        "timeout_ms": round(options.timeout * 1000),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.measure",
        description="Throughput, latency and loss of a link to a broker. See docs/measure.md.",
    )
    add = parser.add_argument
    add("broker", nargs="?", metavar="HOST[:PORT]", help="the broker; port 1883 unless given")
    add("--port", help="measure from the board on this serial port, e.g. /dev/ttyUSB0")
    add("--on", choices=("unix", "cpython"), default="unix", help="what runs the client here")
    add("--qos", type=_list(0, 2), default=[0, 1, 2], help="default 0,1,2")
    add("--sizes", type=_list(*SIZE), default=[16, 64, 256, 1024], help="bytes of payload")
    add("--windows", type=_list(1, WIDEST), default=[1, 16], help="unacknowledged at once")
    add("--seconds", type=_whole(1, LONGEST_S), default=60, help="of the whole run; default 60")
    add("--messages", type=_whole(1, 10**8), default=50_000, help="in all; default 50000")
    add("--rate", type=_whole(1, 1000), default=20, help="messages a second of the latency part")
    add("--samples", type=_whole(1, MOST), default=200, help="messages of a latency measurement")
    add("--burst", type=_whole(1, MOST), default=2000, help="messages of a throughput measurement")
    add("--linger", type=_seconds, default=2.0, help="seconds of silence, then the rest is lost")
    add("--timeout", type=_seconds, default=10.0, help="seconds for the broker to answer")
    add("--prefix", type=_topic, default="steadynode-measure", help="first levels of the topic")
    add("--user", help="MQTT user; or in MQTT_USER")
    add("--password", help="MQTT password; better in MQTT_PASSWORD, where nobody else sees it")
    add("--ssid", help="Wi-Fi network of the board; or in WIFI_SSID. Its password: WIFI_PASSWORD")
    add("--out", type=Path, default=OUT, help="folder of report and chart; default build/measure")
    return parser


def _whole(least: int, most: int):
    def whole(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r}: must be a number of {least} to {most}")
        return int(text)

    return whole


def _list(least: int, most: int):
    one = _whole(least, most)

    def several(text: str) -> list[int]:
        numbers = [one(part.strip()) for part in text.split(",")]
        if len(set(numbers)) < len(numbers) or len(numbers) > 16:
            raise argparse.ArgumentTypeError(f"{text!r}: at most 16, each once")
        return numbers

    return several


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0.05 <= value <= 60:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a number of 0.05 to 60 seconds")
    return value


def _topic(text: str) -> str:
    if not text or len(text) > 200 or text[0] == "$" or any(sign in text for sign in "+#\0"):
        raise argparse.ArgumentTypeError(
            f"{text!r}: must be a topic without + and #, not beginning with $"
        )
    return text.rstrip("/")

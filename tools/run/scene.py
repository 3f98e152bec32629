"""Everything a run consists of, and what can be done to it.

    judge ------------------> broker <---- proxy <---- node (real boot.py, main.py; Unix port)
    (paho, sees all)        (iotcore)    (wire ledger)   board file: sensor, Wi-Fi, GPIO

The scene starts and ends the parts and offers the actions (toggle a relay, break the sensor, cut
the network ...). It keeps no opinion: account.py and summary.py judge.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tools.proxy import Proxy
from tools.sim.boardfile import SERIES, BoardFile, load_series

from .judge import Judge
from .parts import ROOT, Broker, Node, Trouble
from .state import Command, State
from .wire import Wire

EXAMPLE = ROOT / "config.example.json"
FORM = "config.example.json shows the form"
DHT_HOLD_MS = 268  # the real driver: 250 ms high, 18 ms low (drivers/dht/dht.c)


@dataclass
class Outage:
    """Something that was taken away, and how the node came back."""

    kind: str
    began: float
    mended: float | None = None
    back: float | None = None  # connected again, and a reading seen after it
    judged: bool = True  # False if the run ended before the node could come back


def run_config(path: Path, port: int) -> dict:
    """The configuration of the node: that of `path`, with this run's broker and paces."""
    try:
        config = json.loads(path.read_text())
        config["mqtt"] |= {
            "brokers": [{"host": "127.0.0.1", "port": port}],
            "keepalive": 10,
            "retry_first": 1,
            "retry_max": 2,
            "connect_timeout": 3,
            "ack_timeout": 2,
        }
        config["health"] = {"every": 1}
        for device in config["devices"]:
            if device["kind"] == "dht22":
                device["every"] = 2
    except OSError as error:
        raise Trouble(f"{path}: {error.strerror}. {FORM}") from None
    except ValueError as error:
        raise Trouble(f"{path}: not JSON: {error}. {FORM}") from None
    except (KeyError, TypeError):
        raise Trouble(f"{path}: not the configuration of a node. {FORM}") from None
    return config


class Scene:
    """Use as a context manager: whatever happens, nothing it started stays behind."""

    def __init__(self, config: Path = EXAMPLE, series: Path = SERIES) -> None:
        self.started = time.monotonic()
        self.events: list[tuple[float, str]] = []  # seconds since the start, text
        self.outages: list[Outage] = []
        self.wire = Wire()
        self._told = 0  # node log lines passed on
        self._seen = 0  # arrivals fed
        self._folder = Path(tempfile.mkdtemp(prefix="steadynode-"))
        self._parts = []
        try:
            self._build(config, series)
        except BaseException:
            self.close()
            raise

    def _build(self, config: Path, series: Path) -> None:
        try:
            self.series = load_series(series)
        except (OSError, ValueError) as error:
            raise Trouble(str(error)) from error
        self.board = BoardFile.create(self._folder / "board", self.series)
        self._parts.append(self.board.close)
        self.board.wifi(join_ms=300, notice_ms=200)
        self.board.dht_time(DHT_HOLD_MS)
        self.broker = Broker()
        self._parts.append(self.broker.stop)
        self.proxy = Proxy(("127.0.0.1", self.broker.port), tap=self.wire.tap)
        self._parts.append(self.proxy.close)
        self.config = run_config(config, self.proxy.port)
        (self._folder / "config.json").write_text(json.dumps(self.config))
        self.pins = {device["name"]: device["pin"] for device in self.config["devices"]}
        self.relays = self._names("relay")
        self.sensors = self._names("dht22")
        self.state = State(f"{self.config['prefix']}/{self.config['node']}/")
        self.judge = Judge(self.broker.port, self.config["prefix"])
        self._parts.append(self.judge.stop)
        self.node = Node(self._folder, self.board)
        self._parts.append(self.node.stop)

    def _names(self, kind: str) -> list[str]:
        return [device["name"] for device in self.config["devices"] if device["kind"] == kind]

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def start(self) -> None:
        """Broker, then judge, then the node."""
        self.broker.start()
        self.tell("start", f"broker iotcore on port {self.broker.port}, process {self.broker.pid}")
        self.judge.start()
        if not self.judge.wait(lambda: self.judge.connected, 10):
            why = "; ".join(self.judge.errors) or "no answer in 10 s"
            raise Trouble(f"the judge could not subscribe at the broker: {why}")
        self.proxy.start()
        self.node.start()
        self.tell("start", f"node on the Unix port, process {self.node.pid}")

    def end(self, seconds: float = 6) -> bool:
        """Ctrl-C on the node's console; True if it said `offline` and ended with status 0.

        What was taken away is given back first, or nobody could hear the farewell.
        """
        while outage := self.out():
            outage.judged = False
            self.mend(outage)
            self._wait_online(outage.mended, seconds)
        self.tell("end", "Ctrl-C on the node's console")
        before = self.judge.count()
        self.update()
        self.state.ending = True
        self.node.interrupt()
        ended = self.node.join(seconds)
        offline = self.judge.wait(lambda: self._farewell(before), 2)
        self.update()
        return ended and offline and self.node.exit_code == 0

    def _wait_online(self, mended: float, seconds: float) -> None:
        """Until a health message shows that the node's connection carries again."""
        topic = self.state.base + "health"
        self.judge.wait(
            lambda: any(one.time > mended and one.topic == topic for one in self.judge.arrivals()),
            seconds,
        )

    def _farewell(self, before: int) -> bool:
        topic = self.state.base + "status"
        return any(
            one.topic == topic and one.payload == b"offline" for one in self.judge.arrivals(before)
        )

    def close(self) -> None:
        """End every part, newest first, and remove the folder."""
        while self._parts:
            self._parts.pop()()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def tell(self, what: str, text: str) -> None:
        self.events.append((self.seconds, f"{what:8} {text}"))

    def update(self) -> None:
        """Take in what happened since the last call. Trouble if the node has died, or found
        faults in its configuration."""
        arrivals = self.judge.arrivals(self._seen)
        self._seen += len(arrivals)
        for arrival in arrivals:
            if line := self.state.feed(arrival):
                self.events.append((arrival.time - self.started, line))
        self._watch_outages()
        new = self.node.said - self._told
        self._told += new
        lines = self.node.tail(new)
        for line in lines:
            self.tell("node", line)
        if any(" E config: " in line for line in lines):
            raise Trouble(
                "the node found faults in its configuration; its lines:\n" + self.node_tail()
            )
        if not self.node.running and not self.node.stopping:
            raise Trouble(
                f"the node has died with exit status {self.node.exit_code}; its last lines:\n"
                + self.node_tail()
            )

    def node_tail(self) -> str:
        """The last lines of the node's log, indented."""
        return "\n".join(f"  {line}" for line in self.node.tail(15)) or "  (it said nothing)"

    def _watch_outages(self) -> None:
        for outage in self.outages:
            if outage.back is None and outage.mended is not None and self._is_back(outage.mended):
                outage.back = time.monotonic()

    def _is_back(self, mended: float) -> bool:
        """Online, and a reading was seen that came after the mending."""
        newest = [readings[-1].time for readings in self.state.readings.values() if readings]
        return self.state.status == "online" and any(time > mended for time in newest)

    def driven(self, relay: str) -> str:
        """ON or OFF, as the level on the relay's pin says."""
        device = next(one for one in self.config["devices"] if one["name"] == relay)
        return "ON" if self.board.level(device["pin"]) != device.get("active_low", False) else "OFF"

    def faults_played(self) -> int:
        """Sensor reads that the board made fail."""
        return sum(self.board.faults(self.pins[name]) for name in self.sensors)

    def rows_taken(self, sensor: str) -> list[tuple[int, int]]:
        """The rows of the series that the sensor has gone through, the failed reads' too."""
        count = self.board.reads(self.pins[sensor])
        return [self.series[at % len(self.series)] for at in range(count)]

    def good_frames(self) -> int:
        """Sensor reads that the board answered well."""
        return (
            sum(self.board.reads(self.pins[name]) for name in self.sensors) - self.faults_played()
        )

    def failures_told(self) -> int:
        """Failed reads by the node's own count, from its last health message."""
        sensors = self.state.health.get("sensors", {})
        return sum(sensors.get(name, {}).get("failed", 0) for name in self.sensors)

    # --- actions ------------------------------------------------------------------------------

    def command(self, relay: str) -> Command:
        """Switch a relay to what it is not, through its command topic."""
        wanted = "OFF" if self.state.relays.get(relay) == "ON" else "ON"
        command = Command(relay, wanted, time.monotonic(), bool(self.out()))
        self.state.commands.append(command)
        self.judge.publish(f"{self.state.base}{relay}/set", wanted.encode())
        self.tell("command", f"{relay} {wanted}")
        return command

    def sensor_fault(self, kind: str, reads: int | None = None) -> None:
        """Break every sensor ("timeout" or "checksum"), or mend it ("none")."""
        for name in self.sensors:
            self.board.sensor_fault(self.pins[name], kind, reads)
        span = "until mended" if reads is None else f"for {reads} read(s)"
        self.tell("sensor", "mended" if kind == "none" else f"{kind} {span}")

    def out(self, kind: str | None = None) -> Outage | None:
        """The outage (of that kind) that lasts, or None."""
        for outage in self.outages:
            if outage.mended is None and kind in (None, outage.kind):
                return outage
        return None

    def begin(self, kind: str) -> Outage:
        """Take something away: "cut", "half-open", "wifi" or "broker"."""
        outage = Outage(kind, time.monotonic())
        self.outages.append(outage)
        self.tell("outage", OUTAGES[kind][0])
        if kind == "cut":
            self.proxy.cut()
        elif kind == "half-open":
            self.proxy.stall()
        elif kind == "wifi":
            self.board.wifi(present=False)
            self.proxy.stall()  # without the access point no packet arrives anywhere
        else:
            self.broker.kill()
            self.proxy.refuse()
        return outage

    def mend(self, outage: Outage) -> None:
        """Give it back. A new broker is shown to the node once the judge listens to it."""
        if outage.kind == "wifi":
            self.board.wifi(present=True)
        if outage.kind == "broker":
            self.broker.start()
            if not self.judge.wait(lambda: self.judge.connected, 10):
                raise Trouble("the judge could not subscribe again at the restarted broker")
        outage.mended = time.monotonic()
        if not self.out():
            self.proxy.restore()
        self.tell("outage", OUTAGES[outage.kind][1])

    def switch(self, kind: str) -> None:
        """Begin that outage, or mend it if it lasts."""
        outage = self.out(kind)
        if outage:
            self.mend(outage)
        else:
            self.begin(kind)


OUTAGES = {
    "cut": ("network cut", "network restored"),
    "half-open": ("network silent (half-open)", "network answers again"),
    "wifi": ("Wi-Fi gone", "Wi-Fi back"),
    "broker": ("broker killed", "broker restarted"),
}

"""The report: from the lines of the measuring program to the JSON that docs/measure.md describes.

Rules of this module:
- A report is whole at every moment: what has not come is absent or None, and `complete` is False
  until the program has said that all was done.
- User, passwords and the Wi-Fi network are not in it.
- Times are milliseconds. A percentile is the nearest rank: the smallest value that at least so
  many percent of the values do not exceed; so each is a time that really occurred.
- A message is lost if it was sent and had not come back when, after the last one was sent,
  nothing more had come for the linger time. When the measurement was cut off, what was still
  under way is not known, and `loss` is None.
"""

from __future__ import annotations

import datetime
import json
import math

from .words import why

FORMAT = 1
MARK = "@measure "
PERCENTS = (50, 95, 99)
COUNTS = ("sent", "acked", "received", "duplicates", "failed")
_TAIL = 12  # lines of something else that are kept, to show when the program dies


def percentile(values: list, percent: float):
    """The nearest rank of the ascending `values`."""
    return values[max(1, math.ceil(percent * len(values) / 100)) - 1]


def distribution(times_us: list[int]) -> dict | None:
    """n, min, p50, p95, p99, max in milliseconds; negative times never happened. None of none."""
    values = sorted(time / 1000 for time in times_us if time >= 0)
    if not values:
        return None
    found = {f"p{percent}": percentile(values, percent) for percent in PERCENTS}
    return {"n": len(values), "min": values[0], **found, "max": values[-1]}


class Report:
    """Takes lines; `data` is the report. `tail`: last lines that were none of the program's."""

    def __init__(self, settings: dict, where: str) -> None:
        self.tail: list[str] = []
        self.now = ""  # what is being measured
        self._times: dict[str, list[int]] = {}
        plan = ("qos", "sizes", "windows", "rate", "latency", "throughput", "messages", "seconds")
        self.data = {
            "format": FORMAT,
            "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "complete": False,
            "ended": None,
            "error": None,
            "broker": {"host": settings["host"], "port": settings["port"]},
            "topic": settings["topic"],
            "client": {"where": where, "system": None, "version": None, "machine": None},
            "radio": None,
            "plan": {name: settings[name] for name in (*plan, "linger_ms", "timeout_ms")},
            "clock": None,
            "connect_ms": None,
            "granted": {},
            "strays": {"late": 0, "foreign": 0},
            "goodbye": False,
            "results": [],
        }

    def take(self, line: str) -> None:
        """One line of the program's output."""
        if not line.startswith(MARK):
            if line.strip():
                self.tail = [*self.tail, line][-_TAIL:]
            return
        said = json.loads(line[len(MARK) :])
        getattr(self, f"_{said['is']}")(said)

    def fail(self, error: str, ended: str = "failed") -> None:
        """It ended in another way than by itself."""
        self.data.update(complete=False, ended=ended, error=error)

    # --- what the program says ----------------------------------------------------------------

    def _system(self, said: dict) -> None:
        names = {"system": "name", "version": "version", "machine": "machine"}
        self.data["client"].update({key: said[name] for key, name in names.items()})

    def _wifi(self, said: dict) -> None:
        self.data["radio"] = {"rssi_dbm": said["rssi"], "power_saving": said["pm"]}

    def _connected(self, said: dict) -> None:
        self.data["connect_ms"] = said["ms"]

    def _granted(self, said: dict) -> None:
        self.data["granted"] = {str(qos): granted for qos, granted in said["of"]}

    def _clock(self, said: dict) -> None:
        self.data["clock"] = {"tick_us": 1, "turn": distribution(said["turns_us"])}

    def _begin(self, said: dict) -> None:
        window = f", window {said['window']}" if said["phase"] == "throughput" else ""
        self.now = f"QoS {said['qos']}, {said['bytes']} bytes: {said['phase']}{window}"
        self._times = {"ack": [], "back": []}

    def _samples(self, said: dict) -> None:
        self._times[said["of"]] += said["us"]

    def _phase(self, said: dict) -> None:
        cell = self._cell(said["qos"], said["bytes"])
        measured = self._counts(said)
        if said["phase"] == "latency":
            # At QoS 0 there is no acknowledgement that could be waited for.
            measured["ack_ms"] = distribution(self._times["ack"]) if said["qos"] else None
            measured["end_to_end_ms"] = distribution(self._times["back"])
            measured["slips"] = said["slips"]
            cell["latency"] = measured
        else:
            measured["window"] = said["window"]
            measured["per_s"] = rate(said["received"], said["received_us"])
            measured["acked_per_s"] = rate(said["acked"], said["acked_us"]) if said["qos"] else None
            cell["throughput"].append(measured)

    def _end(self, said: dict) -> None:
        for name in self.data["strays"]:
            self.data["strays"][name] = said.get(name, 0)
        self.data["goodbye"] = said.get("goodbye", False)
        self.data["ended"] = said["why"]
        self.data["error"] = why(said, self.data["broker"], self.data["granted"])
        self.data["complete"] = said["why"] == "done" and self.data["error"] is None

    # --- parts --------------------------------------------------------------------------------

    def _cell(self, qos: int, size: int) -> dict:
        for cell in self.data["results"]:
            if (cell["qos"], cell["bytes"]) == (qos, size):
                return cell
        cell = {"qos": qos, "bytes": size, "latency": None, "throughput": []}
        self.data["results"].append(cell)
        return cell

    @staticmethod
    def _counts(said: dict) -> dict:
        counts = {name: said[name] for name in COUNTS}
        whole = said["connected"] or said["received"] == said["sent"]
        lost = said["sent"] - said["received"]
        return {
            "complete": said["complete"],
            "tag": said["tag"],
            **counts,
            "loss": lost / said["sent"] if whole and said["sent"] else None,
            "seconds": said["took_us"] / 1e6,
            "heap_bytes": said["heap"],
        }


def rate(count: int, us: int) -> float | None:
    """Per second; None of none."""
    return count / us * 1e6 if count and us else None

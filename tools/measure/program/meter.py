"""The measuring program: runs on a board, on MicroPython's Unix port and on CPython.

It prints one line of JSON, after the mark, for everything there is to say; the host makes the
report of them (tools/measure/report.py). Lines are printed between the measurements, never during
one. Every line has "is":

    system     name, version, machine
    wifi       rssi, pm
    connected  ms
    clock      turns_us: how long idle passes of the loop took
    granted    of: [[QoS, granted], ...]
    begin      phase ("latency", "throughput"), qos, bytes, window
    samples    of ("ack", "back"), us: some of the coming phase's times, -1 = never
    phase      the same as begin, and what was counted
    end        why ("done", "time", "stopped", "lost", "failed"), late, foreign, errors, goodbye;
               for the last two also step, and the names of reason and errno with the detail of
               CLOSED, or a text

Settings: host, port, user, password, client_id, topic, wifi (None, or ssid and password), qos,
sizes, windows, rate (messages a second), latency and throughput (messages of a measurement),
messages (in all), seconds (of the run), linger_ms (silence after which what is missing is lost),
timeout_ms (of the broker).
"""

import errno
import gc
import json
import sys

import mqtt
from link import Link
from phase import MASK, Phase, ticks_us
from stop import Stop, stdin

MARK = "@measure "
TURNS = 200
CHUNK = 50
SHORTEST_MS = 100
REASONS = (
    "REFUSED", "MALFORMED", "VIOLATION", "PEER_CLOSED", "TRANSPORT", "CONNECT_TIMEOUT",
    "ACK_TIMEOUT", "PING_TIMEOUT", "SEND_TIMEOUT", "FULL",
)  # fmt: skip


def say(kind, **values):
    values["is"] = kind
    sys.stdout.write(MARK + json.dumps(values) + "\n")
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()


def run(settings, stop):
    """Measure, and print. Whatever happens, the last line is "end"."""
    end = {"why": "failed", "late": 0, "foreign": 0, "errors": 0, "goodbye": False}
    try:
        link = Link(settings, stop)
        try:
            Meter(link, settings, end).run()
        finally:
            end["errors"] = link.client.handler_errors
    except MemoryError:
        end.update({"why": "failed", "step": "memory"})
    except Exception as error:
        text = "%s: %s" % (type(error).__name__, error)
        end.update({"why": "failed", "step": "program", "text": text})
    say("end", **end)


class Meter:
    """The measurements of a run, one after the other. What is to be said last goes to `end`."""

    def __init__(self, link, settings, end):
        self.link = link
        self.settings = settings
        self.end = end
        self._messages = settings["messages"]
        self._tag = 0
        self._left = 0  # measurements to come ...
        self._weight = 0  # ... and the sum of their shares of the time

    def run(self):
        link = self.link
        took = link.connect()
        if took is None:
            return self._cut_off("connect")
        say("connected", ms=took)
        qualities = self.settings["qos"]
        granted = link.subscribe(qualities)
        if granted is None:
            return self._cut_off("subscribe")
        say("granted", of=[[qos, granted[qos]] for qos in qualities])
        self._clock()
        self._cells([qos for qos in qualities if granted[qos] == qos])
        if link.closed is not None:
            return self._cut_off("measure")
        self.end["why"] = "stopped" if link.stop.asked else "time" if self._left else "done"
        self.end["goodbye"] = link.goodbye(qualities)
        return None

    def _cut_off(self, step):
        if self.link.closed is None:
            self.end["why"] = "stopped"
            self.end["goodbye"] = self.link.goodbye(())
            return
        reason, detail = self.link.closed
        self.end["why"] = "lost" if step == "measure" else "failed"
        self.end.update({"step": step, "reason": _reason(reason), "detail": detail})
        unresolved = detail == mqtt.UNRESOLVED
        self.end["errno"] = "UNRESOLVED" if unresolved else errno.errorcode.get(-detail, "")

    def _clock(self):
        """How long a pass takes when nothing happens."""
        took = [0] * TURNS
        self.link.stop.look()  # what it makes at its first call is not to be laid to the client
        before = ticks_us()
        for index in range(TURNS):
            self.link.turn()
            now = ticks_us()
            took[index] = now - before & MASK
            before = now
        say("clock", turns_us=took)

    # --- the plan -----------------------------------------------------------------------------

    def _cells(self, qualities):
        """Every QoS with every size, and of each the latency and then the throughput."""
        windows = self.settings["windows"]
        kinds = [("latency", max(windows), len(windows))] + [("throughput", w, 1) for w in windows]
        cells = [(qos, size) for qos in qualities for size in self.settings["sizes"]]
        self._left = len(cells) * len(kinds)
        self._weight = len(cells) * 2 * len(windows)
        for qos, size in cells:
            publication = self.link.client.prepare(self.link.topic(qos), size, qos)
            for kind, window, weight in kinds:
                if not self.link.going():
                    return
                what = {"phase": kind, "qos": qos, "bytes": size, "window": window}
                say("begin", **what)
                self._measure(publication, what, *self._shares(kind, weight))
                self._left -= 1
                self._weight -= weight

    def _shares(self, kind, weight):
        """(messages, ms) for the coming measurement. What is left is shared among all that is to
        come, so that a slow or lossy one shortens the others instead of cutting the last off. The
        latency gets half the time."""
        messages = min(self.settings[kind], self._messages // self._left - 1)
        return max(1, messages), max(SHORTEST_MS, self.link.left_ms() * weight // self._weight)

    def _measure(self, publication, what, limit, share_ms):
        self._warm_up(publication, what["bytes"])
        timed = what["phase"] == "latency"
        self._tag = self._tag % 255 + 1
        phase = Phase(publication, self._tag, what["bytes"], limit, what["window"], timed)
        self.link.phase = phase
        gc.collect()
        heap = _heap()
        since = ticks_us()
        if timed:
            self._paced(phase, share_ms * 1000)
        else:
            self._flood(phase, share_ms * 1000)
        cut = self.link.stop.asked or self.link.closed is not None
        self._drain(phase)
        taken = _heap() - heap
        took = ticks_us() - since & MASK
        self._tell(phase, what, cut, took, taken)

    def _warm_up(self, publication, size):
        """One message there and back, not counted: the first one finds cold caches, a sleeping
        radio, a slow start."""
        phase = Phase(publication, 0, size, 1, 1, False)
        self.link.phase = phase
        phase.send()
        self._drain(phase)
        self._count(phase)

    # --- the measurements ---------------------------------------------------------------------

    def _paced(self, phase, limit_us):
        """One message every 1/rate s, whatever became of the one before."""
        link = self.link
        interval = 1000000 // self.settings["rate"]
        since = ticks_us()
        due_us = 0  # since the beginning: a sum with the clock itself could leave the small ints
        while phase.sent < phase.limit and link.turn():
            now_us = ticks_us() - since & MASK
            if now_us >= due_us and phase.room() and phase.send():
                due_us += interval
                if now_us >= due_us:
                    phase.slips += 1
                    due_us = now_us
            if now_us > limit_us or link.stop.asked:
                return

    def _flood(self, phase, limit_us):
        """As fast as the window allows."""
        link = self.link
        since = ticks_us()
        while phase.sent < phase.limit and link.turn():
            while phase.room() and phase.send():
                pass
            if ticks_us() - since & MASK > limit_us or link.stop.asked:
                return

    def _drain(self, phase):
        """Wait for what is under way, until nothing more has come for linger_ms."""
        link = self.link
        linger = self.settings["linger_ms"] * 1000
        since = ticks_us()
        heard = phase.heard()
        while not phase.settled() and link.turn():
            if phase.heard() != heard:
                heard = phase.heard()
                since = ticks_us()
            elif ticks_us() - since & MASK > linger:
                return

    def _count(self, phase):
        self._messages -= phase.sent
        self.end["late"] += phase.late
        self.end["foreign"] += phase.foreign

    def _tell(self, phase, what, cut, took, taken):
        self._count(phase)
        for name, times in (("ack", phase.ack_us), ("back", phase.back_us)):
            for at in range(0, phase.sent if phase.timed else 0, CHUNK):
                say("samples", of=name, us=list(times[at : min(at + CHUNK, phase.sent)]))
        say(
            "phase",
            tag=phase.tag,
            sent=phase.sent,
            acked=phase.acked,
            received=phase.received,
            duplicates=phase.duplicates,
            failed=phase.failed,
            slips=phase.slips,
            acked_us=phase.acked_us,
            received_us=phase.received_us,
            took_us=took,
            heap=taken if hasattr(gc, "mem_alloc") else None,
            connected=self.link.closed is None,
            complete=not cut,
            **what,
        )


def _reason(code):
    for name in REASONS:
        if getattr(mqtt, name) == code:
            return name
    return str(code)


def _heap():
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0


def say_system():
    made = sys.implementation
    version = ".".join([str(part) for part in list(made.version)[:3]])
    say("system", name=made.name, version=version, machine=getattr(made, "_machine", ""))


if __name__ == "__main__":
    say_system()
    run(json.loads(stdin.readline()), Stop(lambda: None))

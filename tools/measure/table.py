"""The report in the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

CUT = "*"  # behind what was cut short
NOTHING = "–"


def show(report: dict, console: Console) -> None:
    """Print the report: two tables, and what there is to say of them."""
    console.print(_head(report), highlight=False, soft_wrap=True)
    console.print(_latency(report))
    console.print(_throughput(report))
    for line in _notes(report):
        console.print(line, highlight=False, soft_wrap=True)


def milliseconds(value: float) -> str:
    """Three digits or so."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def share(value: float | None) -> str:
    """A loss rate, as a percentage."""
    if value is None:
        return NOTHING
    return "0" if value == 0 else f"{100 * value:.2g} %"


def describe(report: dict) -> str:
    """Where from, where to, with what."""
    client = report["client"]
    system = f"{client['system'] or 'nothing'} {client['version'] or ''}".strip()
    machine = f", {client['machine']}" if client["machine"] else ""
    broker = f"{report['broker']['host']}:{report['broker']['port']}"
    return f"{broker} from {client['where']} ({system}{machine})"


def _head(report: dict) -> str:
    parts = [describe(report)]
    if report["connect_ms"] is not None:
        parts.append(f"connected in {report['connect_ms']} ms")
    radio = report["radio"]
    if radio and radio["rssi_dbm"] is not None:
        parts.append(f"signal {radio['rssi_dbm']} dBm")
    return ", ".join(parts)


def _table(title: str, columns: list[str]) -> Table:
    table = Table(title=title, box=box.SIMPLE, title_justify="left", collapse_padding=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _latency(report: dict) -> Table:
    ranks = ["p50", "p95", "p99", "max"]
    columns = [f"{kind}\n{rank}" for kind in ("ack", "e2e") for rank in ranks]
    title = "Latency, ms: send to acknowledgement (ack), and end to end (e2e)"
    table = _table(title, ["QoS", "bytes", "sent", *columns, "lost"])
    for cell in report["results"]:
        measured = cell["latency"]
        if measured is None:
            continue
        times = []
        for kind in ("ack_ms", "end_to_end_ms"):
            found = measured[kind]
            times += [milliseconds(found[rank]) if found else NOTHING for rank in ranks]
        mark = "" if measured["complete"] else CUT
        table.add_row(
            str(cell["qos"]),
            str(cell["bytes"]),
            f"{measured['sent']}{mark}",
            *times,
            share(measured["loss"]),
        )
    return table


def _throughput(report: dict) -> Table:
    windows = report["plan"]["windows"]
    columns = [name for w in windows for name in (f"window {w}", "lost")]
    table = _table("Throughput, messages a second there and back", ["QoS", "bytes", *columns])
    for cell in report["results"]:
        row = []
        measured = {one["window"]: one for one in cell["throughput"]}
        for window in windows:
            one = measured.get(window)
            mark = "" if one is None or one["complete"] else CUT
            per_s = f"{one['per_s']:,.0f}{mark}" if one and one["per_s"] else NOTHING + mark
            row += [per_s, share(one["loss"]) if one else NOTHING]
        if measured:
            table.add_row(str(cell["qos"]), str(cell["bytes"]), *row)
    return table


def _notes(report: dict) -> list[str]:
    notes = []
    measured = [one for c in report["results"] for one in (c["latency"], *c["throughput"]) if one]
    if report["clock"]:
        turn = report["clock"]["turn"]
        notes.append(
            f"One pass of the loop takes {turn['p50']:.3f} ms (p99 {turn['p99']:.3f}): nothing "
            "finer can be seen."
        )
    for qos, granted in report["granted"].items():
        if granted != int(qos):
            given = "nothing" if granted > 2 else f"QoS {granted}"
            notes.append(f"Asked for QoS {qos}, the broker granted {given}: not measured.")
    if not any(one["received"] for one in measured):
        notes.append(
            "Not one message came back: may this user publish and read under "
            f"{report['topic']}? Another --prefix may be allowed."
        )
    if any(not one["complete"] for one in measured):
        notes.append(f"{CUT} cut short")
    if duplicates := sum(one["duplicates"] for one in measured):
        notes.append(f"{duplicates} messages came more than once.")
    if any(report["strays"].values()):
        strays = report["strays"]
        notes.append(
            f"{strays['late']} came after they had been counted as lost; {strays['foreign']} were "
            "not ours."
        )
    return notes

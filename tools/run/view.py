"""What the user sees: a live screen in a terminal, plain lines anywhere else."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from rich.console import Console, Group
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .scene import Scene
from .summary import Line

PICTURE = (116, 42)  # columns and rows
BARS = "▁▂▃▄▅▆▇█"
ACTIONS = (
    ("s", "sensor"),
    ("n", "network"),
    ("h", "half-open"),
    ("w", "Wi-Fi"),
    ("b", "broker"),
    ("q", "end"),
)
# Rows of the panels; what is left is for the events. All fits into 80 columns and 24 rows.
HEAD, MIDDLE, KEYS, BORDERS = 3, 13, 3, 2


def sparkline(values: list[int], width: int = 40) -> str:
    """The newest `width` values as bars from their least to their greatest."""
    shown = values[-width:]
    if not shown:
        return ""
    low, span = min(shown), max(max(shown) - min(shown), 1)
    return "".join(BARS[(value - low) * (len(BARS) - 1) // span] for value in shown)


class Plain:
    """One line per event."""

    def __init__(self) -> None:
        self._shown = 0

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def draw(self, scene: Scene) -> None:
        for when, text in scene.events[self._shown :]:
            print(f"{when:6.2f}  {text}", flush=True)
        self._shown = len(scene.events)


class Screen:
    """The live screen; the terminal is as before when the ``with`` ends."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, screen=True, auto_refresh=False)

    def __enter__(self) -> Screen:
        self._live.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._live.__exit__(None, None, None)

    def draw(self, scene: Scene) -> None:
        self._live.update(screen(scene, self._live.console.height), refresh=True)


def make_view() -> Screen | Plain:
    """A screen if stdout is a terminal that can show one."""
    console = Console()
    return Screen(console) if console.is_terminal and not console.is_dumb_terminal else Plain()


def screen(scene: Scene, height: int) -> Layout:
    """The whole screen of this moment."""
    layout = Layout()
    layout.split_column(
        Layout(_head(scene), name="head", size=HEAD),
        Layout(name="middle", size=MIDDLE),
        Layout(_events(scene, max(1, height - HEAD - MIDDLE - KEYS - BORDERS)), name="events"),
        Layout(_keys(scene), name="keys", size=KEYS),
    )
    layout["middle"].split_row(Layout(_devices(scene), ratio=4), Layout(_counts(scene), ratio=3))
    return layout


def save_picture(scene: Scene, path: Path) -> None:
    """The screen of this moment as an SVG file."""
    console = Console(
        record=True,
        file=io.StringIO(),
        width=PICTURE[0],
        height=PICTURE[1],
        force_terminal=True,
        color_system="truecolor",
    )
    console.print(screen(scene, PICTURE[1]))
    console.save_svg(str(path), title="make run")


def _head(scene: Scene) -> Panel:
    state = scene.state
    colour = {"online": "bold green", "offline": "bold red"}.get(state.status, "yellow")
    text = Text.assemble(
        ("● " + state.base.rstrip("/"), "bold"),
        "  ",
        (state.status, colour),
        f"   up {state.health.get('uptime', 0)} s   run {scene.seconds:.0f} s   Wi-Fi: ",
        scene.board.wifi_state(),
        f" {state.health.get('rssi', '')} dBm" if state.health else "",
    )
    if outage := scene.out():
        text.append(f"   OUTAGE: {outage.kind}", "bold red")
    return Panel(text, title="steadynode", title_align="left")


def _devices(scene: Scene) -> Panel:
    parts = []
    for name in scene.sensors:
        trend = list(scene.state.trend.get(name, ()))
        for what, unit in (("temperature", "°C"), ("humidity", "%")):
            values = [getattr(reading, what) for reading in trend]
            now = f"{values[-1] / 10:6.1f} {unit}" if values else "   -"
            parts.append(Text.assemble(f"{name} {what:12}", (f"{now:10}", "bold cyan")))
            parts.append(Text("  " + sparkline(values), "cyan"))
    table = Table("relay", "state", "pin", "level", "changes", box=None, padding=(0, 1))
    for number, name in enumerate(scene.relays, start=1):
        pin, on = scene.pins[name], scene.state.relays.get(name, "-")
        table.add_row(
            f"[{number}] {name}".replace("[", r"\["),
            Text(on, "bold green" if on == "ON" else "dim"),
            f"GPIO{pin}",
            "▇ 1" if scene.board.level(pin) else "▁ 0",
            str(scene.board.changes(pin)),
        )
    return Panel(Group(*parts, Text(), table), title="devices", title_align="left")


def _counts(scene: Scene) -> Panel:
    health, wire = scene.state.health, scene.wire.counts
    table = Table(box=None, show_header=False, padding=(0, 1))
    grown = health.get("grown")
    rows = (
        ("messages", scene.state.live),
        ("sent/acked", f"{len(scene.wire.messages)} / {wire.down['PUBACK']}"),
        ("unacked/resent", f"{len(scene.wire.unacknowledged())} / {wire.resent}"),
        ("connects/restarts", f"{wire.connects} / {scene.node.resets}"),
        ("node errors", health.get("errors", "-")),
        ("reads failed", scene.failures_told()),
        ("heap in use", f"{health.get('heap', '-')} B"),
        ("heap growth", "-" if grown is None else f"{grown} B"),
        ("longest step", f"{scene.state.worst_ms} ms"),
        ("pings", wire.up["PINGREQ"]),
    )
    for name, value in rows:
        table.add_row(name, Text(str(value), "bold"))
    return Panel(table, title="measured", title_align="left")


def _events(scene: Scene, count: int) -> Panel:
    lines = [
        Text(f"{when:7.2f}  {text}", _colour(text), no_wrap=True, overflow="ellipsis")
        for when, text in scene.events[-count:]
    ]
    return Panel(Group(*lines), title="events", title_align="left")


def _colour(text: str) -> str:
    for start, colour in (
        ("outage", "yellow"),
        ("sensor", "yellow"),
        ("command", "magenta"),
        ("reading", "cyan"),
        ("status", "bold"),
        ("node", "dim"),
    ):
        if text.startswith(start):
            return colour
    return ""


def _keys(scene: Scene) -> Panel:
    line = Text(no_wrap=True)
    for key, what in (*((str(at), name) for at, name in enumerate(scene.relays[:9], 1)), *ACTIONS):
        line.append(key, "bold reverse").append(f" {what}  ")
    return Panel(line, title="keys: once breaks, once more mends", title_align="left")


def print_summary(lines: list[Line], title: str) -> None:
    """The verdict, on stdout, in a terminal or not."""
    print(f"\n{title}")
    for line in lines:
        print(f"  {'ok ' if line.good else 'NOT'} {line.name:26} {line.text}")
    sys.stdout.flush()

"""The report as a picture: latency above, throughput below, one column for each QoS and size."""

from __future__ import annotations

import math
from html import escape

from .table import describe, milliseconds, share

COLUMN = 62
LEAST = 0.0005  # what a clock of whole microseconds cannot tell from nothing
LEFT, TOP, HEIGHT, GAP = 70, 84, 220, 96
COLOURS = ("#1f6f8b", "#e08e45", "#7a5195", "#5b8c5a")
GREY, INK = "#d5d9dd", "#22303c"


def draw(report: dict) -> str:
    """The SVG text."""
    width = LEFT + max(8, len(report["results"])) * COLUMN + 30
    height = TOP + 2 * HEIGHT + GAP + 96
    body = _Latency(report).draw(TOP) + _Throughput(report).draw(TOP + HEIGHT + GAP)
    done = "" if report["complete"] else f"; incomplete: {report['ended']}"
    head = [
        _text(LEFT - 50, 26, f"MQTT link to {describe(report)}", size=16, bold=True),
        _text(LEFT - 50, 44, f"{report['started']}{done}", colour="#5a6672"),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="system-ui, sans-serif" font-size="12">\n'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n'
        + "\n".join(head + body)
        + "\n</svg>\n"
    )


class _Panel:
    """One panel: a logarithmic scale over `values`, and what stands above each cell."""

    title = ""

    def __init__(self, cells: list[dict], values: list[float]) -> None:
        self.cells = cells
        self.top = 0
        shown = [value for value in values if value and value > LEAST] or [1]
        self.low = math.ceil(math.log10(min(shown))) - 1  # the smallest has a bar, too
        self.high = max(self.low + 1, math.ceil(math.log10(max(shown))))

    def y(self, value: float) -> float:
        """Where `value` is; at the bottom what is below the scale."""
        share = (math.log10(max(value, 10.0**self.low)) - self.low) / (self.high - self.low)
        return self.top + HEIGHT * (1 - share)

    def ticks(self) -> list[float]:
        decades = range(self.low, self.high)
        steps = (1, 2, 5) if len(decades) <= 3 else (1,)
        return [step * 10.0**k for k in decades for step in steps] + [10.0**self.high]

    def draw(self, top: int) -> list[str]:
        self.top = top
        right = LEFT + max(8, len(self.cells)) * COLUMN
        parts = [_text(LEFT - 50, top - 12, self.title, bold=True)]
        for value in self.ticks():
            y = self.y(value)
            parts.append(_line(LEFT, y, right, y, GREY))
            parts.append(_text(LEFT - 6, y + 4, f"{value:,g}", anchor="end"))
        for index, cell in enumerate(self.cells):
            x = LEFT + index * COLUMN + COLUMN / 2
            parts += self.column(x, cell)
            parts.append(_text(x, top + HEIGHT + 16, f"{cell['bytes']} B", anchor="middle"))
            if index == 0 or self.cells[index - 1]["qos"] != cell["qos"]:
                label = f"QoS {cell['qos']}"
                parts.append(_text(x - COLUMN / 2 + 6, top + HEIGHT + 32, label, bold=True))
                if index:
                    edge = x - COLUMN / 2
                    parts.append(_line(edge, top, edge, top + HEIGHT + 32, "#9aa5b1"))
        return parts + self.legend(top + HEIGHT + 32)


class _Latency(_Panel):
    """End to end: a bar from p50 to p99, marks for p95 and the maximum."""

    title = "Latency end to end, ms (logarithmic)"

    def __init__(self, report: dict) -> None:
        cells = report["results"]
        found = [c["latency"]["end_to_end_ms"] for c in cells if c["latency"]]
        super().__init__(cells, [one[rank] for one in found if one for rank in ("p50", "max")])

    def column(self, x: float, cell: dict) -> list[str]:
        found = cell["latency"] and cell["latency"]["end_to_end_ms"]
        if not found:
            return [_text(x, self.top + HEIGHT / 2, "none", anchor="middle", colour="#9aa5b1")]
        top, bottom = self.y(found["p99"]), self.y(found["p50"])
        parts = [
            _rect(x - 12, top, 24, max(2, bottom - top), COLOURS[0], 0.35),
            _line(x - 14, bottom, x + 14, bottom, COLOURS[0], 3),
            _line(x - 12, self.y(found["p95"]), x + 12, self.y(found["p95"]), COLOURS[0], 1.5),
            f'<circle cx="{x:.1f}" cy="{self.y(found["max"]):.1f}" r="3" fill="none" '
            f'stroke="{COLOURS[0]}"/>',
            _text(x, bottom + 14, milliseconds(found["p50"]), anchor="middle", size=10),
        ]
        if cell["latency"]["loss"]:
            lost = f"{share(cell['latency']['loss'])} lost"
            parts.append(_text(x, self.top + 12, lost, anchor="middle", size=10, colour="#c0392b"))
        return parts

    def legend(self, y: float) -> list[str]:
        text = "thick line and number: p50; bar: to p99; thin line: p95; circle: maximum"
        return [_text(LEFT - 50, y + 18, text, colour="#5a6672")]


class _Throughput(_Panel):
    """Messages a second there and back, a bar for each window."""

    title = "Throughput, messages a second there and back (logarithmic)"

    def __init__(self, report: dict) -> None:
        cells = report["results"]
        super().__init__(cells, [one["per_s"] for cell in cells for one in cell["throughput"]])
        self.windows = report["plan"]["windows"]

    def column(self, x: float, cell: dict) -> list[str]:
        wide = (COLUMN - 14) / len(self.windows)
        parts = []
        for one in cell["throughput"]:
            place = self.windows.index(one["window"])
            top = self.y(one["per_s"] or 0)
            left = x - (COLUMN - 14) / 2 + place * wide
            colour = COLOURS[place % len(COLOURS)]
            parts.append(_rect(left, top, wide - 2, self.top + HEIGHT - top, colour))
        return parts

    def legend(self, y: float) -> list[str]:
        parts = []
        for place, window in enumerate(self.windows):
            x = LEFT - 50 + place * 110
            parts.append(_rect(x, y + 10, 12, 12, COLOURS[place % len(COLOURS)]))
            parts.append(_text(x + 18, y + 20, f"window {window}"))
        return parts


def _text(x, y, text, *, size=12, bold=False, anchor="start", colour=INK) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="{colour}"{weight}>{escape(text)}</text>'
    )


def _line(x1, y1, x2, y2, colour, width=1) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width}"/>'
    )


def _rect(x, y, width, height, colour, opacity=1) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'fill="{colour}" fill-opacity="{opacity}"/>'
    )

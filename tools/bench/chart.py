"""A bar chart as an SVG that needs nothing but a viewer: no script, no font, no network.

Bars lie, one row for each name and one bar in it for each series, with the number behind the bar.
A scale over several powers of ten is logarithmic, with a line for each power.
"""

import math
from html import escape

WIDTH = 900
LEFT, RIGHT = 170, 110  # for the names; for the numbers behind the longest bar
TOP, BOTTOM = 84, 30
BAR, GAP = 15, 11
COLOURS = ("#1b7f5c", "#2f6db5", "#c77d1e", "#8c4a9e")
GREY = "#667085"


def bars(title, series, show, emphasised="", logarithmic=False):
    """The SVG text. `series`: {series: {name: number}}, drawn from top to bottom in that order; a
    number that is missing has no bar. `show`: number -> text."""
    names = list(dict.fromkeys(name for taken in series.values() for name in taken))
    scale = Scale([n for taken in series.values() for n in taken.values()], logarithmic)
    row = len(series) * BAR + GAP
    height = TOP + row * len(names) + BOTTOM
    parts = [head(title, height), *legend(series), *grid(scale, height)]
    for i, name in enumerate(names):
        top = TOP + i * row
        if name == emphasised:
            parts.append(rectangle(8, top - GAP / 2, WIDTH - 16, row, "#e8f4ef"))
        middle = top + (row - GAP) / 2 + 5
        weight = "bold" if name == emphasised else "normal"
        parts.append(text(LEFT - 10, middle, name, anchor="end", weight=weight))
        for j, taken in enumerate(series.values()):
            if name in taken:
                parts += bar(scale, top + j * BAR, taken[name], COLOURS[j], show(taken[name]))
    return "\n".join([*parts, "</svg>", ""])


class Scale:
    """From a number to a length in pixels."""

    def __init__(self, numbers, logarithmic):
        self.room = WIDTH - LEFT - RIGHT
        self.most = max(numbers, default=1) or 1
        positive = [n for n in numbers if n > 0]
        self.first = math.floor(math.log10(min(positive))) if positive and logarithmic else None

    def length(self, number):
        if self.first is None:
            return self.room * number / self.most
        if number <= 0:
            return 0
        last = math.log10(self.most)
        # The smallest number has a bar, too: the axis begins at the power of ten below it.
        return self.room * (math.log10(number) - self.first) / ((last - self.first) or 1)

    def lines(self):
        """(length, text) of each line of the grid."""
        if self.first is None:
            return []
        powers = range(self.first, math.floor(math.log10(self.most)) + 1)
        return [(self.length(10**p), f"{10**p:,}") for p in powers]


def head(title, height):
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="14">',
            rectangle(0, 0, WIDTH, height, "#ffffff"),
            text(WIDTH / 2, 30, title, anchor="middle", weight="bold", size=18),
        ]
    )


def legend(series):
    if len(series) < 2:
        return []
    parts = []
    for i, name in enumerate(series):
        left = LEFT + 160 * i
        parts.append(rectangle(left, 46, 14, 14, COLOURS[i]))
        parts.append(text(left + 20, 58, name))
    return parts


def grid(scale, height):
    parts = []
    for length, label in scale.lines():
        x = LEFT + length
        end = height - BOTTOM
        parts.append(f'<path d="M{x:.1f} {TOP - 6}V{end}" stroke="#d0d5dd" fill="none"/>')
        parts.append(text(x, end + 18, label, anchor="middle", size=12, colour=GREY))
    return parts


def bar(scale, top, number, colour, shown):
    length = max(scale.length(number), 1)
    return [
        rectangle(LEFT, top, length, BAR - 2, colour),
        text(LEFT + length + 6, top + BAR - 4, shown, size=12),
    ]


def rectangle(x, y, width, height, colour):
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} fill="{colour}"/>'


def text(x, y, words, anchor="start", weight="normal", size=14, colour="#1d2939"):
    how = f'text-anchor="{anchor}" font-weight="{weight}" font-size="{size}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {how}>{escape(words)}</text>'

"""docs/sizes.md: its tables made, read back, and compared with what is measured now."""

import re
from dataclasses import dataclass

from tests.support.runtimes import ROOT
from tools.sizes.measuring import FLASH, HEAP

PAGE = ROOT / "docs" / "sizes.md"
SEGMENT = 56000  # bytes of the ESP32's first heap segment ...
AT_BOOT = 6000  # ... of which MicroPython itself takes these
LIMIT = SEGMENT - AT_BOOT
AIMS = {
    "lib/mqtt": 12000,
    "the same, its set-up modules forgotten": 14000,
    "the whole node, after 50 minutes": 36000,
}
COLUMNS = ("module by module", "as built")
_PLACE = "<!-- measured: {} -->"
_END = "<!-- measured: end -->"


@dataclass(frozen=True)
class Change:
    """A figure of the page that is no longer true."""

    what: str
    column: str
    said: int | None
    now: int

    def __str__(self):
        if self.said is None:
            return f"{self.what}, {self.column}: {self.now:,}; the page does not have it"
        return (
            f"{self.what}, {self.column}: {self.now:,} instead of {self.said:,}: "
            f"{self.now - self.said:+,} bytes"
        )


def tolerance(size):
    """Bytes by which a figure may differ from the page: 64, or half a percent if that is more."""
    return max(64, size // 200)


def sizes_table(plain, built):
    """Markdown of the Measures of both sets of modules."""
    lines = [f"| | {COLUMNS[0]} | {COLUMNS[1]} | wanted |", "|---|---:|---:|---:|"]
    for heading, texts in (("`.mpy`, bytes of flash", FLASH), ("heap, bytes on 32 bits", HEAP)):
        lines.append(f"| **{heading}** | | | |")
        for text in texts:
            wanted = f"{AIMS[text]:,}" if text in AIMS else ""
            lines.append(f"| {text} | {plain.sizes[text]:,} | {built.sizes[text]:,} | {wanted} |")
    lines.append(f"| an ESP32's first heap segment, less MicroPython | {LIMIT:,} | {LIMIT:,} | |")
    return "\n".join(lines)


def account_table(plain, built):
    """Markdown of where the heap goes."""
    lines = [
        "| | functions | bytecode | names | all else | together |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for column, measures in zip(COLUMNS, (plain, built), strict=True):
        for text, account in measures.accounts.items():
            figures = account.functions, account.code, account.names, account.rest, account.total
            lines.append(f"| {text}, {column} | {' | '.join(f'{n:,}' for n in figures)} |")
    return "\n".join(lines)


def written(text, plain, built):
    """The page `text` with both tables made anew. Raises ValueError for a place that is missing."""
    for name, table in (
        ("sizes", sizes_table(plain, built)),
        ("account", account_table(plain, built)),
    ):
        begin = _PLACE.format(name)
        if text.count(begin) != 1:
            raise ValueError(f"{PAGE.relative_to(ROOT)}: must have the line {begin!r} once")
        pattern = re.escape(begin) + ".*?" + re.escape(_END)
        new = f"{begin}\n\n{table}\n\n{_END}"
        text = re.sub(pattern, lambda _, new=new: new, text, flags=re.DOTALL)
    return text


def said(text):
    """{what: (bytes module by module, bytes as built)} of the page's first table."""
    table = text.partition(_PLACE.format("sizes"))[2].partition(_END)[0]
    found = {}
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and re.fullmatch("[0-9,]+", cells[1]):
            found[cells[0]] = tuple(int(cell.replace(",", "")) for cell in cells[1:3])
    return found


def changes(text, plain, built):
    """The figures in which the page `text` and the measures differ by more than the tolerance."""
    page = said(text)
    found = []
    for what in FLASH + HEAP:
        for index, measures in enumerate((plain, built)):
            old = page[what][index] if what in page else None
            now = measures.sizes[what]
            if old is None or abs(now - old) > tolerance(old):
                found.append(Change(what, COLUMNS[index], old, now))
    return found

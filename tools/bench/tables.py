"""The results as tables of text, for the terminal and for the page alike.

`results` holds what was measured, by part: "heap", "instructions", "throughput", "link",
"footprint"; each {contender name: ...} as its module gives it. Parts that were not measured have
no tables.
"""

from dataclasses import dataclass

from tools.bench import rates
from tools.bench.catalogue import BY_WILDCARD, EVERY, PREPARED

NOTHING = "–"


@dataclass
class Table:
    """`rows`: of the same length as `header`, all text."""

    part: str
    title: str
    header: list[str]
    rows: list[list[str]]


def tables(results):
    made = []
    for part, make in PARTS.items():
        if part in results:
            made += [table for table in make(results[part]) if table.rows]
    return made


def by_operation(part, title, figures, show, operations=EVERY):
    """One row for each contender that has one of `operations`, one column for each of them."""
    rows = []
    for name, taken in figures.items():
        if any(op in taken for op in operations):
            cells = [show(taken[op]) if op in taken else NOTHING for op in operations]
            rows.append([name, *cells])
    used = [op for op in operations if any(op in taken for taken in figures.values())]
    keep = [0] + [1 + i for i, op in enumerate(operations) if op in used]
    header = ["", *operations]
    return Table(part, title, [header[i] for i in keep], [[row[i] for i in keep] for row in rows])


def heap_tables(figures):
    def left(account):
        return "0" if not account.bytes else f"{short(account.objects)} ({short(account.bytes)})"

    return [
        by_operation("heap", "Objects left on the heap (bytes)", figures, left),
        by_operation("heap", "Passes with the heap locked", figures, lambda a: yes(a.lock)),
        by_operation("heap", "Bytes requested, kept or not", figures, lambda a: short(a.requested)),
        own("heap", "The rest of lib/mqtt: objects left (bytes)", figures, left),
        own(
            "heap",
            "The rest of lib/mqtt: passes with the heap locked",
            figures,
            lambda a: yes(a.lock),
        ),
        own("heap", "The rest of lib/mqtt: bytes requested", figures, lambda a: short(a.requested)),
    ]


def instruction_tables(figures):
    def count(number):
        return f"{number:,}"

    return [
        by_operation("instructions", "Instructions", figures, count),
        own("instructions", "The rest of lib/mqtt: instructions", figures, count),
    ]


def own(part, title, figures, show):
    """What lib/mqtt alone has."""
    return by_operation(part, title, figures, show, (*PREPARED, *BY_WILDCARD))


def throughput_tables(figures):
    def share(rate):
        spread = f"{percent(rate.lowest)}–{percent(rate.highest)}"
        return f"{percent(rate.share)} % ({spread})"

    return [
        by_operation("throughput", "Share of the bare socket", figures, share, rates.OPERATIONS),
        by_operation(
            "throughput",
            "The same, a second",
            figures,
            lambda rate: f"{rate.per_second:,.0f}",
            rates.OPERATIONS,
        ),
    ]


def link_tables(figures):
    columns = [(ms, window) for ms in rates.ROUND_TRIPS_MS for window in rates.WINDOWS]
    header = ["", *(f"{ms} ms, {window} in flight" for ms, window in columns)]
    rows = [
        [name, *(rate_text(taken[column]) if column in taken else NOTHING for column in columns)]
        for name, taken in figures.items()
    ]
    return [Table("link", "QoS-1 publishes acknowledged a second", header, rows)]


def footprint_tables(figures):
    header = ["", ".mpy", "heap, imported", "heap, connected", "least heap that works"]
    rows = [
        [name, *(f"{n:,}" for n in (f.mpy, f.imported, f.connected, f.least))]
        for name, f in figures.items()
    ]
    return [Table("footprint", "Bytes", header, rows)]


def short(number):
    """With a decimal only where it says something."""
    whole = number >= 100 or abs(number - round(number)) < 0.05
    return f"{number:,.0f}" if whole else f"{number:,.1f}"


def percent(share):
    return f"{100 * share:.0f}" if share >= 0.095 else f"{100 * share:.2g}"


def rate_text(rate):
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}"


def yes(passed):
    return "yes" if passed else "no"


PARTS = {
    "heap": heap_tables,
    "instructions": instruction_tables,
    "throughput": throughput_tables,
    "link": link_tables,
    "footprint": footprint_tables,
}

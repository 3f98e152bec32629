"""docs/benchmarks.md and its charts, from the results. The words hold whatever the figures are."""

from pathlib import Path

from tests.support.runtimes import ROOT
from tools.bench import chart, rates, tables
from tools.bench.catalogue import OURS

DOCS = ROOT / "docs"
LONG = rates.ROUND_TRIPS_MS[-1]

TEMPLATE = Path(__file__).parent / "template.md"


def write(results, surroundings, folder=DOCS):
    """The page and its charts into `folder`. `results`: of every part, see tables.py."""
    for name, svg in charts(results).items():
        (folder / f"benchmarks-{name}.svg").write_text(svg)
    (folder / "benchmarks.md").write_text(text(results, surroundings))


def text(results, surroundings):
    """The page. `surroundings`: rows of (what, version)."""
    made = tables.tables(results)
    fields = {
        part: "\n".join(
            f"**{table.title}**\n\n{markdown(table.header, table.rows)}"
            for table in made
            if table.part == part
        )
        for part in tables.PARTS
    }
    fields["surroundings"] = markdown(["", "version"], surroundings)
    page = TEMPLATE.read_text()
    for name, filling in fields.items():
        page = page.replace("{{%s}}" % name, filling.strip())
    return page


def markdown(header, rows):
    marks = [":--", *("--:" for _ in header[1:])]
    lines = [f"| {' | '.join(row)} |".replace("|  |", "| |") for row in (header, marks, *rows)]
    return "\n".join(lines) + "\n"


def charts(results):
    """{name: SVG}."""
    return {
        "instructions": chart.bars(
            "Instructions per publish (fewer is better)",
            of_operations(results["instructions"], int, "prepared 0"),
            lambda n: f"{n:,}",
            OURS.name,
            logarithmic=True,
        ),
        "heap": chart.bars(
            "Bytes requested from the heap per operation (fewer is better)",
            of_operations(results["heap"], lambda account: account.requested, "receive 0"),
            tables.short,
            OURS.name,
        ),
        "link": chart.bars(
            "QoS-1 publishes a second over a round trip of 100 ms (more is better)",
            {
                f"{window} in flight": {
                    name: taken[LONG, window]
                    for name, taken in results["link"].items()
                    if (LONG, window) in taken
                }
                for window in rates.WINDOWS
            },
            tables.rate_text,
            OURS.name,
        ),
    }


def of_operations(figures, number, third):
    """Series of the publishes and of a third operation."""
    return {
        operation: {
            name: number(taken[operation]) for name, taken in figures.items() if operation in taken
        }
        for operation in ("publish 0", "publish 1", third)
    }

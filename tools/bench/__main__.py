"""lib/mqtt beside a bare socket and other clients: docs/benchmarks.md, or a part in the terminal.

python -m tools.bench [--only PART]... [--client NAME]... [--operation NAME]...
"""

import argparse
import sys
import tempfile
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from tests.broker.brokers import MOSQUITTO, Mosquitto
from tests.support.runtimes import Missing
from tools.bench import catalogue, footprint, heap, instructions, page, rates, surroundings, tables
from tools.bench.probing import Trouble
from tools.bench.staging import Stage

OF_BROKER = ("throughput", "link", "footprint")
# Acks must not wait for Nagle's algorithm, and a slow receiver must not lose messages.
SETTINGS = ("set_tcp_nodelay true", "max_inflight_messages 0", "max_queued_messages 0")


def main(arguments=None):
    options = parsed(arguments)
    contenders = catalogue.chosen(options.client, options.umqtt, options.mqtt_as)
    parts = options.only or list(tables.PARTS)
    console = Console()
    with Stage() as stage, console.status("compiling") as status:
        for contender in contenders:
            stage.folder(contender)
        results = measured(stage, contenders, parts, options, status.update)
    for made in tables.tables(results):
        console.print(shown(made))
    if options.only or options.client or options.operation:
        return 0
    page.write(results, surroundings.rows(contenders))
    console.print(f"written: {page.DOCS / 'benchmarks.md'}, and its charts")
    return 0


def parsed(arguments):
    parser = argparse.ArgumentParser("python -m tools.bench", description=__doc__)
    add = parser.add_argument
    add("--only", action="append", default=[], choices=list(tables.PARTS), help="this part")
    add("--client", action="append", default=[], help="this client; default: all")
    add("--operation", action="append", default=[], help='"publish 0", "receive 1", ...')
    add("--times", type=int, default=instructions.TIMES, help="operations counted in a run")
    add("--rounds", type=int, default=5, help="of the throughput")
    add("--ms", type=int, default=400, help="each rate is measured for so long")
    add("--umqtt", type=Path, help="a checkout's folder that holds umqtt/simple.py")
    add("--mqtt-as", type=Path, help="a checkout's folder that holds mqtt_as")
    return parser.parse_args(arguments)


def measured(stage, contenders, parts, options, tell):
    """{part: figures}, see tables.py."""
    results = {}
    operations = set(options.operation)
    if "heap" in parts:
        results["heap"] = heap.per_operation(stage, contenders, operations=operations, tell=tell)
    if "instructions" in parts:
        results["instructions"] = instructions.per_operation(
            stage, contenders, options.times, operations, tell
        )
    if any(part in OF_BROKER for part in parts):
        with_broker(results, stage, contenders, parts, options, tell)
    return results


def with_broker(results, stage, contenders, parts, options, tell):
    if not MOSQUITTO:
        raise Trouble(
            "Mosquitto is not installed. On Debian or Ubuntu type:\n"
            "    sudo apt-get install mosquitto\nor name the parts without it: "
            "--only heap --only instructions"
        )
    with tempfile.TemporaryDirectory() as folder:
        broker = Mosquitto(Path(folder), settings=SETTINGS).start()
        try:
            port, ms = broker.port, options.ms
            if "throughput" in parts:
                # Shares are of the floor, so it is always in.
                runners = [catalogue.FLOOR, *(c for c in contenders if c is not catalogue.FLOOR)]
                results["throughput"] = rates.throughput(
                    stage, port, runners, options.rounds, ms, tell
                )
            if "link" in parts:
                results["link"] = rates.over_link(stage, port, contenders, ms, tell)
            if "footprint" in parts:
                results["footprint"] = footprint.of(stage, port, contenders, tell)
        finally:
            broker.stop()


def shown(made):
    table = Table(title=made.title, box=box.SIMPLE)
    for i, name in enumerate(made.header):
        table.add_column(name, justify="right" if i else "left")
    for row in made.rows:
        table.add_row(*row)
    return table


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Missing, Trouble) as error:
        sys.exit(f"bench: {error}")

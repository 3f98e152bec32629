"""Has both builds judge the constructs, and writes the judgements as the table of the page."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.support.runtimes import run_code
from tools.alloc.constructs import FREE, SECTIONS
from tools.alloc.setups import COMMON

BOARD = Path(__file__).parent / "board"
BUILDS = ("unix", "wasm")
HEAD = "| this | 64 bits | 32 bits | instead |\n|---|---|---|---|"


@dataclass(frozen=True)
class Verdict:
    """Of one run of a code: whether heap_lock() lets it pass, bytes left behind, bytes asked for,
    or None where the build does not count them."""

    passes: bool
    left: int
    asked: int | None

    @property
    def free(self):
        return self.passes and not self.left and not self.asked

    def __str__(self):
        if not self.passes:
            return f"{self.left}"
        if self.left:
            return f"{self.left}, unseen by the lock"
        return f"{self.asked}, and back" if self.asked else "0"


def judge(programs, build):
    """The Verdict on each (setup, body). Raises RuntimeError with what the build said."""
    code = (
        "import json, measuring\n"
        f"for setup, body in json.loads({json.dumps(programs)!r}):\n"
        "    print(json.dumps(measuring.judge(setup, body)))"
    )
    done = run_code(build, code, [BOARD])
    lines = done.output.splitlines()
    if done.code != 0 or len(lines) != len(programs):
        raise RuntimeError(f"on {build}, after {len(lines)} of {len(programs)}:\n{done.output}")
    return [Verdict(*json.loads(line)) for line in lines]


def measured():
    """{section: [(Construct, {build: (Verdict on the bad, on the good)})]}; no entry for a build
    that cannot run it."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        port = server.getsockname()[1]
        with ThreadPoolExecutor(len(BUILDS)) as pool:
            found = dict(zip(BUILDS, pool.map(lambda b: _of(b, port), BUILDS), strict=True))
    return {
        section: [(c, {b: found[b][c] for b in BUILDS if c in found[b]}) for c in constructs]
        for section, constructs in SECTIONS.items()
    }


def _of(build, port):
    able = [c for cs in SECTIONS.values() for c in cs if build == "unix" or not c.sockets]
    verdicts = judge([program for c in able for program in c.programs(port)], build)
    return dict(zip(able, zip(verdicts[::2], verdicts[1::2], strict=True), strict=True))


def free():
    """{text: {build: Verdict}} of what is said to take nothing."""
    programs = [(COMMON + setup, body) for _, setup, body in FREE]
    judged = [judge(programs, build) for build in BUILDS]
    return {
        text: dict(zip(BUILDS, verdicts, strict=True))
        for (text, _, _), *verdicts in zip(FREE, *judged, strict=True)
    }


def faults(found, nothing):
    """What contradicts the page: a remedy or a code of `nothing`, as free() gives it, that takes
    memory; a construct that takes none."""
    wrong = [
        f"{text} takes memory on {build}: {verdict}"
        for text, verdicts in nothing.items()
        for build, verdict in verdicts.items()
        if not verdict.free
    ]
    for construct, verdicts in (row for rows in found.values() for row in rows):
        for build, (_, good) in verdicts.items():
            if not good.free:
                wrong.append(f"{construct.remedy} takes memory on {build}: {good}")
        if all(bad.free for bad, _ in verdicts.values()):
            wrong.append(f"{construct.shown} takes no memory")
    return wrong


def markdown(found, nothing):
    """The judgements as the tables of docs/allocation.md."""
    parts = []
    for section, rows in found.items():
        lines = [f"### {section}\n\n{HEAD}"]
        for construct, verdicts in rows:
            cells = [str(verdicts[b][0]) if b in verdicts else "-" for b in BUILDS]
            lines.append(f"| {construct.shown} | {' | '.join(cells)} | {construct.remedy} |")
        parts.append("\n".join(lines))
    parts.append(f"Free on both, though one might think otherwise: {', '.join(nothing)}.")
    return "\n\n".join(parts)

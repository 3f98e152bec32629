"""The asyncio front on both runtimes that have asyncio: its stories, and what of it allocates."""

import ast
import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.support import runtimes

TIMES = 100
STORIES = Path(__file__).with_name("aio_stories.py")
TESTS = tuple(
    node.name
    for node in ast.parse(STORIES.read_text()).body
    if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
)


@pytest.mark.parametrize("story", TESTS)
def test_story(story, runtime):
    why = runtimes.run_file(runtime, STORIES, TESTS).failure_of(story)
    assert why is None, f"on {runtime}:\n{why}"


def test_the_task_handlers_and_prepared_sends_allocate_nothing_and_the_awaits_what_the_page_says(
    broker, micropython
):
    probe = runtimes.ROOT / "tests/broker/aio_probe.py"
    done = subprocess.run(
        [micropython, str(probe), str(broker.port), str(TIMES)],
        env={"MICROPYPATH": f"{runtimes.ROOT / 'lib'}:.frozen"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    acked, handled = found["locked"]
    assert acked == handled == 2 * TIMES
    assert found["trouble"] == 0
    kept, pings = found["pause"]
    assert kept == 0 and pings > 0
    page = (runtimes.ROOT / "docs/asyncio.md").read_text()
    for name in ("publish", "inbox", "asyncio"):
        said = int(re.search(rf"<!-- {name} -->(\d+)", page)[1])
        assert 0.8 * said <= found[name] <= 1.2 * said, f"{name}: {found[name]}, page: {said}"

"""The asyncio front on both runtimes that have asyncio: its stories, and what of it allocates."""

import ast
from pathlib import Path

import pytest

from tests.support import runtimes

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

"""What the board build cannot transform it refuses, naming the place."""

import re

import pytest

REFUSED = {
    "a name that is computed": ("def go(x, n):\n    return getattr(x, n)\n", "COMPUTED"),
    "an object's dictionary": ("def go(x):\n    return x.__dict__\n", "__dict__"),
    "reflection": ("def go():\n    return globals()\n", "globals()"),
    "a star": ("from app.other import *\n", "not *"),
    "a relative import": ("from . import other\n", "whole name"),
    "a module as a value": ("from app import other\n\ndef go():\n    return other\n", "a value"),
    "a module's name set from outside": (
        "from app import other\n\ndef go():\n    other.x = 1\n",
        "from outside",
    ),
    "a name that is not there": ("from app.other import y\n", "has no y"),
    "a module that is not there": ("from app.nothing import y\n", "app.nothing"),
    "an assignment in an expression": ("def go(x):\n    return (y := x)\n", ":="),
    "two foreign things of one name": (
        "from math import e\nfrom app import other\n\ndef go():\n    return e, other.f()\n",
        "another thing",
    ),
    "an imported name rebound": (
        "def go():\n    from app.other import x\n    x = None\n    return x\n",
        "rebinds x",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_transformed_is_refused_with_its_place(program, what):
    code, wanted = REFUSED[what]
    other = "from errno import EIO as e\nx = [1]\n\ndef f():\n    return e\n"
    files = {"app/__init__.py": code, "app/other.py": other}
    made = program(files, FILES={"app": ("app", "app.other")}, ENTRIES={"app": ("go",)})
    text = made.refusal()
    assert wanted in text
    assert re.search(r"app/(__init__|other)\.py:\d+: ", text), text

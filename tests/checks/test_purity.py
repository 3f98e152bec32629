"""The sources keep the rules of pure code, and the rules catch what breaks them."""

import ast

import pytest

from tests.checks import rules
from tests.checks.sources import EDGES, ROOT, SHIM, Source, board, constants, lib, pure, read


def complaints(rule, sources):
    return [text for source in sources for text in rule(source)]


def test_pure_code_imports_no_hardware_no_socket_and_no_clock():
    assert complaints(rules.forbidden_imports, pure()) == []


def test_the_edges_are_those_of_the_design_and_exist():
    names = {source.name for source in lib()}
    assert names >= EDGES
    assert any(name.startswith("lib/node/devices/") for name in names)


def test_the_client_imports_nothing_of_the_node():
    client = [source for source in lib() if source.name.startswith("lib/mqtt/")]
    assert complaints(rules.node_in_mqtt, client) == []


def test_pure_code_does_not_slice_in_order_to_read_once_it_runs():
    assert complaints(rules.slices_that_read, pure()) == []


def test_pure_code_does_not_raise_once_it_runs():
    assert complaints(rules.raises, pure()) == []


def test_pure_code_holds_no_floats():
    assert complaints(rules.floats, pure()) == []


def test_what_goes_on_the_board_does_not_know_the_simulation_or_its_platform():
    sources = [source for source in board() if source.name != SHIM]
    assert complaints(rules.knows_the_simulation, sources) == []


def test_boot_and_main_are_a_few_lines_each():
    for name in ("boot.py", "main.py"):
        code = read(ROOT / name).tree.body
        assert sum(1 for _ in ast.walk(ast.Module(code, []))) < 150, f"{name} holds logic"


def test_private_copies_of_public_constants_have_the_same_value():
    public = constants(read(ROOT / "lib/mqtt/codes.py"))
    assert len(public) >= 28
    copies = 0
    for source in lib():
        if not source.name.startswith("lib/mqtt/"):
            continue
        for name, value in constants(source).items():
            if name.startswith("_") and name[1:] in public:
                copies += 1
                assert value == public[name[1:]], f"{source.name}: {name} = {value}"
    assert copies > 10


def test_no_two_public_codes_have_the_same_value_within_their_kind():
    public = constants(read(ROOT / "lib/mqtt/codes.py"))
    codes = [value for value in public.values() if value < 0]
    assert len(codes) == len(set(codes))


def sample(text, name="lib/node/sample.py"):
    return Source(name, text, ast.parse(text))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (rules.forbidden_imports, "import machine"),
        (rules.forbidden_imports, "def f():\n    from time import ticks_ms"),
        (rules.forbidden_imports, "import asyncio.streams"),
        (rules.forbidden_imports, "__import__('socket')"),
        (rules.node_in_mqtt, "from node.core import Node"),
        (rules.slices_that_read, "def f(b):\n    return b[1:3]"),
        (rules.slices_that_read, "class A:\n    def step(self, b):\n        g(b[:2])"),
        (rules.raises, "def step():\n    raise ValueError"),
        (rules.raises, "def __getattr__(self, name):\n    raise ValueError(name)"),
        (rules.raises, "def other(self, name):\n    raise AttributeError(name)"),
        (rules.raises, "def _raise_again(c):\n    raise ValueError(c)"),
        (rules.raises, "def other(c):\n    fault = c.fault\n    raise fault"),
        (rules.raises, "def other(c):\n    try:\n        c()\n    except OSError:\n        raise"),
        (rules.raises, "def __init__():\n    _a()\ndef step():\n    _a()\ndef _a():\n    raise X"),
        (rules.raises, "def __init__(s):\n    s.f = s._a\ndef _a():\n    raise ValueError"),
        (rules.floats, "x = 0.1"),
        (rules.floats, "def f(a):\n    return a / 2"),
        (rules.floats, "def f(a):\n    a /= 2"),
        (rules.floats, "x = float('1')"),
        (rules.knows_the_simulation, "import sys\nif sys.platform == 'linux': pass"),
        (rules.knows_the_simulation, "x = 'STEADYNODE_BOARD'"),
        (rules.knows_the_simulation, "from simulation import x"),
        (rules.knows_the_simulation, "import sys\nsys.implementation.name"),
    ],
)
def test_a_rule_catches_what_breaks_it(rule, text):
    assert rule(sample(text)) != []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (rules.forbidden_imports, "import gc\nfrom mqtt import Client\nimport timeline"),
        (rules.slices_that_read, "def f(b, c):\n    b[1:3] = c"),
        (rules.slices_that_read, "class A:\n    def __init__(self, b):\n        self.x = b[1:]"),
        (rules.slices_that_read, "def copy(b):\n    '''A copy. Allocates.'''\n    return b[1:]"),
        (rules.raises, "def __init__(self):\n    raise ValueError"),
        (rules.raises, "def __getattr__(self, name):\n    raise AttributeError(name)"),
        (rules.raises, "def _raise_again(c):\n    fault = c.fault\n    raise fault"),
        (rules.raises, "def run():\n    try:\n        yield\n    except OSError:\n        raise"),
        (rules.raises, "def __init__(self):\n    _check()\ndef _check():\n    raise ValueError"),
        (rules.floats, "x = 1 // 2"),
        (rules.knows_the_simulation, "'''Runs in the simulation, too.'''\nx = 1"),
    ],
)
def test_a_rule_lets_pass_what_keeps_it(rule, text):
    assert rule(sample(text)) == []

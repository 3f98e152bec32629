"""The sources that go on the board, parsed, and what the rules say about each."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIB = ROOT / "lib"

# What touches hardware, sockets or the clock; everything else in lib/ is pure.
EDGES = {
    "lib/mqtt/tcp.py", "lib/mqtt/_cpython.py", "lib/mqtt/clock.py", "lib/mqtt/aio.py",
    "lib/mqtt/simple.py", "lib/node/board.py",
}  # fmt: skip
SHIM = "lib/mqtt/_shim.py"


@dataclass(frozen=True)
class Source:
    """One file; `name` is its path from the root of the project."""

    name: str
    text: str
    tree: ast.Module

    @property
    def pure(self):
        return self.name.startswith("lib/") and self.name not in EDGES

    def where(self, node):
        return f"{self.name}:{node.lineno}"


@cache
def read(path):
    text = path.read_text(encoding="utf-8")
    return Source(path.relative_to(ROOT).as_posix(), text, ast.parse(text, str(path)))


def lib():
    """Every module of lib/."""
    return [read(path) for path in sorted(LIB.rglob("*.py"))]


def pure():
    """The modules that may know no hardware, socket or clock."""
    return [source for source in lib() if source.pure]


def board():
    """All that is put on the board: lib/ and the two scripts."""
    scripts = [ROOT / "boot.py", ROOT / "main.py"]
    return lib() + [read(path) for path in scripts if path.exists()]


def functions(tree):
    """(name, node) of each function, methods included, but not functions within functions."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef | ast.If | ast.Try):
            yield from functions(node)


def imported(tree):
    """(module name, node) of every import, at whatever depth."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "__import__":
            name = node.args[0].value if isinstance(node.args[0], ast.Constant) else "<computed>"
            yield name, node


def constants(source):
    """name -> value of the module's integer constants, plain and const()."""
    found = {}
    for node in source.tree.body:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        value = node.value
        if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "const":
            value = value.args[0]
        try:
            found[node.targets[0].id] = ast.literal_eval(value)
        except ValueError:
            continue
    return found

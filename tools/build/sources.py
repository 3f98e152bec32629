"""The modules of lib/, parsed, and cleared of what a board never runs.

Gone are docstrings, annotations, what only CPython runs (layout.TRUE_ON_BOARDS), and `const()`
around a number, which the board's compiler would fold and which folding.py folds further.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

from tools.build import layout


class BuildError(Exception):
    """The sources hold what the build cannot transform; the text says where and what to do."""


@dataclass
class Module:
    """One source file. `name` is its import path; a package's is that of its folder."""

    name: str
    path: Path
    package: bool
    tree: ast.Module

    def where(self, node):
        return f"{self.path}:{getattr(node, 'lineno', 0)}"


def load(lib):
    """name -> Module, for every module under the folder `lib` that goes on a board."""
    found = {}
    for path in sorted(Path(lib).rglob("*.py")):
        parts = path.relative_to(lib).with_suffix("").parts
        package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if package else parts)
        if name in layout.NOT_ON_A_BOARD:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        own = _OwnWords(layout.OWN_WORDS.get(name.split(".")[0], ()))
        tree = ast.fix_missing_locations(Cleared().visit(own.visit(tree)))
        found[name] = Module(name, path, package, tree)
    if not found:
        raise BuildError(f"{lib}: no modules there; name the folder that holds them with --lib")
    return found


class _OwnWords(ast.NodeTransformer):
    """Marks attributes of the package as private, as an underscore would."""

    def __init__(self, words):
        self.words = words

    def visit_Attribute(self, node):
        self.generic_visit(node)
        if node.attr in self.words:
            node.attr = f"_{node.attr}"
        return node

    def visit_ClassDef(self, node):
        self.generic_visit(node)
        for each in node.body:
            if isinstance(each, ast.FunctionDef) and each.name in self.words:
                each.name = f"_{each.name}"
        return node


class Cleared(ast.NodeTransformer):
    """Takes away what leaves no trace on a board."""

    def visit_Module(self, node):
        return self._body(node)

    def visit_ClassDef(self, node):
        return self._body(node)

    def visit_FunctionDef(self, node):
        node.returns = None
        return self._body(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_AnnAssign(self, node):
        self.generic_visit(node)
        if node.value is None:
            return None
        return ast.copy_location(ast.Assign([node.target], node.value), node)

    def visit_If(self, node):
        if ast.unparse(node.test) in layout.TRUE_ON_BOARDS:
            node.orelse = [ast.Pass()]
            self.generic_visit(node)
            return node.body
        self.generic_visit(node)
        return node

    def visit_ImportFrom(self, node):
        # Of what is not there nothing may be left; const is folded.
        if node.module in layout.NOT_ON_A_BOARD and {a.name for a in node.names} == {"const"}:
            return ast.Pass()
        return node

    def visit_Expr(self, node):
        self.generic_visit(node)
        return ast.Pass() if isinstance(node.value, ast.Constant) else node

    def visit_Call(self, node):
        self.generic_visit(node)
        if getattr(node.func, "id", "") == "const" and len(node.args) == 1:
            return node.args[0]
        return node

    def _body(self, node):
        self.generic_visit(node)
        if not node.body and not isinstance(node, ast.Module):
            node.body = [ast.Pass()]
        return node

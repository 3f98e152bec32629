"""What single functions take: words of their frame, bytes of their bytecode."""

import ast
import copy

from tools.build import mpy
from tools.build.scopes import Global

STAYING = ("range", "super")  # the compiler treats them in a way of its own


def measured(functions):
    """(words, bytes) of the frame and the bytecode of each function, by itself."""
    source = ""
    for function in functions:
        function = copy.deepcopy(function)
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and isinstance(node.item, Global):
                node.id = f"{node.id}_global"
        function.decorator_list = []
        function.args.defaults = []
        function.args.kw_defaults = [None] * len(function.args.kwonlyargs)
        tree = ast.parse(ast.unparse(ast.fix_missing_locations(function)))
        source += ast.unparse(_Alike().visit(tree)) + "\n"
    return mpy.frames(source)


class _Alike(ast.NodeTransformer):
    """Gives the names of each function the same words, so that none costs more than in a file of
    its own: from the 129th name on, each use of one takes a byte more."""

    def __init__(self):
        self.words = {}

    def generic_visit(self, node):
        for field in ("id", "arg", "attr", "name", "asname"):
            name = getattr(node, field, None)
            if isinstance(name, str) and name not in STAYING:
                setattr(node, field, self.words.setdefault(name, f"n{len(self.words)}"))
        return super().generic_visit(node)

    def visit_Global(self, node):
        node.names = [self.words.setdefault(name, f"n{len(self.words)}") for name in node.names]
        return node

    visit_Nonlocal = visit_Global

"""Constants put where they are read, and what nobody reads taken out.

A global that is bound once, to a number, text, bytes or a tuple of such, is written where it is
read: in a function that costs a byte or two, as a global its name, its place in the module's
dictionary, and a look-up at every use. Equal ones share one place in the file.
"""

import ast
from collections import Counter

from tools.build.scopes import Global

OPERATIONS = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
    ast.LShift: lambda a, b: a << b,
    ast.RShift: lambda a, b: a >> b,
    ast.BitAnd: lambda a, b: a & b,
    ast.BitOr: lambda a, b: a | b,
    ast.BitXor: lambda a, b: a ^ b,
}


def fold(program):
    """Fold constants over all modules, then drop imports and private globals that nobody reads."""
    while _inline(program, constants(program)):
        pass
    dropped = []
    while True:
        names = _drop(program, _read(program))
        if not names:
            return dropped
        dropped += names


def constants(program):
    """Global -> the node of its value."""
    bindings = Counter()
    values = {}
    for module in program.modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                bindings[node.item] += 1
            elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.alias):
                bindings[getattr(node, "item", None)] += 1
        for node in module.tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                node.value = folded(node.value)
                if len(node.targets) == 1 and _is_constant(node.value):
                    values[node.targets[0].item] = node.value
    return {item: value for item, value in values.items() if bindings[item] == 1}


def folded(node):
    """The expression with what can be computed now computed: whole numbers, tuples."""
    return _Arithmetic().visit(node)


class _Arithmetic(ast.NodeTransformer):
    def visit_BinOp(self, node):
        self.generic_visit(node)
        left, right = _number(node.left), _number(node.right)
        operation = OPERATIONS.get(type(node.op))
        if left is None or right is None or operation is None:
            return node
        return ast.copy_location(ast.Constant(operation(left, right)), node)

    def visit_UnaryOp(self, node):
        self.generic_visit(node)
        number = _number(node.operand)
        if number is not None and isinstance(node.op, ast.USub | ast.Invert):
            value = -number if isinstance(node.op, ast.USub) else ~number
            return ast.copy_location(ast.Constant(value), node)
        return node


def _number(node):
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    return None


def _is_constant(node):
    if isinstance(node, ast.Tuple):
        return all(_is_constant(each) for each in node.elts)
    return isinstance(node, ast.Constant)


def _inline(program, values):
    inliner = _Inliner(program, values)
    for module in program.modules.values():
        inliner.visit(module.tree)
    return inliner.count


class _Inliner(ast.NodeTransformer):
    def __init__(self, program, constants):
        self.program = program
        self.constants = constants
        self.count = 0

    def visit_Name(self, node):
        value = self.constants.get(self.program.value(node))
        if value is None:
            self.generic_visit(node)
            return node
        self.count += 1
        return value

    visit_Attribute = visit_Name


def _read(program):
    """Items, and what they stand for, that something reads."""
    found = set()
    for module in program.modules.values():
        for node in ast.walk(module.tree):
            item = getattr(node, "item", None)
            if isinstance(getattr(node, "ctx", None), ast.Load) and item is not None:
                found.add(item)
                found.add(program.meaning(item))
            elif isinstance(node, ast.ImportFrom):
                # What a kept name is imported for is read from outside.
                found |= {
                    program.meaning(alias.item)
                    for alias in node.names
                    if isinstance(getattr(alias, "item", None), Global) and alias.item.fixed
                }
    return found


def _drop(program, read):
    dropper = _Dropper(program, read)
    for module in program.modules.values():
        dropper.module = module.name
        dropper.visit(module.tree)
    return dropper.names


class _Dropper(ast.NodeTransformer):
    def __init__(self, program, read):
        self.program = program
        self.read = read
        self.module = ""
        self.names = []

    def _unread(self, item):
        return item not in self.read and not getattr(item, "fixed", False)

    def _imports(self, node):
        kept = [
            alias
            for alias in node.names
            if alias.name == "*" or alias.item not in self.program.targets or not self._idle(alias)
        ]
        if len(kept) == len(node.names):
            return node
        self.names += [f"import {alias.name}" for alias in node.names if alias not in kept]
        node.names = kept
        return node if kept else ast.copy_location(ast.Pass(), node)

    def _idle(self, alias):
        # A package that is imported for its modules is read as a module.
        return self._unread(alias.item)

    visit_Import = visit_ImportFrom = _imports

    def visit_FunctionDef(self, node):
        if isinstance(node.item, Global) and self._unread(node.item):
            self.names.append(f"{self.module}.{node.name}")
            return None
        self.generic_visit(node)
        return node

    visit_ClassDef = visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Assign(self, node):
        target = node.targets[0]
        if len(node.targets) == 1 and isinstance(target, ast.Name):
            plain = isinstance(target.item, Global) and _is_constant(node.value)
            if (plain or target.id == "__all__") and self._unread(target.item):
                self.names.append(f"{self.module}.{target.id}")
                return None
        return node

"""Writes the files: names put in, compiled, with the map of what each short name stands for."""

import ast
import itertools
import json
from collections import Counter, defaultdict

from tools.build import folding, layout, mpy, texts
from tools.build.merging import HELPER
from tools.build.scopes import Global, Local
from tools.build.sources import BuildError

# Gives a package one of its numbers, which it then has itself, and leaves. Runs at set-up.
NUMBERS = """
import sys

def get(name):
    package = sys.modules[{package!r}]
    del sys.modules[{full!r}]
    delattr(package, {helper!r})
    at = {table!r}.find(" " + name + "=")
    if at < 0:
        return __import__({package!r} + "." + name, None, None, (name,))
    value = int({table!r}[at + len(name) + 2 :].split(" ", 1)[0])
    setattr(package, name, value)
    return value
"""
ONE_BYTE = 127  # names of a file that bytecode refers to with one byte


class Renamer:
    """Puts the final names into one tree. `functions`, `attributes`: what each short name stands
    for there, for the map."""

    def __init__(self, names, program):
        self.names = names
        self.program = program
        self.functions = defaultdict(set)  # functions and classes, with the class around them
        self.attributes = defaultdict(set)
        self.numbers = itertools.count()

    def rename(self, tree):
        self._each(tree, "")
        return tree

    def _each(self, tree, owner):
        for node in ast.iter_child_nodes(tree):
            named = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            inside = f"{owner}{node.name}." if named else owner
            handler = getattr(self, "_" + type(node).__name__, None)
            if handler:
                handler(node, owner)
            self._each(node, inside)

    def _final(self, item):
        if not item.final:
            item.final = item.name if item.fixed else f"_{next(self.numbers)}"
        return item.final

    def _attribute(self, name):
        short = self.names.attributes.get(name, name)
        if short != name:
            self.attributes[short].add(name)
        return short

    def _Name(self, node, owner):
        if node.item is None:
            node.id = self._attribute(node.id)
        elif isinstance(node.item, Global | Local):
            node.id = self._final(node.item)

    def _FunctionDef(self, node, owner):
        name = getattr(node, "told", node.name)
        node.name = self._attribute(name) if node.item is None else self._final(node.item)
        inlined = getattr(node, "inlined", ())
        self.functions[node.name].add(
            f"{owner}{name} with {', '.join(inlined)}" if inlined else owner + name
        )

    _AsyncFunctionDef = _ClassDef = _FunctionDef

    def _arg(self, node, owner):
        node.arg = self._final(node.item)

    def _Attribute(self, node, owner):
        if isinstance(node.item, Global):
            node.attr = node.item.final
        elif node.item is None and getattr(node.value, "item", None) not in self.program.foreign:
            node.attr = self._attribute(node.attr)

    def _alias(self, node, owner):
        if getattr(node, "source", None):
            node.name = node.source.final
        final = self._final(node.item)
        node.asname = None if final == node.name.split(".")[0] else final

    def _ExceptHandler(self, node, owner):
        if node.name:
            node.name = self._final(node.item)

    def _Global(self, node, owner):
        node.names = [self._final(item) for item in node.items]

    _Nonlocal = _Global


def write(program, trees, names, out):
    """Write every file under the folder `out`. Returns file -> bytes."""
    sizes = {}
    legends = {}
    for file, tree in trees.items():
        renamer = Renamer(names, program)
        tree, marks = _kept(renamer.rename(tree), file)
        source = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
        target = path(file, program.modules[file].package, out)
        sizes[file] = _compile(source, target, file, marks)
        legends[file] = {
            "functions": _legend(renamer.functions),
            "attributes": _legend(renamer.attributes),
        }
    for module, file in program.files.items():
        public = [i.final for i in program.globals[module].values() if i.fixed and i.final]
        if module != file and public:
            source = f"from {file} import {', '.join(public)}\n"
            sizes[module] = _compile(
                source, path(module, program.modules[module].package, out), module
            )
    for package, lazy in layout.LAZY.items():
        name = f"{package}.{HELPER}"
        sizes[name] = _compile(_numbers(program, package, lazy), path(name, False, out), name)
    (out.parent / "names.json").write_text(json.dumps(legends, indent=1, sort_keys=True) + "\n")
    return sizes


def _kept(tree, file):
    if file in layout.FORGOTTEN:
        return texts.passing(tree), {}
    return texts.lasting(tree)


def _legend(meanings):
    # What only stands for itself needs no telling.
    return {
        short: sorted(meant)
        for short, meant in meanings.items()
        if len(meant) > 1 or not any(name.split(".")[-1] == short for name in meant)
    }


def path(module, package, out):
    """Where the file of a module goes."""
    parts = module.split(".") + (["__init__"] if package else [])
    return out.joinpath(*parts).with_suffix(".mpy")


def _numbers(program, package, lazy):
    constants = folding.constants(program)
    table = " "
    for item in program.globals[lazy].values():
        if not item.fixed:
            continue
        value = constants.get(item)
        if not isinstance(getattr(value, "value", None), int):
            raise BuildError(f"{lazy}: {item.name} is no whole number; it belongs elsewhere")
        table += f"{item.name}={value.value} "
    full = f"{package}.{HELPER}"
    return NUMBERS.format(package=package, full=full, helper=HELPER, table=table)


def _compile(source, target, name, marks=()):
    """Bytes of the file. `marks`: what stands for its long texts."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if marks:
        _compile_ordered(f"0 .{'.'.join(marks)} if 0 else 0\n{source}", target, name)
        return texts.put_in(target, marks)
    return _compile_ordered(source, target, name)


def _compile_ordered(source, target, name):
    size = mpy.compile_file(source, target, name)
    if len(mpy.texts(target.read_bytes())) < ONE_BYTE // 2:
        return size
    # The compiler numbers names in the order in which it meets them; the first 128 take a byte less
    # at every use. An expression that is never run names the most used ones first.
    first = [name for name, _ in used(ast.parse(source)).most_common(ONE_BYTE - 2)]
    ordered = f"0 .{'.'.join(first)} if 0 else 0\n{source}"
    other = target.with_suffix(".tmp")
    if mpy.compile_file(ordered, other, name) < size:
        other.replace(target)
    other.unlink(missing_ok=True)
    return target.stat().st_size


def used(tree):
    """How often bytecode names each identifier."""
    count = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            count[node.attr] += 1
        elif isinstance(node, ast.Name):
            count[node.id] += 1
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            count[node.name] += 2
        elif isinstance(node, ast.arg | ast.keyword) and node.arg:
            count[node.arg] += 1
        elif isinstance(node, ast.alias):
            count[node.asname or node.name] += 2
    return Counter(
        {n: c for n, c in count.items() if n.isidentifier() and n[:1] != "_" or n[:2] == "__"}
    )

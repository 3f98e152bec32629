"""Code for the set-up goes into files that are forgotten after it.

Two ways. What layout.SET_UP names is a contract's, so it can be called for ever: a stub of it
stays, which loads the file again if need be. What only code of a forgettable file uses
(layout.FORGOTTEN) goes there whole: functions, methods, and the constructors of classes that only
that file makes objects of. Code that outlives its call stays where it is, since it would keep its
file in memory: generators, functions with functions in them, what is handed on as a value.
"""

import ast
import copy
from collections import Counter, defaultdict
from dataclasses import dataclass

from tools.build import layout
from tools.build.measuring import measured
from tools.build.reaching import Imports, plain
from tools.build.scopes import FUNCTIONS, Builtin, Global, Item, Local, params
from tools.build.sources import BuildError

BLOCK = 16  # bytes of heap on 32 bits
STUB = """
def stub(*args, **keys):
    return __import__({file!r}, None, None, 1).moved(*args, **keys)
"""
RUNNER = """
def run(generator):
    return next(generator)
"""


def move(program, trees, private):
    """Do it. `private`: identifiers of attributes that are no contract. Returns what went and left
    no stub, as file.function."""
    for file, names in layout.SET_UP.items():
        for name in names:
            _leave_stub(program, trees, file, name)
    gone = []
    while True:
        found = _next(trees, private)
        if not found:
            break
        gone += found
    for file in layout.FORGOTTEN:
        if file in trees:
            Imports(trees, file).mend()
    return gone


@dataclass
class Unit:
    """A function of a module, or a method. `holder`: the module or class it stands in."""

    file: str
    holder: ast.AST
    node: ast.FunctionDef
    name: str  # Class.method

    @property
    def method(self):
        return self.node.item is None

    @property
    def owner(self):
        return self.holder if self.method else getattr(self.node, "belongs", None)


def units(trees):
    """Every function of a module and every method."""
    for file, tree in trees.items():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                yield Unit(file, tree, node, getattr(node, "told", node.name))
            elif isinstance(node, ast.ClassDef):
                for each in node.body:
                    if isinstance(each, ast.FunctionDef):
                        yield Unit(file, node, each, f"{node.name}.{each.name}")


def _rebound(trees):
    """Globals that functions bind anew: an import would have but one value of theirs."""
    return {
        item
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Global)
        for item in node.items
    }


def _why_not(node, rebound):
    """What of the function would not be the same elsewhere; None: nothing."""
    if getattr(node, "runs", False):
        return "it runs a generator"
    if node.decorator_list:
        return "it has a decorator"
    defaults = [*node.args.defaults, *(each for each in node.args.kw_defaults if each)]
    if any(not isinstance(each, ast.Constant) for each in defaults):
        return "a default of it is no constant"
    for each in node.body:
        for part in ast.walk(each):
            if isinstance(part, ast.Global) or getattr(part, "item", None) in rebound:
                return "it binds or reads a global that functions bind"
            if isinstance(part, (*FUNCTIONS, ast.GeneratorExp, ast.ClassDef)):
                return "it has another function or class within it, which may outlive the call"
            if isinstance(part, ast.Yield | ast.YieldFrom):
                return "it is a generator, which outlives the call"
            item = getattr(part, "item", None)
            if isinstance(item, Builtin) and item.name == "super":
                return "it calls super(); name the base class"
    return None


# With a stub


def _leave_stub(program, trees, file, name):
    table = "tools/build/layout.py: SET_UP"
    unit = next((u for u in units(trees) if f"{u.file}.{u.name}" == name), None)
    if unit is None or file not in trees:
        raise BuildError(f"{table}: there is no {file if unit else name} in the build")
    where = program.modules[_module(unit)].where(unit.node)
    why = _why_not(unit.node, _rebound(trees))
    if why:
        raise BuildError(f"{where}: {name} cannot go into {file}: {why}; take it out of {table}")
    moved, stub = _stubbed(unit, file)
    (_, own), (_, left) = measured([moved, stub])
    if own // BLOCK > left // BLOCK:
        _append(trees, unit, file, moved)
        unit.holder.body[unit.holder.body.index(unit.node)] = stub


def _module(unit):
    return (unit.owner or unit.node).item.module


def _stubbed(unit, file):
    moved = _function(unit, file)
    moved.contract = unit.node
    stub = ast.parse(STUB.format(file=file)).body[0]
    stub.name, stub.item = unit.node.name, unit.node.item
    items = {arg.arg: Local(arg.arg, True) for arg in params(stub)}
    for node in ast.walk(stub):
        if isinstance(node, ast.arg):
            node.item = items[node.arg]
        elif isinstance(node, ast.Name):
            node.item = items.get(node.id) or Builtin(node.id)
        elif isinstance(node, ast.Attribute):
            node.item = moved.item
    return moved, stub


def _function(unit, file):
    """The function that stands for the unit in `file`."""
    moved = copy.copy(unit.node)
    moved.told = unit.name
    moved.belongs = unit.owner
    moved.item = Global(file, unit.name.replace(".", "_"))
    moved.name = moved.item.name
    return moved


# Without


def _next(trees, private):
    """Move what only forgettable files use, as far as one look at all uses tells."""
    uses = Uses(trees)
    rebound = _rebound(trees)
    gone = []
    for unit in list(units(trees)):
        made = unit.method and unit.node.name == "__init__"
        key = unit.holder.item if made else unit.node.name if unit.method else unit.node.item
        known = key in private if isinstance(key, str) else not key.fixed
        file = uses.only(key) if known and uses.defined[key] == 1 else None
        apart = file and file != unit.file and file.split(".")[0] == unit.file.split(".")[0]
        if apart and not _why_not(unit.node, rebound):
            _put(trees, unit, file, uses.calls[key], made)
            gone.append(f"{unit.file}.{unit.name}")
    return gone


def _put(trees, unit, file, calls, made):
    unit.holder.body.remove(unit.node)
    if not unit.holder.body:
        unit.holder.body.append(ast.Pass())
    moved = _function(unit, file)
    if not unit.method:
        # Names that mean it go on meaning it.
        moved.item = unit.node.item
        moved.item.module = file
        moved.name = unit.node.name
    _append(trees, unit, file, moved)
    if made:
        _return_self(moved)
    for call in calls:
        if made:
            call.args.insert(0, ast.Call(call.func, [], []))
        elif unit.method:
            call.args.insert(0, call.func.value)
        if unit.method:
            call.func = plain(moved.item)


def _append(trees, unit, file, moved):
    trees[file].body.append(moved)
    home = trees[unit.file]
    nexts = _nexts(home)
    for node in ast.walk(moved):
        if isinstance(node, ast.Name) and node.item in nexts:
            node.item = _runner(home, unit.file)


def _nexts(tree):
    """What means the builtin next in the file."""
    found = {
        node.item
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.item, Builtin) and node.id == "next"
    }
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.value, "item", None) in found:
            found.update(target.item for target in node.targets)
    return found


def _runner(tree, file):
    """The file's function that is next(): a generator keeps the globals of whoever ran it last in
    memory, so one that stays must not be run from a file that is forgotten."""
    for node in tree.body:
        if getattr(node, "runs", False):
            return node.item
    made = ast.parse(RUNNER).body[0]
    made.runs = True
    made.item = Global(file, made.name)
    generator = Local("generator", True)
    for node in ast.walk(made):
        if isinstance(node, ast.arg):
            node.item = generator
        elif isinstance(node, ast.Name):
            node.item = Builtin("next") if node.id == "next" else generator
    tree.body.append(made)
    return made.item


def _return_self(function):
    me = params(function)[0]
    for node in ast.walk(function):
        if isinstance(node, ast.Return):
            node.value = plain(me.item)
    function.body.append(ast.Return(plain(me.item)))


class Uses:
    """Where each Global and each attribute is used. `calls`: key -> the calls of it; `defined`: key
    -> how often a function of that name is."""

    def __init__(self, trees):
        self.calls = defaultdict(list)
        self.defined = Counter()
        self._files = defaultdict(set)  # key -> forgettable files that call it; None: any other use
        for file, tree in trees.items():
            self._tree(file, tree)
        for unit in units(trees):
            made = unit.method and unit.node.name == "__init__"
            if made:
                self.defined[unit.holder.item] += 1
            self.defined[unit.node.name if unit.method else unit.node.item] += 1

    def _tree(self, file, tree):
        here = file if file in layout.FORGOTTEN else None
        called = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                key = _key(node.func)
                called.add(node.func)
                self.calls[key].append(node)
                plain = not any(isinstance(each, ast.Starred) for each in node.args)
                self._files[key].add(here if plain else None)
            elif isinstance(node, ast.Attribute | ast.Name) and node not in called:
                self._files[_key(node)].add(None)
            elif isinstance(node, ast.alias) and here is None:
                self._files[getattr(node, "source", None)].add(None)
            elif isinstance(node, ast.Global):
                for item in node.items:
                    self._files[item].add(None)

    def only(self, key):
        """The one forgettable file that uses it, by calls; else None."""
        files = self._files[key]
        return next(iter(files)) if len(files) == 1 else None


def _key(node):
    item = getattr(node, "item", None)
    if isinstance(item, Item):
        return item
    return getattr(node, "attr", None) or getattr(node, "id", None)

"""Which names are a contract, and so keep their spelling.

Global names: what the pages and programs import or write as `mqtt.x.name`, or name where they name
its module too, and layout.ENTRIES. Attributes and parameters: every identifier in the code of the
pages and programs, keywords of calls, names reached through a text (`hasattr(x, "name")`), what
Python and MicroPython themselves call so, and the public ones of layout.SEAMS.
"""

import ast
import builtins
import importlib
import re
import textwrap
from dataclasses import dataclass, field

from tools.build import layout
from tools.build.program import Part
from tools.build.scopes import FUNCTIONS, Builtin
from tools.build.sources import BuildError

WORD = re.compile(r"[A-Za-z_]\w*")
DOTTED = re.compile(r"\b((?:mqtt|node)(?:\.\w+)+)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
SPAN = re.compile(r"`([^`]+)`")
BY_TEXT = ("getattr", "hasattr", "setattr", "delattr")
BY_NAME = ("__getattr__", "__setattr__", "__delattr__")  # these are told an attribute's name
REFLECTION = ("vars", "dir", "globals", "locals", "eval", "exec")


@dataclass
class Kept:
    """`attributes`: identifiers that stay wherever they are one, `documented`: those of them that
    pages and programs name; `keywords`: parameters that may be named in a call, `called`: those
    that are in lib/ itself; `texts`: attributes that are asked for by a text."""

    attributes: set = field(default_factory=set)
    documented: set = field(default_factory=set)
    keywords: set = field(default_factory=set)
    called: set = field(default_factory=set)
    texts: set = field(default_factory=set)


def mark(program, root):
    """Mark the public Globals of the program as fixed. Returns Kept."""
    pages = Pages(root, program)
    _mark_globals(program, pages)
    documented = frozenset(pages.attributes)
    kept = Kept(set(documented), documented, set(pages.keywords | documented))
    _of_sources(program, kept)
    kept.keywords |= kept.called
    kept.attributes.update(layout.OBSERVED)
    kept.attributes |= kept.texts
    kept.attributes |= {name for name in _standard(program, root) if name[0] != "_"}
    return kept


class Pages:
    """What the pages and programs name. `attributes`: identifiers that may be attributes;
    `keywords`: names in calls; `members`: (module, name) imported, or written with the path."""

    def __init__(self, root, program):
        self.attributes = set()
        self.keywords = set()
        self.members = set()
        self.program = program
        self.modules = {name.split(".")[-1] for name in program.modules}
        for name in layout.PAGES:
            self._page(read(root / name))
        for name in layout.PROGRAMS:
            place = root / name
            for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
                self._program(read(path))

    def _page(self, text):
        for language, code in FENCE.findall(text):
            if language == "python":
                self._program(code)
        for span in SPAN.findall(FENCE.sub("", text)):
            if span not in self.modules:  # a module's name alone is that module
                self._span(" ".join(span.split()))

    def _program(self, code):
        # Plain names there are the program's own.
        self._dotted(code)
        for node in ast.walk(ast.parse(textwrap.dedent(code))):
            if isinstance(node, ast.Attribute):
                self._attribute(node)
            elif isinstance(node, ast.ClassDef):
                self.attributes |= members(node)
            elif isinstance(node, ast.keyword):
                self.keywords.add(node.arg)
            elif isinstance(node, ast.ImportFrom):
                self.members.update((node.module, alias.name) for alias in node.names)

    def _span(self, code):
        self._dotted(code)
        try:
            tree = ast.parse(code)
        except SyntaxError:
            self.attributes.update(WORD.findall(code))
            return
        arguments = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                arguments.update(node.args)
                self.keywords.update(keyword.arg for keyword in node.keywords)
                self.keywords.update(arg.id for arg in node.args if isinstance(arg, ast.Name))
            elif isinstance(node, ast.Attribute):
                self._attribute(node)
            elif isinstance(node, ast.Name) and node not in arguments:
                self.attributes.add(node.id)

    def _attribute(self, node):
        if node.attr not in self.program.globals.get(ast.unparse(node.value), ()):
            self.attributes.add(node.attr)

    def _dotted(self, text):
        for path in DOTTED.findall(text):
            if path.startswith(layout.OBJECTS):
                continue
            module, _, name = path.rpartition(".")
            self.members.add((module, name))
            self.members.add((path, ""))


def read(path):
    return path.read_text(encoding="utf-8")


def _mark_globals(program, pages):
    members = set(pages.members)
    # Of a forgettable file a page names the file, not what is in it.
    for name in {module for module, _ in members}.intersection(program.modules):
        if name in layout.FORGOTTEN:
            continue
        members.update((name, word) for word in pages.attributes)
    for module, names in layout.ENTRIES.items():
        members.update((module, name) for name in names)
    for name, items in program.globals.items():
        for item in items.values():
            item.fixed = (name, item.name) in members
    for lazy in layout.LAZY.values():
        for item in program.globals[lazy].values():
            item.fixed = not item.name.startswith("_")


def _of_sources(program, kept):
    for name, module in program.modules.items():
        handed = {node.value for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)}
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                handed |= _call(program, module, node, kept)
            elif isinstance(node, ast.FunctionDef) and node.name in BY_NAME:
                kept.texts |= texts(node)
            elif isinstance(node, ast.Attribute) and node.attr in ("__dict__", "__slots__"):
                _computed(module, node, f"uses {node.attr}", kept)
            elif isinstance(program.value(node), Part) and node not in handed:
                _computed(module, node, "hands a module on as a value", kept)
        if name in layout.SEAMS:
            kept.attributes |= {each for each in defined(module.tree) if not each.startswith("_")}


def _call(program, module, node, kept):
    """Take note of a call; returns the arguments that may be modules."""
    kept.called.update(keyword.arg for keyword in node.keywords if keyword.arg)
    item = getattr(node.func, "item", None)
    if not isinstance(item, Builtin):
        return set()
    if item.name in REFLECTION:
        _computed(module, node, f"calls {item.name}()", kept)
    if item.name not in BY_TEXT or len(node.args) < 2:
        return set()
    target, text = node.args[:2]
    if isinstance(text, ast.Constant):
        kept.texts.add(text.value)
    elif not isinstance(program.value(target), Part):  # of a package it can only be a module
        _computed(module, node, f"{item.name} with a name that is computed", kept)
    return {target}


def _computed(module, node, what, kept):
    if module.name not in layout.COMPUTED:
        raise BuildError(
            f"{module.where(node)}: {what}, and the board build changes names. Write the name out, "
            f"or enter {module.name} in COMPUTED of tools/build/layout.py"
        )
    if layout.COMPUTED[module.name] == layout.METHODS:
        kept.texts |= defined(module.tree)
    else:
        kept.texts |= texts(module.tree)


def texts(tree):
    """The texts that stand in some code."""
    return {
        each.value
        for each in ast.walk(tree)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


def defined(tree):
    """Attributes that the code gives its objects: methods, class variables, what it assigns."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
        elif isinstance(node, ast.ClassDef):
            found.update(members(node))
    return found


def members(node):
    """Names that the body of a class binds."""
    found = set()
    for each in node.body:
        for part in ast.walk(each) if not isinstance(each, FUNCTIONS) else [each]:
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                found.add(part.id)
            elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(part.name)
    return found


def _standard(program, root):
    """Attributes of Python's own types, and of the foreign modules that lib/ imports."""
    found = set()
    for each in vars(builtins).values():
        if isinstance(each, type):
            found.update(dir(each))
    for name, module in program.modules.items():
        for node in ast.walk(module.tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module]
            for each in names:
                if each.split(".")[0] not in program.modules:
                    found |= _foreign(each, root, program.modules[name].where(node))
    return found


def _foreign(name, root, where):
    stubs = root / ".venv" / "stubs"
    for path in (stubs / f"{name}.pyi", stubs / name / "__init__.pyi"):
        if path.is_file():
            return _of_stub(path)
    try:
        module = importlib.import_module(name)
    except ImportError:
        raise BuildError(
            f"{where}: what {name} offers is unknown, no stub of it in {stubs}; run `make setup`"
        ) from None
    found = set(dir(module))
    for each in vars(module).values():
        if isinstance(each, type):
            found.update(dir(each))
    return found


def _of_stub(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found

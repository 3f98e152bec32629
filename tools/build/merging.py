"""One syntax tree for each file: its modules one after the other, imports between them gone.

A name of another module of the same file becomes the plain global it is; one of another file is
imported from that file. Names are still the sources' own here: nodes carry `item`, and naming.py
decides. Where `item` is a Global or Local the node's text will be its final name.
"""

import ast

from tools.build import layout
from tools.build.program import Part
from tools.build.scopes import Builtin, Global, Local
from tools.build.sources import BuildError

# Asked for a name that the package lacks: a number, or a module that was not imported yet.
LAZY = """
def __getattr__(self):
    return __import__("{package}.{helper}", None, None, ("get",)).get(self)
"""
HELPER = "_codes"


def merge(program, order):
    """file -> its tree. `order`: file -> its modules."""
    return {file: _Merger(program, file).tree(modules) for file, modules in order.items()}


class _Merger(ast.NodeTransformer):
    def __init__(self, program, file):
        self.program = program
        self.file = file
        self.module = None
        self.foreign = {}  # what is imported -> the item that is bound to it
        self.bound = {}  # name -> the item of another's module that has it
        self.imported = set()  # Globals of other files that this one has imported

    def tree(self, modules):
        body = []
        for name in modules:
            self.module = self.program.modules[name]
            body += self.visit(self.module.tree).body
        return ast.Module([node for node in body if not isinstance(node, ast.Pass)], [])

    def _here(self, item):
        return isinstance(item, Global) and self.program.files[item.module] == self.file

    def visit_Name(self, node):
        imported = node.item in self.program.targets
        node.item = self._final(node.item)
        if imported and self._here(node.item) and not isinstance(node.ctx, ast.Load):
            raise BuildError(
                f"{self.module.where(node)}: rebinds {node.id}, which is imported; use another name"
            )
        return node

    def _final(self, item):
        """The item whose name a reference will have."""
        if item in self.foreign:
            return self.foreign[item]
        meant = self.program.meaning(item)
        if self._here(meant) or isinstance(meant, Global) and isinstance(item, Global):
            return meant
        return item

    def visit_Attribute(self, node):
        item = node.item
        if item is None or isinstance(item, Part):
            if isinstance(node.value, ast.Name) and isinstance(node.value.item, Global | Local):
                node.value.item = self._final(node.value.item)
            else:
                node.value = self.visit(node.value)
            return node
        if self._here(item):
            return ast.copy_location(_name(item), node)
        if not isinstance(node.value, ast.Name):
            self._standing(self.program.reached(node.value), node)
        return self._attribute_of_part(node)

    def _attribute_of_part(self, node):
        if isinstance(node.value, ast.Name):
            node.value.item = self._final(node.value.item)
        return node

    def _standing(self, part, node):
        if self.program.files[part.name] != part.name:
            raise BuildError(
                f"{self.module.where(node)}: {part.name} is part of another file in the build; "
                f"write `from {part.name} import ...`"
            )

    def visit_FunctionDef(self, node):
        if node.item is not None:
            node.item = self._final(node.item)
        self.generic_visit(node)
        return node

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef

    def visit_ImportFrom(self, node):
        made = []
        others = []
        for alias in node.names:
            if alias.name == "*":
                made += self._lazy(layout.LAZY[self.module.name])
            elif alias.item in self.program.targets:
                made += self._internal(alias, node)
            elif self._new(alias, (node.module, alias.name), node):
                others.append(alias)
        if others:
            node.names = others
            made.append(node)
        return made or ast.Pass()

    def visit_Import(self, node):
        kept = []
        for alias in node.names:
            if alias.item in self.program.targets:
                self._standing(Part(alias.name), node)
                alias.item.fixed = not alias.asname
                kept.append(alias)
            elif self._new(alias, (alias.name, alias.asname is None), node):
                alias.item.fixed = "." in alias.name and not alias.asname
                kept.append(alias)
        node.names = kept
        return node if kept else ast.Pass()

    def _new(self, alias, what, node):
        # A second import of the same thing at the top of the same file is the first one.
        if isinstance(alias.item, Local):
            return True
        first = self.foreign.setdefault(what, alias.item)
        if first is not alias.item:
            self.foreign[alias.item] = first
            return False
        name = alias.item.name
        if self.bound.setdefault(name, alias.item) is not alias.item:
            raise BuildError(
                f"{self.module.where(node)}: {name} is another thing elsewhere in the same file of "
                "the build; import it under another name"
            )
        alias.item.fixed = True
        return True

    def _internal(self, alias, node):
        meant = self.program.meaning(alias.item)
        if isinstance(meant, Part):
            return [] if self._inner(meant) else [self._part(alias, meant, node)]
        if self._here(meant):
            if alias.item.fixed:
                self._keep(alias.item, meant, node)
            return []
        if isinstance(alias.item, Global):
            if meant in self.imported:
                return []
            self.imported.add(meant)
            bound = meant
        else:
            bound = alias.item
        found = ast.alias(meant.name, None)
        found.source, found.item = meant, bound
        return [ast.ImportFrom(self.program.files[meant.module], [found], 0)]

    def _inner(self, part):
        return self.program.files[part.name] == self.file

    def _keep(self, item, meant, node):
        if item.name != meant.name:
            where = self.module.where(node)
            raise BuildError(f"{where}: a public name is imported under another; give it its own")
        meant.fixed = True

    def _part(self, alias, part, node):
        file = self.program.files[part.name]
        package, _, last = file.rpartition(".")
        found = ast.alias(last, None)
        found.source, found.item = None, alias.item
        if not package:
            return ast.Import([found])
        return ast.ImportFrom(package, [found], 0)

    def _lazy(self, lazy):
        package = self.module.name
        made = ast.parse(LAZY.format(package=package, helper=HELPER)).body
        self_item = Local("self", True, "self", True)
        for node in ast.walk(made[0]):
            if isinstance(node, ast.Name | ast.arg):
                node.item = self_item
            elif isinstance(node, ast.Attribute):
                node.item = None
            elif isinstance(node, ast.FunctionDef):
                node.item = Global(package, node.name, node.name, True)
            if getattr(node, "id", "self") != "self":
                node.item = Builtin(node.id)
        return made


def _name(item):
    node = ast.Name(item.name, ast.Load())
    node.item = item
    return node

"""What a file of the build reads of others: its imports after code was moved into it."""

import ast
import copy

from tools.build.scopes import Global


def plain(item):
    """The name of an item, where it is read."""
    node = ast.Name(item.name, ast.Load())
    node.item = item
    return node


class Imports(ast.NodeTransformer):
    """What a file's code reads of other files is imported, and what is its own is not."""

    def __init__(self, trees, file):
        self.file = file
        self.tree = trees[file]
        self.homes = _homes(trees)
        self.own = {}  # what an import of this file's own things bound -> the thing
        self.bound = {
            alias.item
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ImportFrom | ast.Import)
            for alias in node.names
        }

    def mend(self):
        """Change the file's tree."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if self._own(node, alias):
                        self.own[alias.item] = getattr(alias, "source", None)
        self.tree = self.visit(self.tree)
        wanted = {}
        for node in ast.walk(self.tree):
            item = getattr(node, "item", None)
            if isinstance(node, ast.Name) and isinstance(item, Global):
                home = self.homes.get(item)
                if home not in (None, self.file) and item not in self.bound:
                    wanted[item] = home
        imports = [self._import(item, home) for item, home in wanted.items()]
        self.tree.body[:0] = imports

    def _import(self, item, home):
        if isinstance(home, ast.AST):  # of another module of Python's: once more
            return copy.deepcopy(home)
        found = ast.alias(item.name, None)
        found.source = found.item = item
        return ast.ImportFrom(home, [found], 0)

    def visit_Attribute(self, node):
        self.generic_visit(node)
        if isinstance(node.item, Global) and self.homes.get(node.item) == self.file:
            return plain(node.item)
        return node

    def visit_Name(self, node):
        node.item = self.own.get(node.item) or node.item
        return node

    def visit_ImportFrom(self, node):
        node.names = [each for each in node.names if each.item not in self.own]
        return node if node.names else None

    def _own(self, node, alias):
        source = getattr(alias, "source", None)
        if source is not None:
            return self.homes.get(source) == self.file
        return f"{node.module}.{alias.name}" == self.file


def _homes(trees):
    """Global -> the file that binds it, or the import that does."""
    found = {}
    for file, tree in trees.items():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[node.item] = file
            elif isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    if not isinstance(getattr(alias, "source", None), Global):
                        one = copy.copy(node)
                        one.names = [alias]
                        found.setdefault(alias.item, one)
            else:
                for part in ast.walk(node):
                    if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                        found[part.item] = file
    return found

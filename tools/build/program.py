"""All modules of lib/ together: what each import means, and in which file each module goes.

`meaning(item)` is what a name stands for in the end, through any chain of imports: a Global, a
Part (a module of lib/), or the item itself.
"""

import ast
from dataclasses import dataclass

from tools.build import layout, scopes
from tools.build.sources import BuildError, load


@dataclass(frozen=True)
class Part:
    """A module of lib/, as a value."""

    name: str


class Program:
    """Every module, its global names, and its imports followed."""

    def __init__(self, lib):
        self.modules = load(lib)
        self.globals = {name: scopes.resolve(module) for name, module in self.modules.items()}
        self.targets = {}  # item that an import binds -> Global or Part it stands for
        self.foreign = set()  # items bound to something from outside lib/
        self.files = {}  # module -> file; set by place()
        for module in self.modules.values():
            for node in ast.walk(module.tree):
                if isinstance(node, ast.ImportFrom):
                    self._from(module, node)
                elif isinstance(node, ast.Import):
                    self._import(node)
        for module in self.modules.values():
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Attribute):
                    node.item = self._attribute(module, node)

    def _attribute(self, module, node):
        base = self.reached(node.value)
        if not isinstance(base, Part):
            return None
        if isinstance(node.ctx, ast.Store):
            raise BuildError(
                f"{module.where(node)}: assigns {node.attr} of a module from outside; "
                "let a function of that module do it"
            )
        item = self.reached(node)
        if item is None and not node.attr.startswith("__"):
            raise BuildError(f"{module.where(node)}: {base.name} has no {node.attr}")
        return item

    def _from(self, module, node):
        if node.level:
            where = module.where(node)
            raise BuildError(f"{where}: a relative import; write the module's whole name")
        if node.module.split(".")[0] not in self.modules:
            self.foreign.update(alias.item for alias in node.names)
            return
        if node.module not in self.modules:
            raise BuildError(f"{module.where(node)}: there is no module {node.module} in lib/")
        for alias in node.names:
            if alias.name != "*":
                self.targets[alias.item] = self._member(module, node, alias.name)
            elif layout.LAZY.get(module.name) != node.module:
                raise BuildError(f"{module.where(node)}: name what is imported, not *")

    def _member(self, module, node, name):
        full = f"{node.module}.{name}"
        if full in self.modules:
            return Part(full)
        names = self.globals[node.module]
        lazy = self.globals.get(layout.LAZY.get(node.module), {})
        if name not in names and name not in lazy:
            raise BuildError(f"{module.where(node)}: {node.module} has no {name}")
        return names.get(name) or lazy[name]

    def _import(self, node):
        for alias in node.names:
            top = alias.name.split(".")[0]
            if top in self.modules:
                self.targets[alias.item] = Part(alias.name if alias.asname else top)
            else:
                self.foreign.add(alias.item)

    def meaning(self, item):
        """What `item` stands for."""
        while item in self.targets:
            item = self.targets[item]
        return item

    def reached(self, node):
        """What an expression stands for: an item, a Part, or None if only running it tells."""
        if isinstance(node, ast.Name):
            return self.meaning(node.item)
        if isinstance(node, ast.Attribute):
            base = self.reached(node.value)
            if isinstance(base, Part):
                return self._of_part(base, node.attr)
        return None

    def _of_part(self, part, name):
        full = f"{part.name}.{name}"
        if full in self.modules:
            return Part(full)
        names = self.globals[part.name]
        if name in names:
            return self.meaning(names[name])
        lazy = self.globals.get(layout.LAZY.get(part.name), {})
        return lazy.get(name)

    def value(self, node):
        """What the node's name stands for, where it is read; else None."""
        if isinstance(getattr(node, "ctx", None), ast.Load):
            item = getattr(node, "item", None)
            return None if item is None else self.meaning(item)
        return None

    def edges(self, name):
        """Modules of lib/ that module `name` needs as soon as it is loaded, in order."""
        found = {}
        for node in self.modules[name].tree.body:
            if isinstance(node, ast.ImportFrom | ast.Import):
                for alias in node.names:
                    target = self.targets.get(getattr(alias, "item", None))
                    target = self.meaning(target) if target else None
                    if isinstance(target, Part):
                        found[target.name] = True
                    elif target is not None:
                        found[target.module] = True
        found.pop(name, None)
        return list(found)

    def place(self):
        """Decide the file of each module: file -> its modules, in the order in which they run."""
        self.files = {}
        order = {}
        for file, roots in layout.FILES.items():
            order[file] = []
            for root in roots:
                if root not in self.modules:
                    raise BuildError(f"tools/build/layout.py: FILES names {root}; no such module")
                self._take(root, file, order[file], set(roots))
        for name in self.modules:
            if name not in self.files:
                self.files[name] = name
                order[name] = [name]
        return order

    def _take(self, name, file, order, roots):
        if name in self.files or (name in layout.ALONE and name not in roots):
            return
        if name.split(".")[0] != file.split(".")[0] or name in layout.FILES and name not in roots:
            return
        self.files[name] = file
        for needed in self.edges(name):
            self._take(needed, file, order, roots)
        order.append(name)

"""What each name of a module means: a global, a local of a function, a builtin, or an attribute.

After `resolve(module)` every node that holds a name has `item`: a Global, a Local, a Builtin, or
None where the name is one of a class's body (an attribute). Statements `global` and `nonlocal` have
`items`. Two nodes mean the same thing exactly if they have the same item.
"""

import ast
from dataclasses import dataclass, field

from tools.build.sources import BuildError

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Item:
    """What a name means; copies of a tree mean the same."""

    def __deepcopy__(self, memo):
        return self


@dataclass(eq=False)
class Global(Item):
    """A global name. `final`: the one it gets; `fixed`: it must keep its own."""

    module: str
    name: str
    final: str = ""
    fixed: bool = False


@dataclass(eq=False)
class Local(Item):
    """A local name of one function. `regions`: of a name that came with an inlined body, the
    stretches of its function where it is used; elsewhere it is free. None: it is the function's."""

    name: str
    param: bool = False
    final: str = ""
    fixed: bool = False
    regions: set | None = None


@dataclass(eq=False)
class Builtin(Item):
    """A name that no module binds."""

    name: str


@dataclass(eq=False)
class Scope:
    """Names bound in a module, a class's body, a function or a comprehension."""

    kind: str  # "module", "class" or "function"
    parent: "Scope | None"
    names: dict = field(default_factory=dict)

    def lookup(self, name, builtins):
        scope = self
        while scope:
            if name in scope.names and (scope.kind != "class" or scope is self):
                return scope.names[name]
            scope = scope.parent
        return builtins.setdefault(name, Builtin(name))


def resolve(module):
    """Give every node of the module its item. Returns name -> Global, those of the module."""
    top = Scope("module", None)
    for name in bound(module.tree.body):
        top.names[name] = Global(module.name, name)
    _Resolver(module, top).each(module.tree.body)
    return top.names


def bound(body):
    """Names that statements bind in their own scope, in order of appearance."""
    found = _Bound()
    for statement in body:
        found.visit(statement)
    return [name for name in found.names if name not in found.elsewhere]


class _Bound(ast.NodeVisitor):
    def __init__(self):
        self.names = {}
        self.elsewhere = set()

    def visit_Name(self, node):
        if not isinstance(node.ctx, ast.Load):
            self.names[node.id] = True

    def visit_FunctionDef(self, node):
        self.names[node.name] = True
        outside = node.decorator_list
        if not isinstance(node, ast.ClassDef):
            outside = outside + node.args.defaults + [d for d in node.args.kw_defaults if d]
        for part in outside:
            self.visit(part)

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef

    def visit_Lambda(self, node):
        pass

    def visit_GeneratorExp(self, node):
        self.visit(node.generators[0].iter)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp

    def visit_ExceptHandler(self, node):
        if node.name:
            self.names[node.name] = True
        self.generic_visit(node)

    def visit_alias(self, node):
        if node.name != "*":
            self.names[node.asname or node.name.split(".")[0]] = True

    def visit_Global(self, node):
        self.elsewhere.update(node.names)

    visit_Nonlocal = visit_Global


class _Resolver:
    def __init__(self, module, scope):
        self.module = module
        self.scope = scope
        self.builtins = {}

    def each(self, nodes):
        for node in nodes:
            if node is not None:
                self.one(node)

    def one(self, node):
        handler = getattr(self, "on_" + type(node).__name__, None)
        if handler:
            handler(node)
        else:
            self.each(ast.iter_child_nodes(node))

    def on_Name(self, node):
        node.item = self.scope.lookup(node.id, self.builtins)

    def on_alias(self, node):
        if node.name != "*":
            name = node.asname or node.name.split(".")[0]
            node.item = self.scope.lookup(name, self.builtins)

    def on_ExceptHandler(self, node):
        if node.name:
            node.item = self.scope.lookup(node.name, self.builtins)
        self.each(ast.iter_child_nodes(node))

    def on_Global(self, node):
        scope = self.scope
        while scope.parent:
            scope = scope.parent
        node.items = [self._known(scope, name, node) for name in node.names]

    def on_Nonlocal(self, node):
        node.items = [self._known(self.scope, name, node) for name in node.names]

    def _known(self, scope, name, node):
        item = scope.lookup(name, self.builtins)
        if isinstance(item, Builtin):
            where = self.module.where(node)
            raise BuildError(f"{where}: {name} is declared here and bound nowhere; bind it first")
        return item

    def on_FunctionDef(self, node):
        node.item = self.scope.lookup(node.name, self.builtins)
        self.each(node.decorator_list)
        self.function(node, node.body, bound(node.body))

    on_AsyncFunctionDef = on_FunctionDef

    def on_Lambda(self, node):
        self.function(node, [node.body], [])

    def function(self, node, body, names):
        a = node.args
        self.each(a.defaults)
        self.each(a.kw_defaults)
        outer = self.scope
        self.scope = Scope("function", outer)
        for arg in params(node):
            arg.item = self.scope.names[arg.arg] = Local(arg.arg, True)
        for name in names:
            self.scope.names.setdefault(name, Local(name))
        self.each(body)
        self.scope = outer

    def on_ClassDef(self, node):
        node.item = self.scope.lookup(node.name, self.builtins)
        self.each(node.decorator_list + node.bases + node.keywords)
        outer = self.scope
        self.scope = Scope("class", outer, dict.fromkeys(bound(node.body)))
        self.each(node.body)
        self.scope = outer

    def on_GeneratorExp(self, node):
        self.one(node.generators[0].iter)
        outer = self.scope
        self.scope = Scope("function", outer)
        for each in ast.walk(ast.Tuple([g.target for g in node.generators])):
            if isinstance(each, ast.Name):
                self.scope.names.setdefault(each.id, Local(each.id))
        for index, part in enumerate(node.generators):
            self.each([part.target, *part.ifs, *([part.iter] if index else [])])
        value = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self.each(value)
        self.scope = outer

    on_ListComp = on_SetComp = on_DictComp = on_GeneratorExp

    def on_NamedExpr(self, node):
        raise BuildError(f"{self.module.where(node)}: := is not known to the build; assign before")


def params(function):
    """The ast.arg of every parameter, in order."""
    a = function.args
    return [
        *a.posonlyargs,
        *a.args,
        *([a.vararg] if a.vararg else []),
        *a.kwonlyargs,
        *([a.kwarg] if a.kwarg else []),
    ]

"""The rules of pure code, each a function from a Source to a list of complaints.

What may allocate or raise is set-up, recognised in three ways: a module of SET_UP_MODULES; a
function of SET_UP_NAMES or SET_UP_FUNCTIONS, or whose docstring says `Allocates.` or `set-up`; a
private function that only such functions of its module call.
"""

import ast

from tests.checks.sources import functions, imported

FORBIDDEN_IMPORTS = {
    "machine", "network", "socket", "usocket", "time", "utime", "asyncio", "uasyncio", "esp32",
    "esp", "select", "dht", "os", "_thread", "threading", "ssl",
}  # fmt: skip

# Modules that run before the first step only, and are then done with.
SET_UP_MODULES = {"lib/mqtt/options.py", "lib/node/config.py", "lib/node/fields.py"}
SET_UP_NAMES = {"__init__", "topic", "payload", "build", "prepare"}
SET_UP_FUNCTIONS = {("lib/node/app.py", "start")}  # makes the node, or says why it cannot


def steady(source):
    """(name, node) of the functions that run in the steady state."""
    if source.name in SET_UP_MODULES:
        return []
    every = list(functions(source.tree))
    set_up = {
        node
        for name, node in every
        if name in SET_UP_NAMES or (source.name, name) in SET_UP_FUNCTIONS or _says_set_up(node)
    }
    while True:
        more = {node for name, node in every if _only_for(name, set_up, every)} - set_up
        if not more:
            return [(name, node) for name, node in every if node not in set_up]
        set_up |= more


def _says_set_up(function):
    doc = ast.get_docstring(function) or ""
    return "Allocates." in doc or "et-up" in doc


def _only_for(name, set_up, every):
    if not name.startswith("_"):
        return False
    callers = {node for _, node in every if _mentions(node, name)}
    return bool(callers) and callers <= set_up and all(_only_calls(f, name) for f in callers)


def _mentions(function, name):
    return sum(name in (getattr(n, "id", 0), getattr(n, "attr", 0)) for n in ast.walk(function))


def _only_calls(function, name):
    # A function kept as a value (a handler, a bound method) runs later, who knows when.
    calls = [n.func for n in ast.walk(function) if isinstance(n, ast.Call)]
    called = sum(name in (getattr(f, "id", 0), getattr(f, "attr", 0)) for f in calls)
    return called == _mentions(function, name)


def forbidden_imports(source):
    return [
        f"{source.where(node)}: pure code imports {name}"
        for name, node in imported(source.tree)
        if name.split(".")[0] in FORBIDDEN_IMPORTS
    ]


def node_in_mqtt(source):
    return [
        f"{source.where(node)}: lib/mqtt imports {name}, and must be installable alone"
        for name, node in imported(source.tree)
        if name.split(".")[0] == "node"
    ]


def slices_that_read(source):
    return [
        f"{source.where(inner)}: {name}() slices in order to read; that allocates"
        for name, node in steady(source)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Subscript)
        and isinstance(inner.slice, ast.Slice)
        and isinstance(inner.ctx, ast.Load)
    ]


def raises(source):
    return [
        f"{source.where(inner)}: {name}() raises in the steady state; return a code"
        for name, node in steady(source)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Raise)
        and not _says_it_has_none(name, inner)
        and not _lets_out_what_it_caught(name, node, inner)
    ]


def _says_it_has_none(name, node):
    # What __getattr__ must do for a name it does not know.
    return name == "__getattr__" and getattr(getattr(node.exc, "func", None), "id", "") == (
        "AttributeError"
    )


def _lets_out_what_it_caught(name, function, node):
    # An exception of foreign code: it ends a generator, or outlived one; its caller must see it.
    if node.exc is None:
        return any(isinstance(inner, ast.Yield) for inner in ast.walk(function))
    return name == "_raise_again" and isinstance(node.exc, ast.Name)


def floats(source):
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            found.append(f"{source.where(node)}: the float {node.value}")
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            found.append(f"{source.where(node)}: `/` makes a float; use `//`")
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "float":
            found.append(f"{source.where(node)}: float()")
    return found


SIMULATION_WORDS = ("sys.platform", "simulat", "steadynode_board", "stand-in", "standin", "unix")
RUNTIME_WORDS = ("sys.implementation",)  # only the edge to the board may ask for the chip


def knows_the_simulation(source):
    """Only code counts: docstrings and comments may say where else a module runs."""
    found = []
    words = SIMULATION_WORDS + (RUNTIME_WORDS if source.pure else ())
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute):
            text = f"{getattr(node.value, 'id', '')}.{node.attr}"
        elif isinstance(node, ast.Name):
            text = node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = "" if _is_docstring(source.tree, node) else str(node.value)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            text = ast.unparse(node)
        else:
            continue
        found += [
            f"{source.where(node)}: {word!r} in {text!r}" for word in words if word in text.lower()
        ]
    return found


def _is_docstring(tree, constant):
    scopes = (ast.Module, ast.ClassDef, ast.FunctionDef)
    return any(
        isinstance(scope, scopes)
        and scope.body
        and isinstance(scope.body[0], ast.Expr)
        and scope.body[0].value is constant
        for scope in ast.walk(tree)
    )

"""Functions that are called from one place only, put into that place.

Each saves about 50 bytes of heap (its object, its place in a dictionary, its prelude, the call) and
the time of a call. Never at the price of a frame of more than 11 words, which MicroPython would
take from the heap at each call: such a pair stays as it is.
"""

import ast
import copy
from collections import Counter

from tools.build import mpy
from tools.build.scopes import COMPREHENSIONS, FUNCTIONS, Builtin, Global
from tools.build.splicing import Place, expression, splice

MOST_WORDS = 11
WORTH = 40  # bytes that may come with a function that goes
NOT_MOVED = (
    ast.Global, ast.Nonlocal, ast.Import, ast.ImportFrom, ast.Await, ast.Yield, ast.YieldFrom,
    ast.ClassDef, ast.Delete, *FUNCTIONS, *COMPREHENSIONS,
)  # fmt: skip


def inline(trees, private):
    """Do it in every file. `private`: identifiers of attributes that are no contract. Returns the
    functions that went, as file.function."""
    references = _references(trees)
    gone = []
    for file, tree in trees.items():
        functions = list(_functions(tree))
        nodes = [node for _, _, node in functions]
        frames = dict(zip(nodes, measured(nodes), strict=True))
        # Small ones first: the more of them fit.
        for name, owner, callee in sorted(functions, key=lambda each: frames[each[2]]):
            key = callee.item if callee.item is not None else callee.name
            known = key in private if callee.item is None else not key.fixed
            if known and references[key] == 1 and _movable(callee):
                caller, call = _call(tree, key)
                if caller is not None and caller is not callee:
                    pair = _Pair(name, owner, callee, caller, call)
                    if pair.join(frames):
                        gone.append(f"{file}.{name}")
    return gone


def _call(tree, key):
    """The function that holds the one reference, if that is a call; and the call."""
    for _, _, function in _functions(tree):
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and _named(node.func) == key:
                return function, node
    return None, None


def _named(func):
    if isinstance(func, ast.Attribute) and func.item is None:
        return func.attr
    return getattr(func, "item", None)


def _references(trees):
    """How often each Global and attribute is named. A second definition counts as a name."""
    found = Counter()
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.alias):
                found[getattr(node, "source", None)] += 1
            elif isinstance(node, ast.Attribute):
                found[node.attr if node.item is None else node.item] += 1
            elif isinstance(node, ast.Name):
                found[node.id if node.item is None else node.item] += 1
        methods = [n.name for _, _, n in _functions(tree) if n.item is None]
        found.update({name: count - 1 for name, count in Counter(methods).items() if count > 1})
        found.update(each for node in ast.walk(tree) for each in getattr(node, "items", ())
                     if isinstance(node, ast.Global))  # fmt: skip
    return found


def _functions(tree, prefix=""):
    """(name, what holds it, node) of each function of a module and each method."""
    for node in list(tree.body):
        if isinstance(node, ast.FunctionDef):
            yield prefix + node.name, tree, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")


def _movable(function):
    if function.decorator_list or function.args.defaults or function.args.kwonlyargs:
        return False
    for each in function.body:
        for node in ast.walk(each):
            named = isinstance(node, ast.ExceptHandler) and node.name
            if isinstance(node, NOT_MOVED) or named:
                return False
            item = getattr(node, "item", None)
            if isinstance(item, Builtin) and item.name == "super":
                return False
    return True


class _Pair:
    """A function, and the one place that calls it."""

    def __init__(self, name, owner, callee, caller, call):
        self.name = name
        self.owner = owner
        self.callee = callee
        self.caller = caller
        self.call = call

    def join(self, frames):
        """Put the one into the other; False if that does not fit. `frames`: of all functions."""
        self.call.chosen = True
        caller, callee = copy.deepcopy((self.caller, self.callee))
        self.call.chosen = False
        site = _Site(caller, callee)
        if not site.put():
            return False
        words, size = measured([caller])[0]
        most, own = frames[self.caller]
        if words > max(MOST_WORDS, most) or size > own + frames[self.callee][1] + WORTH:
            return False
        frames[self.caller] = words, size
        site.settle()
        self.caller.body = caller.body
        moved = getattr(self.callee, "inlined", [])
        self.caller.inlined = [*getattr(self.caller, "inlined", []), self.name, *moved]
        self.owner.body.remove(self.callee)
        if not self.owner.body:
            self.owner.body.append(ast.Pass())
        return True


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
        source += ast.unparse(ast.fix_missing_locations(function)) + "\n"
    return mpy.frames(source)


class _Site:
    """Where the call stands in its function."""

    def __init__(self, caller, callee):
        self.caller = caller
        self.callee = callee
        nested = any(
            isinstance(node, (ast.Try, *FUNCTIONS, *COMPREHENSIONS))
            for each in caller.body
            for node in ast.walk(each)
        )
        self.simple = not nested
        self.settle = lambda: None

    def put(self):
        return self._in(self.caller, True)

    def _in(self, holder, last):
        for name in ("body", "orelse", "finalbody", "handlers"):
            statements = getattr(holder, name, None)
            if isinstance(statements, list):
                for index, each in enumerate(statements):
                    done = self._at(holder, statements, index, each, last)
                    if done is not None:
                        return done
        return None

    def _at(self, holder, statements, index, each, last):
        if isinstance(each, FUNCTIONS) or not _holds(each):
            return None
        at_end = (
            last
            and index == len(statements) - 1
            and isinstance(holder, ast.If | ast.With | ast.FunctionDef)
        )
        value = getattr(each, "value", None)
        if getattr(value, "chosen", False) and isinstance(each, ast.Expr | ast.Return | ast.Assign):
            dying = self.simple and (at_end or isinstance(each, ast.Return))
            place = Place(self.caller, each, value, at_end, dying)
            made = splice(each, value, self.callee, place)
            if made is None:
                return False
            statements[index : index + 1] = made[0]
            self.settle = lambda: made[1].settle(made[0], place.regions)
            return True
        done = self._in(each, at_end)
        return self._expression(each) if done is None else done

    def _expression(self, statement):
        for node in ast.walk(statement):
            for name, value in ast.iter_fields(node):
                for each in value if isinstance(value, list) else [value]:
                    if getattr(each, "chosen", False):
                        place = Place(self.caller, statement, each, False, False)
                        made = expression(each, self.callee, place)
                        if made is None:
                            return False
                        if isinstance(value, list):
                            value[value.index(each)] = made
                        else:
                            setattr(node, name, made)
                        return True
        return False


def _holds(statement):
    return any(getattr(node, "chosen", False) for node in ast.walk(statement))

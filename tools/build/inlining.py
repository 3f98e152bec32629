"""Functions that are called from few places, put into those places.

From one place: that saves about 50 bytes of heap (its object, its place in a dictionary, its
prelude, the call) and the time of a call. From two to four: where it makes the whole no larger,
as with functions of a line or two. Never at the price of a frame of more than 11 words, which
MicroPython would take from the heap at each call: such a pair stays as it is. A generator's frame
is made with it and kept, so what only a generator calls goes into it whatever its size.
"""

import ast
import copy
from collections import Counter

from tools.build.measuring import measured
from tools.build.scopes import COMPREHENSIONS, FUNCTIONS, Builtin, Local
from tools.build.splicing import Place, expression, first_call, named, replace, splice

MOST_WORDS = 11
MOST_CALLS = 4
OBJECT = 26  # bytes of a function beside its code: object, place in a dictionary with its slack
NOT_MOVED = (
    ast.Global, ast.Nonlocal, ast.Import, ast.ImportFrom, ast.Await, ast.Yield, ast.YieldFrom,
    ast.ClassDef, ast.Delete, *FUNCTIONS, *COMPREHENSIONS,
)  # fmt: skip


def inline(trees, private):
    """Do it in every file. `private`: identifiers of attributes that are no contract. Returns the
    names of the functions that went."""
    gone = []
    uses = _Uses(trees)
    tried = set()  # what did not fit or pay, and would not now
    while True:
        found = [name for file in trees for name in _inline(trees[file], private, uses, tried)]
        if not found:
            return gone
        gone += found


def _inline(tree, private, uses, tried):
    functions = list(_functions(tree))
    nodes = [node for _, _, node in functions]
    frames = dict(zip(nodes, measured(nodes), strict=True))
    # Small ones first: the more of them fit.
    for name, owner, callee in sorted(functions, key=lambda each: frames[each[2]]):
        key = callee.item if callee.item is not None else callee.name
        known = key in private if callee.item is None else not key.fixed
        if not known or not 1 <= uses.total[key] <= MOST_CALLS or not _movable(callee):
            continue
        callers = [each for each in nodes if uses.calls(each)[key]]
        calls = sum(uses.calls(each)[key] for each in callers)
        trial = (callee, *((each, frames[each]) for each in (callee, *callers)))
        if callee in callers or calls != uses.total[key] or trial in tried:
            continue
        if _Group(name, owner, callee, key, callers).join(frames):
            uses.moved(callee, callers)
            nodes.remove(callee)
            yield name
        else:
            tried.add(trial)


class _Uses:
    """How often each Global and attribute is named; `total`: everywhere."""

    def __init__(self, trees):
        self.total = _references(trees.values())
        self._named = {}
        self._called = {}

    def calls(self, function):
        """How often it is called in the function."""
        if function not in self._called:
            self._named[function] = _references([ast.Module(function.body, [])])
            self._called[function] = Counter(
                _named(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)
            )
        return self._called[function]

    def moved(self, callee, callers):
        """The callee went into its callers."""
        for each in (callee, *callers):
            self.calls(each)
            self.total.subtract(self._named[each])
            del self._called[each]
        for each in callers:
            self.calls(each)
            self.total.update(self._named[each])


def _calls(node, key):
    return isinstance(node, ast.Call) and _named(node.func) == key


def _named(func):
    if isinstance(func, ast.Attribute) and func.item is None:
        return func.attr
    return getattr(func, "item", None)


def _references(trees):
    """How often each Global and attribute is named. A second definition counts as a name."""
    found = Counter()
    for tree in trees:
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
            yield prefix + getattr(node, "told", node.name), tree, node
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


class _Group:
    """A function, and all that call it."""

    def __init__(self, name, owner, callee, key, callers):
        self.name = name
        self.owner = owner
        self.callee = callee
        self.key = key
        self.callers = callers

    def join(self, frames):
        """Put it into each; False if that does not fit or does not pay. `frames`: of all."""
        made = [self._with(caller) for caller in self.callers]
        if None in made:
            return False
        sizes = measured(made)
        gain = OBJECT + _block(frames[self.callee])
        for caller, found in zip(self.callers, sizes, strict=True):
            if _is_generator(caller):  # its frame is made once, of any size
                gain -= 4 * (found[0] - frames[caller][0])
            elif found[0] > max(MOST_WORDS, frames[caller][0]):
                return False
            gain += _block(frames[caller]) - _block(found)
        if gain < 0:
            return False
        for caller, each, found in zip(self.callers, made, sizes, strict=True):
            frames[caller] = found
            caller.body = each.body
            moved = getattr(self.callee, "inlined", [])
            caller.inlined = [*getattr(caller, "inlined", []), self.name, *moved]
        self.owner.body.remove(self.callee)
        if not self.owner.body:
            self.owner.body.append(ast.Pass())
        return True

    def _with(self, caller):
        """A copy of the caller, the callee in the place of every call; None if that cannot be."""
        made = copy.deepcopy(caller)
        while True:
            call = next((node for node in ast.walk(made) if _calls(node, self.key)), None)
            if call is None:
                return made
            call.chosen = True
            site = _Site(made, copy.deepcopy(self.callee))
            if not site.put():
                return None
            site.settle()


def _is_generator(function):
    return any(isinstance(node, ast.Yield) for node in ast.walk(function))


def _block(frame):
    # Whole blocks of 16 bytes.
    return -(-frame[1] // 16) * 16


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
        if done is None:
            done = self._expression(each) or self._before(statements, index, each)
        return done

    def _before(self, statements, index, each):
        """The call becomes a statement of its own before the one that it is the first part of."""
        call = first_call(each)
        if call is None:
            return False
        place = Place(self.caller, each, call, False, False)
        value = place.spare.pop(0) if place.spare else Local("value", regions=set())
        store = ast.Assign([named(value, ast.Store())], call)
        made = splice(store, call, self.callee, place)
        if made is None:
            return False
        statements[index : index + 1] = [*made[0], each]
        replace(each, call, named(value, ast.Load()))

        def settle():
            made[1].used.append(value)
            made[1].settle([*made[0], each], place.regions)

        self.settle = settle
        return True

    def _expression(self, statement):
        for node in ast.walk(statement):
            for _, value in ast.iter_fields(node):
                for each in value if isinstance(value, list) else [value]:
                    if getattr(each, "chosen", False):
                        place = Place(self.caller, statement, each, False, False)
                        made = expression(each, self.callee, place)
                        if made is not None:
                            replace(statement, each, made)
                        return made is not None
        return False


def _holds(statement):
    return any(getattr(node, "chosen", False) for node in ast.walk(statement))

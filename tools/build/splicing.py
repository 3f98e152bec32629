"""Puts the body of a function in the place of the statement that calls it.

`splice(statement, call, callee, last)` gives the statements that do the same, or None where the
shapes do not fit. Evaluation keeps its order: arguments first, in theirs, then the body.
"""

import ast
import copy
import itertools

from tools.build.once import ENDS, leaves, once
from tools.build.scopes import Local, params

LOOPS = (ast.For, ast.While, ast.Try, ast.With)
FIRST = {ast.If: "test", ast.For: "iter"}  # what a statement computes first; of others:
FIRST |= dict.fromkeys((ast.Return, ast.Assign, ast.Expr), "value")
_numbers = itertools.count()


def splice(statement, call, callee, place):
    """The statements in the place of `statement`, and the locals they use, or None. The body of
    `callee` is used up if it fits."""
    if statement.value is not call:
        return None
    binding = Binding(call, callee, place)
    if not binding.possible:
        return None
    binding.carry_out()
    body = _body(statement, callee.body, place)
    return None if body is None else (binding.before + body, binding)


def _body(statement, body, place):
    if isinstance(statement, ast.Return):
        return body + ([] if _ends(body) else [ast.Return(None)])
    tails = _ending_in_tails(body)
    if isinstance(statement, ast.Assign):
        if tails is None or not leaves(tails):
            return once(body, lambda value: [_assign(statement, value)], True)
        return _each_return(tails, lambda value: [_assign(statement, value)])
    if tails is not None:
        return _each_return(tails, _run) or [ast.Pass()]
    if place.last:
        return _each_return(body, lambda value: [*_run(value), ast.Return(None)])
    return once(body, _run, False)


def expression(call, callee, place):
    """The value in the place of a call whose function only computes one; None if it is more."""
    if len(callee.body) != 1 or not isinstance(callee.body[0], ast.Return):
        return None
    binding = Binding(call, callee, place)
    if callee.body[0].value is None or not binding.possible or binding.before:
        return None
    binding.carry_out()
    return callee.body[0].value


class Place:
    """What holds where the call stands. `last`: nothing of the caller runs after it; `dying`: none
    of its locals is read after it; `regions`: the stretches it lies in; `spare`: locals of the
    caller that are free there."""

    def __init__(self, caller, statement, call, last, dying):
        self.last = last
        self.dying = dying
        self.regions = getattr(statement, "regions", ())
        inside = {id(node) for node in ast.walk(call)}
        needed, found = set(), {}
        for node in ast.walk(caller):
            item = getattr(node, "item", None)
            if isinstance(item, Local):
                found[item] = True
                if id(node) in inside:
                    needed.add(item)
        self.spare = [item for item in found if item not in needed and self._free(item)]

    def _free(self, item):
        if item.regions is None:
            return self.dying
        return self.dying or item.regions.isdisjoint(self.regions)


class Binding:
    """The arguments of a call in the place of the parameters. `before`: the statements that must
    come first; `used`: the locals that the body then uses."""

    def __init__(self, call, callee, place):
        self.callee = callee
        self.before = []
        self.used = []
        self._spare = list(place.spare)
        self._instead = {}
        given = _arguments(call, callee)
        wanted = [arg.item for arg in params(callee)]
        self.possible = given is not None and len(given) == len(wanted)
        if self.possible:
            self._bind(given, wanted, place.dying)

    def _bind(self, given, wanted, dying):
        stored = {
            node.item
            for each in self.callee.body
            for node in ast.walk(each)
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
        }
        names = [value.item for value in given if isinstance(value, ast.Name)]
        for item, value in zip(wanted, given, strict=True):
            local = isinstance(value, ast.Name) and isinstance(value.item, Local)
            mine = local and (item not in stored or dying and names.count(value.item) == 1)
            if mine or isinstance(value, ast.Constant) and item not in stored:
                self._instead[item] = value
            else:
                name = named(self.local(item), ast.Store())
                self.before.append(ast.Assign([name], value))

    def carry_out(self):
        self.callee.body = [_Replacer(self).visit(each) for each in self.callee.body]

    def local(self, item):
        """The caller's local, or the value, for one of the callee's."""
        if item not in self._instead:
            if self._spare:
                found = self._spare.pop(0)
            else:
                found = Local(f"{item.name}_{next(_numbers)}", regions=set())
            self._instead[item] = found
            self.used.append(found)
        return self._instead[item]

    def settle(self, statements, regions):
        """The statements stand in the caller for good."""
        here = next(_numbers)
        for item in self.used:
            if item.regions is not None:
                item.regions.add(here)
        for each in statements:
            for node in ast.walk(each):
                if isinstance(node, ast.stmt):
                    node.regions = (*regions, here, *getattr(node, "regions", ()))


def _arguments(call, callee):
    if call.keywords or any(isinstance(each, ast.Starred) for each in call.args):
        return None
    if callee.args.defaults or callee.args.kwonlyargs or callee.args.vararg or callee.args.kwarg:
        return None
    method = callee.item is None
    return ([call.func.value] if method else []) + call.args


def first_call(statement):
    """The call that was chosen, if all that the statement computes before it are names and
    constants, and it is computed in any case; else None."""
    start = FIRST.get(type(statement))
    found = _first(getattr(statement, start)) if start else None
    return found if isinstance(found, ast.Call) else None


def _first(node):
    """The chosen call; True: the node has nothing of it, and has no effect; False: it may have."""
    if getattr(node, "chosen", False):
        return node
    if isinstance(node, ast.Constant | ast.Name):
        return True
    if isinstance(node, ast.BoolOp):
        parts = node.values[:1]
    elif isinstance(node, ast.IfExp):
        parts = [node.test]
    elif isinstance(node, ast.UnaryOp | ast.BinOp | ast.Compare | ast.Subscript | ast.Tuple):
        parts = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.Compare):
            parts = parts[:1] + node.comparators[:1]
    elif isinstance(node, ast.Attribute):
        parts = [node.value]
    elif isinstance(node, ast.Call):
        parts = [node.func, *node.args]
    else:
        return False
    found = [_first(part) for part in parts if isinstance(part, ast.expr)]
    return next((each for each in found if each is not True), False)


def replace(tree, old, new):
    """Put the node `new` into the place of `old`."""
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if value is old:
                setattr(node, name, new)
            elif isinstance(value, list) and any(each is old for each in value):
                value[[each is old for each in value].index(True)] = new


def named(item, context):
    node = ast.Name(item.name, context)
    node.item = item
    return node


class _Replacer(ast.NodeTransformer):
    """Locals of the callee become locals of the caller."""

    def __init__(self, binding):
        self.binding = binding

    def visit_Name(self, node):
        if not isinstance(node.item, Local):
            return node
        found = self.binding.local(node.item)
        if isinstance(found, ast.Constant):
            return found
        item = found if isinstance(found, Local) else found.item
        return ast.copy_location(named(item, node.ctx), node)


# Returns


def _ends(body):
    return bool(body) and isinstance(body[-1], ENDS)


def _ending_in_tails(body):
    """The body with every return the last thing of its branch; None if one is inside a loop."""
    made = []
    for index, each in enumerate(body):
        if isinstance(each, ast.If):
            each = _if_in_tails(each, body[index + 1 :])
            if each is None:
                return None
            made.append(each)
            if each.took_rest:
                return made
        elif isinstance(each, LOOPS):
            if any(isinstance(node, ast.Return) for node in ast.walk(each)):
                return None
            made.append(each)
        else:
            made.append(each)
            if isinstance(each, ENDS):
                return made
    return made


def _if_in_tails(node, rest):
    # What follows an `if` whose branch returns becomes the other branch.
    returns = any(isinstance(each, ast.Return) for each in ast.walk(node))
    made = ast.If(node.test, node.body, node.orelse)
    made.took_rest = False
    if not returns:
        return made
    body, other = _ending_in_tails(node.body), _ending_in_tails(node.orelse)
    if body is None or other is None:
        return None
    if rest:
        if leaves(body) and not leaves(other):
            other = _ending_in_tails(other + rest)
        elif leaves(other) and not leaves(body):
            body = _ending_in_tails(body + rest)
        elif not leaves(body):
            return None
    if body is None or other is None:
        return None
    made.body, made.orelse, made.took_rest = body, other, True
    return made


def _each_return(body, instead):
    """The statements with what `instead(value)` gives in the place of every return."""
    made = []
    for each in body:
        if isinstance(each, ast.Return):
            made += instead(each.value)
            continue
        for name in ("body", "orelse", "finalbody"):
            if getattr(each, name, None):
                setattr(each, name, _each_return(getattr(each, name), instead) or _nothing(name))
        for handler in getattr(each, "handlers", ()):
            handler.body = _each_return(handler.body, instead) or [ast.Pass()]
        made.append(each)
    return made


def _nothing(name):
    return [ast.Pass()] if name == "body" else []


def _run(value):
    """What is left of a value that nobody takes."""
    if value is None or not any(isinstance(node, ast.Call) for node in ast.walk(value)):
        return []
    return [ast.Expr(value)]


def _assign(statement, value):
    # No node may stand in two places: each is changed where it stands.
    return ast.Assign(copy.deepcopy(statement.targets), value or ast.Constant(None))

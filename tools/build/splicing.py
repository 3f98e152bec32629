"""Puts the body of a function in the place of the statement that calls it.

`splice(statement, call, callee, last)` gives the statements that do the same, or None where the
shapes do not fit. Evaluation keeps its order: arguments first, in theirs, then the body.
"""

import ast
import itertools

from tools.build.scopes import Local, params

LOOPS = (ast.For, ast.While, ast.Try, ast.With)
ENDS = (ast.Return, ast.Raise)
_numbers = itertools.count()


def splice(statement, call, callee, last, dying):
    """The statements in the place of `statement`. The body of `callee` is used up if it fits.
    `last`: nothing of the caller runs after the statement; `dying`: none of its locals is read."""
    if statement.value is not call or _bind(call, callee, dying, dry=True) is None:
        return None
    if isinstance(statement, ast.Return):
        before = _bind(call, callee, dying)
        return before + callee.body + ([] if _ends(callee.body) else [ast.Return(None)])
    tails = _ending_in_tails(callee.body)
    if isinstance(statement, ast.Expr):
        if tails is None and not last:
            return None
        before = _bind(call, callee, dying)
        if tails is None:
            return before + _each_return(
                callee.body, lambda value: [*_run(value), ast.Return(None)]
            )
        return before + (_each_return(_ending_in_tails(callee.body), _run) or [ast.Pass()])
    if tails is None or not _leaves(tails):
        return None
    before = _bind(call, callee, dying)
    tails = _ending_in_tails(callee.body)
    return before + _each_return(tails, lambda value: [_assign(statement, value)])


def expression(call, callee):
    """The value in the place of a call whose function only computes one; None if it is more."""
    if len(callee.body) != 1 or not isinstance(callee.body[0], ast.Return):
        return None
    if callee.body[0].value is None or _bind(call, callee, False, dry=True) != []:
        return None
    _bind(call, callee, False)
    return callee.body[0].value


def _bind(call, callee, dying, dry=False):
    """Put the arguments in the place of the parameters. Statements that must come before, or None
    if it cannot be done."""
    given = _arguments(call, callee)
    wanted = [arg.item for arg in params(callee)]
    if given is None or len(given) != len(wanted):
        return None
    stored = {
        node.item
        for each in callee.body
        for node in ast.walk(each)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    }
    names = [value.item for value in given if isinstance(value, ast.Name)]
    before, instead = [], {}
    for item, value in zip(wanted, given, strict=True):
        local = isinstance(value, ast.Name) and isinstance(value.item, Local)
        mine = local and (item not in stored or dying and names.count(value.item) == 1)
        if mine or isinstance(value, ast.Constant) and item not in stored:
            instead[item] = value
        else:
            fresh = _fresh(item)
            instead[item] = fresh
            before.append(ast.Assign([_named(fresh, ast.Store())], value))
    if not dry:
        callee.body = [_Replacer(instead).visit(each) for each in callee.body]
    return before


def _arguments(call, callee):
    if call.keywords or any(isinstance(each, ast.Starred) for each in call.args):
        return None
    if callee.args.defaults or callee.args.kwonlyargs or callee.args.vararg or callee.args.kwarg:
        return None
    method = callee.item is None
    return ([call.func.value] if method else []) + call.args


def _fresh(item):
    return Local(f"{item.name}_{next(_numbers)}")


def _named(item, context):
    node = ast.Name(item.name, context)
    node.item = item
    return node


class _Replacer(ast.NodeTransformer):
    """Locals of the callee become locals of the caller, of names that it has not."""

    def __init__(self, instead):
        self.instead = instead

    def visit_Name(self, node):
        if not isinstance(node.item, Local):
            return node
        if node.item not in self.instead:
            self.instead[node.item] = _fresh(node.item)
        found = self.instead[node.item]
        if isinstance(found, ast.Name):
            return ast.copy_location(_named(found.item, node.ctx), node)
        if isinstance(found, Local):
            return ast.copy_location(_named(found, node.ctx), node)
        return found


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
        if _leaves(body) and not _leaves(other):
            other = _ending_in_tails(other + rest)
        elif _leaves(other) and not _leaves(body):
            body = _ending_in_tails(body + rest)
        elif not _leaves(body):
            return None
    if body is None or other is None:
        return None
    made.body, made.orelse, made.took_rest = body, other, True
    return made


def _leaves(body):
    """True if the end of the statements is never reached."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, ast.If):
        return _leaves(last.body) and _leaves(last.orelse)
    return isinstance(last, ENDS)


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
    return ast.Assign(statement.targets, value or ast.Constant(None))

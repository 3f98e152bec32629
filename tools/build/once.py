"""The body of a function in a loop that runs once: what returned breaks out of it.

For bodies that return early, out of branches that do not end them. A return from within a loop of
their own breaks out of that, and what follows the loop becomes its `else`.
"""

import ast

ENDS = (ast.Return, ast.Raise, ast.Break, ast.Continue)
LOOPS = (ast.For, ast.While)


def once(body, instead, valued):
    """The statements with what `instead(value)` gives and a break in the place of every return;
    None if a loop stands in the way. `valued`: at its end the body returns None."""
    made = _ended(body, instead, valued)
    return None if made is None else [ast.While(ast.Constant(True), made, [])]


def leaves(body):
    """True if the end of the statements is never reached."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, ast.If):
        return leaves(last.body) and leaves(last.orelse)
    return isinstance(last, ENDS)


def _ended(body, instead, valued):
    made = []
    for index, each in enumerate(body):
        if isinstance(each, LOOPS) and _returns(each):
            rest = _ended(body[index + 1 :], instead, valued)
            if rest is None or not _from_loop(each, instead):
                return None
            each.orelse = rest
            return [*made, each, ast.Break()]
        part = _converted([each], instead)
        if part is None:
            return None
        made += part
        if isinstance(each, ast.Return):
            return made
    if leaves(made):
        return made
    return [*made, *(instead(None) if valued else []), ast.Break()]


def _converted(body, instead):
    """The same for statements within others, which others may follow."""
    made = []
    for each in body:
        if isinstance(each, ast.Return):
            return [*made, *instead(each.value), ast.Break()]
        made.append(each)
        if _returns(each) and (isinstance(each, LOOPS) or not _in_parts(each, instead)):
            return None
    return made


def _from_loop(loop, instead):
    """Have the loop break where it returned; False if it breaks or returns in other ways too."""
    for node in _own(loop):
        if isinstance(node, ast.Break) or isinstance(node, LOOPS) and _returns(node):
            return False
    return not loop.orelse and _in_parts(loop, instead)


def _in_parts(node, instead):
    for name in ("body", "orelse", "finalbody", "handlers"):
        part = getattr(node, name, None)
        if name == "handlers":
            if not all(_in_parts(each, instead) for each in part or ()):
                return False
        elif isinstance(part, list) and part:
            made = _converted(part, instead)
            if made is None:
                return False
            setattr(node, name, made)
    return True


def _own(loop):
    """Nodes of the loop that are in no loop within it; such a loop itself is one of them."""
    waiting = [*loop.body]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, LOOPS):
            waiting += ast.iter_child_nodes(node)


def _returns(node):
    return any(isinstance(each, ast.Return) for each in ast.walk(node))

"""Where the texts of a file are kept on a board.

MicroPython has two places. The table of names holds what the compiler finds shorter than eleven
characters: a text there costs its length and about eight bytes, and stays for ever, whatever file
it came with. Others are objects: 20 bytes and whole blocks of 16 for the characters, given back
with their file. The compiler's choice is by length alone. Here it is by the life of the file: the
texts of one that is forgotten are objects, those of one that stays are names.
"""

import ast

from tools.build import mpy

SHORT = 10  # characters up to which the compiler makes a name of it
LONGEST = 255  # bytes that a name may have
MARK = "zq%d"  # stands for a text until the file is compiled; must be short, and nobody's name


def passing(tree):
    """Have the short texts of a file that is forgotten kept as objects, which goes with them."""
    return _Passing().visit(tree)


def lasting(tree):
    """Have the long texts of a file that stays kept as names. Returns the tree and what stands
    for what: put_in() must have it when the file is compiled."""
    marks = {}
    found = _Lasting(marks)
    tree = found.visit(tree)
    return tree, {mark: text for text, mark in marks.items()}


class _Texts(ast.NodeTransformer):
    def visit_JoinedStr(self, node):
        return node

    def visit_Tuple(self, node):
        # One of constants only is an object, with all that is in it.
        if all(isinstance(each, ast.Constant) for each in node.elts):
            return self.constants(node)
        return self.generic_visit(node)

    def constants(self, node):
        return node

    def visit_Constant(self, node):
        return self.text(node) if isinstance(node.value, str) else node


class _Passing(_Texts):
    def text(self, node):
        if not 0 < len(node.value) <= SHORT:
            return node
        return ast.Subscript(ast.Tuple([node], ast.Load()), ast.Constant(0), ast.Load())


class _Lasting(_Texts):
    def __init__(self, marks):
        self.marks = marks

    def text(self, node):
        return ast.copy_location(ast.Constant(self._mark(node.value)), node)

    def constants(self, node):
        # What is in the table of names already is taken from there when the file is loaded.
        for each in node.elts:
            if isinstance(each.value, str):
                self._mark(each.value)
        return node

    def _mark(self, text):
        if not len(text) > SHORT or len(text.encode()) > LONGEST:
            return text
        return self.marks.setdefault(text, MARK % len(self.marks))


def put_in(path, marks):
    """Put the texts into the compiled file, in the place of their marks."""
    data = path.read_bytes()
    start, names = mpy.table_of_names(data)
    made = bytearray(data[:start])
    for name, at, end in names:
        text = marks.get(name)
        if text is None:
            made += data[at:end]
        else:
            text = text.encode()
            made += mpy.number(len(text) << 1) + text + b"\0"
    made += data[names[-1][2] :] if names else data[start:]
    path.write_bytes(made)
    return len(made)

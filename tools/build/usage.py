"""What the names of the merged files are used for: the facts that naming.py decides by."""

import ast
from collections import Counter, defaultdict

from tools.build.public import members
from tools.build.scopes import FUNCTIONS, Builtin, Global, params


class Groups:
    """Which attributes may be on one object, and so need different names.

    `attributes`: class -> all names of its objects, those of its relatives in lib/ included.
    `homeless`: names given to objects whose class cannot be told: they may be on any.
    `foreign`: names of classes that extend something from outside lib/.
    """

    def __init__(self, trees):
        self.attributes = {}
        self.homeless = set()
        self.foreign = set()
        self._family = {}
        classes = [n for tree in trees.values() for n in ast.walk(tree) if _is_class(n)]
        of_item = {node.item: node for node in classes}
        for node in classes:
            self.attributes[node] = members(node) | _given_by_self(node.body)
        for tree in trees.values():
            for node in tree.body:  # a method that went to another file
                if getattr(node, "belongs", None):
                    self.attributes[node.belongs] |= _given_by_self([node])
        for node in classes:
            for base in node.bases:
                self._relate(node, of_item.get(getattr(base, "item", None)))
        for tree in trees.values():
            self._given_elsewhere(tree)

    def _relate(self, node, base):
        if base is None:
            self.foreign |= self.attributes[node]
        else:
            both = self.attributes[base]
            both |= self.attributes[node]
            self.attributes = {n: both if a is self.attributes[node] else a
                               for n, a in self.attributes.items()}  # fmt: skip

    def _given_elsewhere(self, tree):
        # All that one function does to one object tells its class, if there is one that fits.
        for function in ast.walk(tree):
            if not isinstance(function, FUNCTIONS):
                continue
            reached, given = defaultdict(set), defaultdict(set)
            for node in ast.walk(function):
                if isinstance(node, ast.Attribute):
                    place = ast.unparse(node.value)
                    reached[place].add(node.attr)
                    if isinstance(node.ctx, ast.Store):
                        given[place].add(node.attr)
            for place, names in given.items():
                if not any(reached[place] <= known for known in self.attributes.values()):
                    self.homeless |= names

    def of(self, name):
        """Classes whose objects may have this attribute."""
        if name in self.homeless:
            return list(self.attributes)
        return [owner for owner, names in self.attributes.items() if name in names]


def _is_class(node):
    return isinstance(node, ast.ClassDef)


def _given_by_self(methods):
    found = set()
    for method in methods:
        if isinstance(method, FUNCTIONS) and params(method):
            me = params(method)[0].item
            for each in ast.walk(method):
                given = isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store)
                if given and getattr(each.value, "item", None) is me:
                    found.add(each.attr)
    return found


class Uses:
    """Where names stand, once parameters have theirs.

    `files`: Global -> files; `count`: item or identifier -> how often; `hidden`: Global -> names
    that a function around a use of it binds; `in_body`: class -> items that its body reads from
    outside; `attribute_files`: identifier -> files; `standing`: file -> identifiers that stay.
    """

    def __init__(self, trees, renamed):
        self.files = defaultdict(set)
        self.count = Counter()
        self.hidden = defaultdict(set)
        self.in_body = defaultdict(set)
        self.attribute_files = defaultdict(set)
        self.standing = defaultdict(set)
        self.renamed = renamed
        for file, tree in trees.items():
            self.file = file
            self._each(tree, (), None)

    def _each(self, node, around, body):
        for each in ast.iter_child_nodes(node):
            self._one(each, around, body)
            if isinstance(each, FUNCTIONS):
                outside = [*getattr(each, "decorator_list", ()), *each.args.defaults]
                outside += [default for default in each.args.kw_defaults if default]
                for part in outside:
                    self._one(part, around, body)
                    self._each(part, around, body)
                self._each(each, (*around, each), None)
            else:
                self._each(each, around, each if isinstance(each, ast.ClassDef) else body)

    def _one(self, node, around, body):
        if isinstance(node, ast.alias):
            for item in (node.item, getattr(node, "source", None)):
                self._item(item, around, body)
        elif isinstance(node, ast.Global):
            for item in node.items:
                self._item(item, around, body)
        elif isinstance(node, ast.Attribute) and not isinstance(node.item, Global):
            self._attribute(node.attr)
        elif isinstance(node, ast.keyword) and node.arg:
            self.standing[self.file].add(node.arg)
        elif isinstance(node, ast.arg):
            if node.item.fixed:
                self.standing[self.file].add(node.item.final)
        elif hasattr(node, "item"):
            if node.item is None:
                self._attribute(getattr(node, "id", "") or node.name)
            self._item(node.item, around, body)

    def _attribute(self, name):
        self.count[name] += 1
        self.attribute_files[name].add(self.file)
        if name not in self.renamed:
            self.standing[self.file].add(name)

    def _item(self, item, around, body):
        if body is not None and isinstance(item, Builtin | Global):
            self.in_body[body].add(item)
        if isinstance(item, Global):
            self.files[item].add(self.file)
            self.count[item] += 1
            if item.fixed:
                self.standing[self.file].add(item.final or item.name)
            for function in around:
                self.hidden[item].update(arg.item.final for arg in params(function))

"""Short names for all that is no contract, and as few different ones as possible.

A name costs a board about 12 bytes of heap and its length, once, however often it is used and for
what. So names are shared: two attributes may have one name if no class has both, a global may have
that of an attribute, and parameters are named by their place. First come the names that every
firmware holds anyway, then those of the contract, which are there already, then letters.

Never given: names asked for by a text, names of modules (importing one sets an attribute of its
package), and to a global what a function or class around its use binds.
"""

import ast
import builtins
import itertools
import keyword
import string
from collections import defaultdict

from tools.build import mpy
from tools.build.scopes import FUNCTIONS, Builtin, params
from tools.build.sources import BuildError
from tools.build.usage import Groups, Uses

PARAMETERS = ("self", "key", "index", "value", "end", "args", "sep", "count", "start", "keys")


class Names:
    """Decides the names: `attributes` maps identifiers to short ones, each Global, and each Local
    that is a parameter, gets its own as `final`."""

    def __init__(self, program, trees, kept):
        self.trees = trees
        self.kept = kept
        self.groups = Groups(trees)
        self.renamed = private(self.groups, kept)
        self.banned = {part for name in program.modules for part in name.split(".")}
        self.banned |= kept.texts | {
            item.name for names in program.globals.values() for item in names.values() if item.fixed
        }
        self.attributes = {}
        for tree in trees.values():
            self._functions(tree, False, False)
        self.uses = Uses(trees, self.renamed)
        self._globals()
        self._attributes()

    # Parameters: of contracts their own, of others the name of their place.

    def _functions(self, tree, nested, public_class):
        for node in ast.iter_child_nodes(tree):
            if isinstance(node, FUNCTIONS):
                self._function(node, nested, public_class)
                self._functions(node, True, False)
            elif isinstance(node, ast.ClassDef):
                self._functions(node, nested, getattr(node.item, "fixed", False))
            else:
                self._functions(node, nested, public_class)

    def _function(self, node, nested, public_class):
        allowed = self.kept.called
        if self._public(node, public_class):
            allowed = self.kept.keywords
        named = [arg for arg in params(node) if arg not in (node.args.vararg, node.args.kwarg)]
        stay = [arg for arg in named if arg.arg in allowed]
        for arg in stay:
            arg.item.final, arg.item.fixed = arg.arg, True
        free = (name for name in PARAMETERS if name not in {arg.arg for arg in stay})
        for arg in named:
            if arg not in stay and not nested:
                arg.item.final = next(free, "")

    def _public(self, node, public_class):
        if isinstance(node, ast.Lambda):
            return False
        if hasattr(node, "contract"):  # what a stub hands on
            return True
        if node.item is None:
            return node.name in self.kept.documented or (public_class and _dunder(node.name))
        return getattr(node.item, "fixed", False)

    # Globals: different within each file they stand in.

    def _globals(self):
        taken = defaultdict(set)  # file -> names
        wanted = []
        for item in self.uses.files:
            if item.fixed:
                item.final = item.final or item.name
                if item.final in self.uses.hidden[item]:
                    raise BuildError(
                        f"{item.module}: {item.name} is public, and so is a parameter of that name "
                        "of a function that uses it; give one another name"
                    )
            else:
                wanted.append(item)
        never = set(PARAMETERS) | set(dir(builtins))
        for item in sorted(wanted, key=lambda each: -self.uses.count[each]):
            files = self.uses.files[item]
            bad = never.union(self.uses.hidden[item], *(taken[file] for file in files))
            item.final = next(name for name in self._pool(files) if name not in bad)
            for file in files:
                taken[file].add(item.final)

    # Attributes: different within each class that has them.

    def _attributes(self):
        taken = defaultdict(set)  # class -> names
        for owner, names in self.groups.attributes.items():
            taken[owner] |= names - self.renamed
            for item in self.uses.in_body[owner]:
                taken[owner].add(item.name if isinstance(item, Builtin) else item.final)
        for name in sorted(self.renamed, key=self._rank):
            owners = self.groups.of(name)
            bad = set().union(*(taken[owner] for owner in owners))
            pool = self._pool(self.uses.attribute_files[name])
            self.attributes[name] = next(short for short in pool if short not in bad)
            for owner in owners:
                taken[owner].add(self.attributes[name])

    def _rank(self, name):
        # First what stands in the way of most, then what is used most.
        return -len(self.groups.of(name)), -self.uses.count[name], name

    def _pool(self, files):
        mine = any(file.split(".")[0] == "mqtt" for file in files)
        loaded = ("mqtt",) if mine else ("mqtt", "node.app")
        paid = sorted(set().union(*(self.uses.standing[file] for file in loaded)))
        for name in itertools.chain(mpy.interned(), paid, _letters()):
            if name and name not in self.banned and not _dunder(name):
                yield name


def private(groups, kept):
    """Identifiers of attributes that are no contract."""
    own = set().union(*groups.attributes.values(), groups.homeless)
    own -= kept.attributes | groups.foreign
    return {name for name in own if not _dunder(name)}


def _dunder(name):
    return name.startswith("__") and name.endswith("__")


def _letters():
    for size in (1, 2):
        for letters in itertools.product(string.ascii_lowercase, repeat=size):
            name = "".join(letters)
            if not keyword.iskeyword(name):
                yield name

"""Reads a traceback of a built node, or the crash in its health: says what the names stand for.

A short name may stand for several things; all are told, most likely one of them fits.
"""

import re

PLACE = re.compile(r'File "([\w.]+)".*, in (\w+)|"([\w.]+) in (\w+): ')
MISSING = re.compile(r"('(\w+)' object has no attribute )'(\w+)'")


def explain(text, legends):
    """The text with the meanings put behind the names. `legends`: what names.json holds."""
    return "\n".join(_line(line, legends) for line in text.splitlines())


def _line(line, legends):
    found = PLACE.search(line)
    if found:
        functions = legends.get(found[1] or found[3], {}).get("functions", {})
        line += _meanings(functions.get(found[2] or found[4]))
    found = MISSING.search(line)
    if not found:
        return line
    kinds, names = set(), set()
    for legend in legends.values():
        kinds.update(legend["functions"].get(found[2], ()))
        names.update(legend["attributes"].get(found[3], ()))
    kinds = {kind for kind in kinds if kind[0].isupper() or kind[:2] == "__" or kind[1:2].isupper()}
    return f"{line}{_meanings(kinds)}{_meanings(names)}"


def _meanings(names):
    return f"   [{' or '.join(sorted(names))}]" if names else ""

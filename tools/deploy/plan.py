"""Decides what has to change on a board. Knows no board: lists in, lists out.

The change itself is made in two parts. First everything new is written into a folder of its own,
where it harms nothing. Then one rename puts a script in the place of boot.py, and that script
moves the files, at once or at the next start; its last act is to put the real boot.py in its own
place. So before that rename the old node starts, after it the new one, whenever the power fails.
"""

import hashlib
from dataclasses import dataclass

FOLDER = "deploy.new"
MARK = "# deploy: files are being exchanged"
OURS = ("mqtt", "node")  # packages of lib/ that belong to deploy, whatever is in them
MARGIN = 12  # blocks: metadata of the file system, and what it copies when it writes

SCRIPT = """{mark}
# Moves the files that wait in {folder}, at every start until it is done; then the new boot.py
# takes the place of this one.
import os


def _do(act, *names):
    try:
        act(*names)
    except OSError:  # done already, before the power failed
        pass


for name in {remove!r}:
    _do(os.remove, name)
for name in {rmdir!r}:
    _do(os.rmdir, name)
for name in {mkdir!r}:
    _do(os.mkdir, name)
for number, name in enumerate({move!r}):
    _do(os.rename, "{folder}/%d" % number, name)


def _done():
    try:
        if os.listdir("{folder}") != ["boot.py"]:
            return False
        os.rename("{folder}/boot.py", "boot.py")
    except OSError:
        return False
    _do(os.rmdir, "{folder}")
    return True


if _done():
    print("0 I deploy: the new files are in place")
    execfile("boot.py")
else:
    print("0 E deploy: some files could not be moved; deploy again")
"""


@dataclass
class Plan:
    """changed: files to copy, path -> bytes. same: how many are there already. remove: stale
    files; rmdir: stale folders, inner ones first; mkdir: missing ones, outer ones first."""

    changed: dict
    same: int
    remove: list
    rmdir: list
    mkdir: list

    def __bool__(self):
        """True if there is anything to do."""
        return bool(self.changed or self.remove or self.rmdir)

    def staged(self):
        """The files that move, in the order of their numbers in the folder; boot.py is the one
        that moves last, under its own name."""
        return [path for path in sorted(self.changed) if path != "boot.py"]

    def script(self):
        """The script that takes the place of boot.py, as bytes."""
        return SCRIPT.format(
            mark=MARK,
            folder=FOLDER,
            remove=tuple(self.remove),
            rmdir=tuple(self.rmdir),
            mkdir=tuple(self.mkdir),
            move=tuple(self.staged()),
        ).encode()

    def blocks(self, block, boot):
        """Blocks of `block` bytes that must be free; `boot`: bytes of boot.py."""
        sizes = [len(self.changed[path]) for path in self.staged()]
        sizes += [boot, len(self.script())]
        return sum(-(-size // block) for size in sizes) + 2 * (1 + len(self.mkdir)) + MARGIN


def make(listing, want):
    """listing: [(path, SHA-256, or None for a folder)] of the board; want: path -> bytes."""
    files = {path: digest for path, digest in listing if digest}
    folders = {path for path, digest in listing if not digest}
    changed = {path: data for path, data in want.items() if files.get(path) != sha256(data)}
    needed = {parent for path in want for parent in parents(path)}
    return Plan(
        changed=changed,
        same=len(want) - len(changed),
        remove=sorted(path for path in files if path not in want and owned(path)),
        rmdir=sorted((path for path in folders - needed if owned(path)), reverse=True),
        mkdir=sorted(needed - folders),
    )


def whole(want, block):
    """Bytes that must be free to put all of `want`, and a config.json, on a board."""
    todo = make([], {"config.json": b"{}", **want})
    return todo.blocks(block, len(want["boot.py"])) * block


def owned(path):
    """True for what deploy may remove: all of its packages, as folders or as single modules."""
    top, _, rest = path.partition("/")
    return top == "lib" and stem(rest.split("/")[0]) in OURS


def shadows(names):
    """Of the names in the root, those that would be imported in place of lib/'s packages."""
    return sorted(name for name in names if stem(name) in OURS and "." not in name[:1])


def stem(name):
    return name.rsplit(".", 1)[0] if name.endswith((".py", ".mpy")) else name


def parents(path):
    """Every folder that `path` lies in: lib, lib/node, ..."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def sha256(data):
    return hashlib.sha256(data).hexdigest()

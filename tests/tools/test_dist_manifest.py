"""firmware/manifest.py names all of the node and nothing else, by the rules of MicroPython's
tools/manifestfile.py: a path is relative to its manifest, variables are $(NAME), a second
metadata() at one level is an error, and each kind of call takes its own kind of file.
"""

import os
import shutil

import pytest

from tests.tools.board import ROOT
from tools.build.layout import NOT_ON_A_BOARD

MANIFEST = "firmware/manifest.py"
PORT = 'freeze("$(PORT_DIR)/modules")\n'


class Options:
    def __init__(self, given):
        self._given, self._defaults = given, {}

    def defaults(self, **values):
        self._defaults = values

    def __getattr__(self, name):
        return self._given.get(name, self._defaults.get(name))


class Manifest:
    """Runs a manifest as the build of a firmware does. `frozen`: path in the firmware -> file."""

    def __init__(self, path, **given):
        self.frozen = {}
        self.described = 0
        self.seen = set()
        self.variables = {"PORT_DIR": os.fspath(path.parents[1] / "port")}
        self.include(os.fspath(path), **given)

    def resolved(self, path):
        for name, value in self.variables.items():
            path = path.replace(f"$({name})", value)
        assert "$(" not in path, path
        return os.path.abspath(path)

    def include(self, path, **given):
        path = self.resolved(path)
        if path in self.seen:
            return
        self.seen.add(path)
        calls = (self.include, self.package, self.metadata, self.freeze, self.freeze_mpy)
        names = {call.__name__: call for call in calls}
        before = os.getcwd()
        os.chdir(os.path.dirname(path))
        try:
            with open(path) as file:
                exec(compile(file.read(), path, "exec"), {**names, "options": Options(given)})
        finally:
            os.chdir(before)

    def metadata(self, **about):
        self.described += 1
        assert self.described == 1, "a second metadata() at this level"

    def package(self, name, files=None, base_path=".", opt=None):
        base = self.resolved(base_path)
        if files is None:
            self.search(base, name, (".py",))
        for file in files or ():
            self.add(base, os.path.join(name, file))

    def freeze(self, path):
        self.search(self.resolved(path), "", (".py", ".mpy"))

    def freeze_mpy(self, path):
        self.search(self.resolved(path), "", (".mpy",))

    def search(self, base, below, endings):
        assert os.path.isdir(os.path.join(base, below)), base
        for folder, _, names in os.walk(os.path.join(base, below)):
            for name in names:
                if os.path.splitext(name)[1] in endings:
                    self.add(base, os.path.relpath(os.path.join(folder, name), base))

    def add(self, base, path):
        file = os.path.join(base, path)
        assert os.path.isfile(file), f"{file} is not there"
        assert path not in self.frozen, f"{path} is frozen twice"
        self.frozen[path] = file

    def modules(self):
        """Names that can be imported."""
        stems = (os.path.splitext(path)[0].replace("/", ".") for path in self.frozen)
        return {stem.removesuffix(".__init__") for stem in stems}


@pytest.fixture
def project(tmp_path):
    """A copy of what the manifest names, with a port of MicroPython beside it, not built yet."""
    for name in ("firmware", "lib"):
        left = shutil.ignore_patterns("__pycache__", "*.mpy")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=left)
    (tmp_path / "port" / "boards").mkdir(parents=True)
    (tmp_path / "port" / "modules").mkdir()
    (tmp_path / "port" / "modules" / "_boot.py").write_text("")
    (tmp_path / "port" / "boards" / "manifest.py").write_text(PORT)
    return tmp_path


def test_the_board_build_is_frozen_whole_with_what_the_port_freezes(project, released):
    shutil.copytree(released / "lib", project / "build" / "lib")
    frozen = Manifest(project / MANIFEST).frozen
    wanted = {path.relative_to(released / "lib").as_posix() for path in released.rglob("*.mpy")}
    assert set(frozen) == wanted | {"_boot.py"}
    assert {"node/app.mpy", "mqtt/__init__.mpy"} <= wanted


def test_the_sources_can_be_frozen_and_then_no_module_of_lib_is_missed(project):
    manifest = Manifest(project / MANIFEST, sources=True)
    modules = {
        ".".join(path.relative_to(ROOT / "lib").with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "lib").rglob("*.py")
    }
    assert manifest.modules() == modules - set(NOT_ON_A_BOARD) | {"mqtt._shim", "_boot"}
    assert manifest.described == 1


def test_without_a_build_it_says_what_to_type(project):
    with pytest.raises(OSError, match="build/lib is not there: type `make build`"):
        Manifest(project / MANIFEST)


def test_the_programs_stay_files_because_a_frozen_one_would_win_over_a_deployed_one(project):
    assert not {"boot", "main"} & Manifest(project / MANIFEST, sources=True).modules()

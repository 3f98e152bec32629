"""Small programs for the tests of the board build: sources, the build, what both do."""

import textwrap

import pytest

from tests.support.runtimes import run_code
from tools.build import layout, mpy
from tools.build.__main__ import build
from tools.build.sources import BuildError


@pytest.fixture
def program(tmp_path, monkeypatch):
    """program(files, **layout): sources under lib/, their layout; then .built() and .both(code)."""
    defaults = {"FILES": {"app": ("app",)}, "ALONE": (), "LAZY": {}, "NOT_ON_A_BOARD": ()}
    defaults |= {"PAGES": (), "PROGRAMS": (), "ENTRIES": {}, "SEAMS": (), "OBSERVED": ()}
    defaults |= {"COMPUTED": {}, "FORGOTTEN": (), "SET_UP": {}, "OWN_WORDS": {}, "OBJECTS": ()}

    def make(files, **changes):
        for name, value in (defaults | changes).items():
            monkeypatch.setattr(layout, name, value)
        for name, text in files.items():
            path = tmp_path / "lib" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        return Program(tmp_path)

    return make


class Program:
    def __init__(self, folder):
        self.lib = folder / "lib"
        self.out = folder / "build" / "lib"

    def built(self):
        return build(self.out, self.lib, self.lib.parent)

    def refusal(self):
        with pytest.raises(BuildError) as caught:
            self.built()
        return str(caught.value)

    def both(self, code):
        """What `code` prints over the sources on CPython and over the built files, which is the
        same, on both MicroPythons."""
        self.built()
        wanted = run_code("cpython", code, [self.lib])
        assert wanted.code == 0, wanted.output
        for runtime in ("unix", "wasm"):
            found = run_code(runtime, code, [self.out])
            assert (found.code, found.output) == (0, wanted.output), found.output
        return wanted.output.split()

    def names(self, file):
        return set(mpy.texts((self.out / file).read_bytes()))

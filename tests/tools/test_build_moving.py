"""The board build puts code for the set-up into files that are forgotten: what it does stays."""

import json

import pytest

from tests.support.runtimes import run_code

LAYOUT = {
    "FILES": {"app": ("app",)},
    "FORGOTTEN": ("app.checks",),
    "SET_UP": {"app.checks": ("app.App.__init__", "app.App.add")},
    "PROGRAMS": ("use.py",),
}
FILES = {
    "app/__init__.py": """
        from app.shapes import Square, ticking
        import math

        _run = next

        class App:
            def __init__(self, size, *more, name="none", factor=2):
                from app import checks

                checks.positive(size)
                self.square = Square(size, factor)
                self.squares = [Square(each, factor=1) for each in more]
                self.name = name
                self.height = math.floor(size + 0.5)
                self.handlers = [_handler]
                self._fill(4)
                self.clock = _started(self)

            def add(self, number, times=1):
                "Into the sum. Checks, and says how it was."
                from app.checks import positive, APART

                if positive(number) and number == APART:
                    return "apart"
                self._fill(number * times)
                return _doubled(number)

            def _fill(self, number):
                self.square.fill(number)
                if number > 100:
                    return
                self.name = self.name + "."

            def area(self):
                total = self.square.area() + sum([each.area() for each in self.squares])
                return self.name, self.height, total, self.handlers[0](2), _run(self.clock)

        def _doubled(number):
            return number * 2

        def _handler(number):
            return number + 1

        def _started(app):
            made = ticking(app)
            _run(made)
            return made
        """,
    "app/shapes.py": """
        class Square:
            def __init__(self, size, factor):
                self.size = size * factor
                self.filled = 0
                if size > 50:
                    return
                self.small = True

            def fill(self, number):
                self.filled += number

            def area(self):
                return self.size * self.size + self.filled

        def ticking(app):
            ticks = 0
            while True:
                yield ticks
                ticks += 1
        """,
    "app/checks.py": """
        APART = 77

        def positive(number):
            if number <= 0:
                raise ValueError("%d; must be above 0" % number)
            return True
        """,
}
RUN = """
import sys
from app import App

def forget():
    import app
    if "app.checks" in sys.modules:
        del sys.modules["app.checks"], app.checks

def use():
    app = App(3, 4, 60, name="x", factor=5)
    print(app.area(), app.add(7), app.add(77), app.add(number=8, times=20), app.area())
    print(App(1).area())
    try:
        app.add(-1)
    except ValueError as error:
        print(error)
    return app

app = use()
forget()
print(app.area(), "app.checks" in sys.modules)
print(app.add(5, times=2), app.area(), "app.checks" in sys.modules)
forget()
use()
"""


@pytest.fixture
def moved(program):
    made = program(FILES, **LAYOUT)
    (made.lib.parent / "use.py").write_text(RUN)
    return made


def functions(made, file):
    legends = json.loads((made.out.parent / "names.json").read_text())
    return " ".join(each for names in legends[file]["functions"].values() for each in names)


def test_what_was_moved_does_the_same_and_is_loaded_again_after_it_was_forgotten(moved):
    assert len(moved.both(RUN)) > 20


def test_what_only_the_set_up_uses_goes_with_it_and_what_outlives_it_stays(moved):
    moved.built()
    there = functions(moved, "app.checks")
    for name in ("App.__init__", "App.add", "App._fill", "Square.__init__", "_started", "_doubled"):
        assert name in there
    here = functions(moved, "app")
    for name in ("_handler", "ticking"):
        assert name in here and name not in there
    assert "_fill" not in here and "_doubled" not in here


GENERATOR = {
    "app/__init__.py": """
        _run = next

        class App:
            def __init__(self, size):
                self.steps = _counting(self)
                self.size = size + _run(self.steps)
                self.more = next(self.steps) * 2 + self.size * 3

        def _counting(app):
            k = 0
            while True:
                yield k
                k += 1
        """,
    "app/late.py": "def far():\n    return bytearray(40000)\n\nroom = far()\n",
}


def test_a_generator_that_stays_does_not_keep_what_began_it_in_memory(program):
    table = {"app.late": ("app.App.__init__",)}
    entries = {"app": ("App",), "app.late": ("far", "room")}
    made = program(GENERATOR, FORGOTTEN=("app.late",), SET_UP=table, ENTRIES=entries)
    made.built()
    assert "App.__init__" in functions(made, "app.late")
    code = (
        "import gc, sys\nfrom app import App\n"
        "gc.collect()\nempty = gc.mem_alloc()\n"
        "app = App(5)\nfrom app import late\nassert len(late.room) == 40000\n"
        "del sys.modules['app.late'], sys.modules['app'].late, late\f"
        "gc.collect()\nprint(gc.mem_alloc() - empty < 20000)"
    )
    found = run_code("wasm", code, [made.out])
    assert (found.code, found.output) == (0, "True\n")


def test_what_two_files_use_stays_where_both_find_it(program):
    files = {
        "app/__init__.py": """
            class Thing:
                def __init__(self, size):
                    self.size = _twice(size)

            def _twice(number):
                if number:
                    number += number
                return number
            """,
        "app/one.py": "from app import Thing\n\ndef go():\n    return Thing(1).size\n",
        "app/two.py": "from app import Thing\n\ndef go():\n    return Thing(2).size\n",
    }
    entries = {"app.one": ("go",), "app.two": ("go",)}
    made = program(files, FORGOTTEN=("app.one", "app.two"), ENTRIES=entries)
    code = "from app import one, two\nprint(one.go(), two.go())"
    assert made.both(code) == ["2", "4"]
    assert "__init__" in functions(made, "app")


def test_a_body_no_larger_than_its_stub_stays(program):
    files = {
        "app/__init__.py": "class App:\n    def go(self):\n        return 1\n",
        "app/late.py": "def far():\n    return 2\n",
    }
    table = {"app.late": ("app.App.go",)}
    made = program(files, FORGOTTEN=("app.late",), SET_UP=table, PROGRAMS=("use.py",))
    code = "import sys\nfrom app import App\nprint(App().go(), 'app.late' in sys.modules)"
    (made.lib.parent / "use.py").write_text(f"{code}\nfrom app.late import far")
    assert made.both(code) == ["1", "False"]


REFUSED = {
    "nothing of that name": ("def go():\n    return 1\n", "no app.App.go in the build"),
    "a generator": ("class App:\n    def go(self):\n        yield 1\n", "generator"),
    "a function within": (
        "class App:\n    def go(self):\n        return lambda: self\n",
        "may outlive the call",
    ),
    "super": (
        "class Base:\n    pass\n\nclass App(Base):\n    def go(self):\n"
        "        return super().go()\n",
        "name the base class",
    ),
    "a global": (
        "x = 1\n\nclass App:\n    def go(self):\n        global x\n        x += 1\n",
        "global that functions bind",
    ),
    "one that reads such a global": (
        "x = 1\n\ndef more():\n    global x\n    x += 1\n\n"
        "class App:\n    def go(self):\n        return more() or x\n",
        "global that functions bind",
    ),
    "a decorator": (
        "class App:\n    @property\n    def go(self):\n        return 1\n",
        "decorator",
    ),
    "a default": (
        "x = [1]\n\nclass App:\n    def go(self, y=x):\n        return y\n",
        "no constant",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_moved_is_refused_with_the_table_to_mend(program, what):
    code, wanted = REFUSED[what]
    files = {"app/__init__.py": code, "app/late.py": "def far():\n    return 2\n"}
    table = {"app.late": ("app.App.go",)}
    made = program(files, FORGOTTEN=("app.late",), SET_UP=table, ENTRIES={"app": ("App",)})
    text = made.refusal()
    assert wanted in text
    assert "tools/build/layout.py" in text and "SET_UP" in text


def test_a_public_name_that_a_public_parameter_hides_is_refused(program):
    files = {
        "app/__init__.py": """
            class App:
                def go(self, topic):
                    from app import late

                    return late.topic(topic) + late.topic(topic) + late.topic(topic)
            """,
        "app/late.py": "def topic(text):\n    return text + text\n",
    }
    made = program(
        files,
        FORGOTTEN=("app.late",),
        SET_UP={"app.late": ("app.App.go",)},
        ENTRIES={"app": ("App",), "app.late": ("topic",)},
        PAGES=("page.md",),
    )
    (made.lib.parent / "page.md").write_text("`App().go(topic=b'x')`")
    assert "topic is public, and so is a parameter" in made.refusal()

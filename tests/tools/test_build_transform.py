"""The board build on small programs: the built files do what the sources do."""

from tools.build import mpy
from tools.build.explain import explain

PACKAGE = {
    "app/__init__.py": """
        from app import shapes
        from app.tools import LIMIT, _half as halve
        from app.shapes import Square
        import sys

        class App:
            '''Documented.'''
            def __init__(self, size: int):
                self.square = Square(size)
                self.total = shapes.ZERO
                self._names = [name for name in ("a", "b")]

            def run(self):
                for k in range(LIMIT):
                    self.total += halve(self.square.area(k))
                with self.square as inside:
                    try:
                        inside.missing
                    except AttributeError as problem:
                        self.total += shapes.count(problem)
                return self.total, self._names, self._late()

            def _late(self):
                from app.late import late, _deep
                from app import late as module

                return late(1) + module.late(2) + _deep()
        """,
    "app/shapes.py": """
        from app.tools import _half, LIMIT

        ZERO = 0
        _counted = 0
        _FACTOR = 1 << 2
        _WORDS = (b"one", "two", (3, -1))

        def count(_):
            global _counted
            _counted += _FACTOR
            return _counted + len(_WORDS[0])

        class _Shape:
            sides = 0
            limit = LIMIT

            def describe(self, prefix="shape", *rest, **more):
                return prefix, self.sides, rest, sorted(more)

        class Square(_Shape):
            sides = 4
            corners = property(lambda self: self.sides + self.limit)

            def __init__(self, size):
                self._size = size
                self.entered = False

            def area(self, factor):
                _half = [self._size for _ in range(factor + 1)]
                return sum(each * self._scaled(factor) for each in _half)

            def _scaled(self, factor):
                def inner(more):
                    nonlocal factor
                    factor += more
                    return factor * self._size + self.corners

                return inner(1) + len(self.describe("x", 1, size=2)[2])

            def __enter__(self):
                self.entered = True
                return self

            def __exit__(self, kind, error, trace):
                self.entered = False
        """,
    "app/tools.py": """
        LIMIT = 3

        def _half(number):
            return number // 2

        def unread():
            return 'nobody calls this'
        """,
    "app/late.py": """
        from app.tools import LIMIT
        from app.shapes import _Shape

        def late(n):
            return n + LIMIT + _Shape().sides

        def _deep():
            return len(_Shape().describe(prefix="y"))
        """,
}
RUN = "from app import App\napp = App(5)\nprint(app.run())\nprint(app.run())"


def test_a_built_package_does_what_its_sources_do(program):
    made = program(PACKAGE, PROGRAMS=("use.py",))
    (made.lib.parent / "use.py").write_text(RUN)
    assert len(made.both(RUN)) > 4


def test_modules_of_a_file_are_merged_and_the_late_one_stays_apart(program):
    made = program(PACKAGE, PROGRAMS=("use.py",))
    (made.lib.parent / "use.py").write_text(RUN)
    assert set(made.built()) == {"app", "app.late"}
    assert sorted(path.name for path in (made.out / "app").iterdir()) == [
        "__init__.mpy",
        "late.mpy",
    ]


def test_private_names_are_gone_and_public_ones_are_not(program):
    made = program(PACKAGE, PROGRAMS=("use.py",))
    (made.lib.parent / "use.py").write_text(RUN)
    made.built()
    names = made.names("app/__init__.mpy")
    assert {"App", "run"} <= names or {"App"} <= names and "run" in mpy.interned()
    private = {"_half", "_counted", "entered", "area", "_scaled", "Square", "total", "unread"}
    assert not names & (private | {"LIMIT", "ZERO", "_FACTOR", "Documented."})


def test_a_public_name_of_a_merged_module_can_be_imported_from_its_own_path(program):
    made = program(PACKAGE, ENTRIES={"app.shapes": ("count",), "app": ("App",)})
    assert made.both("from app.shapes import count\nprint(count(0), count(0))") == ["7", "11"]


def test_a_global_is_not_hidden_by_a_public_parameter_of_the_same_short_name(program):
    # Each function reads every private global from inside a public method with many parameters.
    pool = [name for name in mpy.interned() if name.islower()][:60]
    functions = "\n".join(f"def _f{k}(x):\n    return x + {k}" for k in range(60))
    calls = " + ".join(f"_f{k}({name})" for k, name in enumerate(pool))
    files = {
        "app.py": f"{functions}\n\nclass App:\n    def go(self, {', '.join(pool)}):\n"
        f"        return {calls}\n"
    }
    made = program(files, PAGES=("page.md",), ENTRIES={"app": ("App",)})
    (made.lib.parent / "page.md").write_text(f"`App`, `go({', '.join(pool)})`")
    arguments = ", ".join(f"{name}={k}" for k, name in enumerate(pool))
    assert made.both(f"from app import App\nprint(App().go({arguments}))") == ["3540"]


def test_attributes_of_one_class_and_its_relatives_never_share_a_name(program):
    count = 40
    fields = "\n".join(f"        self.base{k} = {k}" for k in range(count))
    more = "\n".join(f"        self.own{k} = {k + count}" for k in range(count))
    total = " + ".join(f"self.base{k} + self.own{k}" for k in range(count))
    files = {
        "app.py": f"class _Base:\n    def __init__(self):\n{fields}\n"
        f"class _Mixed:\n    def fill(self):\n{more}\n"
        f"class _Sub(_Base, _Mixed):\n    def all(self):\n        return {total}\n"
        "def go():\n    sub = _Sub()\n    sub.fill()\n    return sub.all()\n"
    }
    made = program(files, ENTRIES={"app": ("go",)})
    assert made.both("from app import go\nprint(go())") == ["3160"]


def test_an_attribute_given_from_outside_shares_its_name_with_no_other(program):
    files = {
        "app.py": """
            class _Bag:
                def __init__(self):
                    self.first = 1

            class _Other:
                def __init__(self):
                    self.second = 0

            def go():
                bag = _Bag()
                bag.second = 2
                return bag.first, bag.second, _Other().second
            """
    }
    made = program(files, ENTRIES={"app": ("go",)})
    assert made.both("from app import go\nprint(*go())") == ["1", "2", "0"]


def test_no_short_name_is_that_of_a_public_attribute_of_the_class(program):
    public = [name for name in mpy.interned() if name.islower()]
    fields = "\n".join(f"        self.{name} = {k}" for k, name in enumerate(public))
    total = " + ".join(f"self.{name}" for name in public)
    files = {
        "app.py": f"class _Thing:\n    def __init__(self):\n{fields}\n"
        f"        self.own = 1000000\n    def total(self):\n        return self.own + {total}\n"
        "def go():\n    return _Thing().total()\n"
    }
    made = program(files, ENTRIES={"app": ("go",)}, PAGES=("page.md",))
    (made.lib.parent / "page.md").write_text(" ".join(f"`{name}`" for name in public))
    wanted = 1000000 + sum(range(len(public)))
    assert made.both("from app import go\nprint(go())") == [str(wanted)]


def test_a_class_body_reads_the_globals_and_builtins_around_it(program):
    fields = "\n".join(f"    field{k} = {k}" for k in range(60))
    more = "\n".join(f"    more{k} = _make({k}) + abs(-1) + sum((1, 2))" for k in range(3))
    total = " + ".join(f"self.field{k}" for k in range(60))
    files = {
        "app.py": f"def _make(k):\n    return k\n\nclass _Thing:\n{fields}\n{more}\n"
        f"    def total(self):\n        return {total} + self.more0 + self.more1 + self.more2\n"
        "def go():\n    return _Thing().total()\n"
    }
    made = program(files, ENTRIES={"app": ("go",)})
    assert made.both("from app import go\nprint(go())") == [str(sum(range(60)) + 15)]


def test_what_a_text_asks_for_keeps_its_name(program):
    files = {
        "app.py": """
            class _Thing:
                def start_motor(self):
                    return 1

                def __getattr__(self, name):
                    if name == "computed":
                        return 7
                    raise AttributeError(name)

            def go():
                thing = _Thing()
                return hasattr(thing, "start_motor"), hasattr(thing, "append"), thing.computed

            class _Other:
                def __init__(self):
                    self.computed = 0
            """
    }
    made = program(files, ENTRIES={"app": ("go",)})
    assert made.both("from app import go\nprint(*go())") == ["True", "False", "7"]


def test_a_number_of_a_package_is_looked_up_when_it_is_asked_for(program):
    files = {
        "app/__init__.py": "from app.numbers import *\nfrom app.use import double\n",
        "app/numbers.py": "ONE = 1\nMINUS = -1000\n_HIDDEN = 7\n",
        "app/use.py": "from app.numbers import ONE\n\ndef double(x):\n    return x * 2 * ONE\n",
        "app/other.py": "def far():\n    return 9\n",
    }
    entries = {"app": ("double",), "app.other": ("far",)}
    made = program(files, LAZY={"app": "app.numbers"}, ENTRIES=entries)
    code = (
        "import app, sys\nfrom app import MINUS\nfrom app import other\n"
        "print(app.ONE, MINUS, app.ONE, app.double(3), other.far(), 'app._codes' in sys.modules)"
    )
    assert made.both(code) == ["1", "-1000", "1", "6", "9", "False"]
    assert made.both("try:\n    from app import none\nexcept ImportError:\n    print('no')") == [
        "no"
    ]
    assert not made.names("app/__init__.mpy") & {"ONE", "MINUS"}


def test_a_file_with_more_names_than_one_byte_counts_works_too(program):
    functions = "\n".join(
        f"class C{k}:\n    def __init__(self):\n        self.publicly_named_{k} = {k}\n"
        for k in range(150)
    )
    total = " + ".join(f"C{k}().publicly_named_{k}" for k in range(150))
    total += " + C149().publicly_named_149" * 20
    page = " ".join(f"`publicly_named_{k}`" for k in range(150))
    made = program(
        {"app.py": f"{functions}\ndef go():\n    return {total}\n"},
        ENTRIES={"app": ("go",)},
        PAGES=("page.md",),
    )
    (made.lib.parent / "page.md").write_text(page)
    assert made.both("from app import go\nprint(go())") == [str(sum(range(150)) + 20 * 149)]
    # What is named most has a number of one byte.
    assert "publicly_named_149" in mpy.texts((made.out / "app.mpy").read_bytes())[:10]


def test_the_short_form_of_a_crash_in_health_is_explained():
    legends = {"node.app": {"functions": {"Q": ["run"]}, "attributes": {}}}
    text = '{"boots":4,"crash":"node.app in Q: OSError: 5"}'
    assert explain(text, legends) == text + "   [run]"


def test_a_traceback_is_explained():
    legends = {
        "mqtt": {
            "functions": {"append": ["Client._step", "_fault"], "pop": ["_Guard"]},
            "attributes": {"copy": ["outbox"]},
        }
    }
    text = explain(
        'Traceback:\n  File "mqtt", line 1, in append\n  File "x.py", line 3, in append\n'
        "AttributeError: 'pop' object has no attribute 'copy'",
        legends,
    )
    assert text.splitlines() == [
        "Traceback:",
        '  File "mqtt", line 1, in append   [Client._step or _fault]',
        '  File "x.py", line 3, in append',
        "AttributeError: 'pop' object has no attribute 'copy'   [_Guard]   [outbox]",
    ]


def test_a_word_of_the_pages_that_a_package_uses_otherwise_is_shortened(program):
    files = {
        "app/__init__.py": """
            from app.shown import total

            class App:
                def __init__(self):
                    self.slots = 1

                def entry(self):
                    return self.slots + total(self)

                def run(self):
                    return self.entry() + total(self)
            """,
        "app/shown.py": "def total(app):\n    return 2 + app.slots\n",
    }
    made = program(
        files,
        ENTRIES={"app": ("App",)},
        PAGES=("page.md",),
        OWN_WORDS={"app": ("slots", "entry")},
        OBJECTS=("app.shown",),
    )
    (made.lib.parent / "page.md").write_text("`slots`, `entry`, `app.shown.total`, `App().run()`")
    assert made.both("from app import App\nprint(App().run())") == ["7"]
    assert not made.names("app/__init__.mpy") & {"slots", "entry", "total"}
    assert set(made.built()) == {"app"}


def test_large_numbers_are_kept_once_and_are_small_ints_on_a_board(program):
    numbers = [0x3FFFFFFF, -0x40000000, 0x20000000, 0x1FFFFFFF, -0x20000000, -0x20000001, 1 << 40]
    uses = "\n".join(f"    n = n + 1 & {0x3FFFFFFF}" for _ in range(20))
    code = f"def numbers():\n    return {numbers}\n\ndef mask(n):\n{uses}\n    return n\n"
    made = program({"app.py": code}, ENTRIES={"app": ("numbers", "mask")})
    run = (
        "import app\nprint(app.numbers(), app.mask(0x3FFFFFF0))\n"
        "try:\n    from micropython import heap_lock, heap_unlock\n"
        "except ImportError:\n    heap_lock = heap_unlock = int\n"
        "n = app.mask(1)\n"  # a name is bound before the lock: a new one would need room
        "heap_lock()\ntry:\n    n = app.mask(5)\nfinally:\n    heap_unlock()\nprint(n)"
    )
    assert made.both(run)[-1] == "25"
    assert len((made.out / "app.mpy").read_bytes()) < 20 * 9 + 120

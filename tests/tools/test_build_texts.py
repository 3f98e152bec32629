"""The board build keeps the texts of a file as long as the file: as objects or as names."""

from tests.support.runtimes import run_code
from tools.build import mpy

WHY = "a text that is longer than ten characters"
FILES = {
    "app/__init__.py": """
        WHY = ("no answer: check the wiring", "wrong checksum", 3)

        class App:
            def run(self, n):
                from app.late import told

                name = "exactly ten"
                said = [told(n), WHY[n % 2], "%d is a number of some length" % n, name]
                said.append("21.4 °C: ".encode() + ("degrees, and ä letter of two bytes").encode())
                said.append(f"{n} in the middle of a text {name}")
                said.append({"a key of more than ten": n}["a key of more than ten"])
                said.append("exactly ten" == name and name in ("exactly ten", "another text"))
                said.append(len("LONG"))
                return said
        """.replace("LONG", "x" * 300),
    "app/late.py": """
        KNOWN = {"one": 1, "two": 2}

        def told(n):
            "A docstring of the file that is forgotten."
            values = [KNOWN["one"], "%d/%d" % (n, n), "", "short", ("in", "tuple", "tuple")]
            kind = getattr(values, "count")("short")
            return values, kind, f"{n} in a text", "short" in values, "a" "b" + "c"
        """,
}
RUN = "from app import App\nfor n in range(3):\n    print(App().run(n))"


def made(program):
    built = program(FILES, PROGRAMS=("use.py",), FORGOTTEN=("app.late",))
    (built.lib.parent / "use.py").write_text(RUN)
    return built


def test_texts_are_the_same_wherever_they_are_kept(program):
    assert len(made(program).both(RUN)) > 50


def test_texts_of_a_file_that_stays_are_names_and_of_one_that_is_forgotten_are_not(program):
    built = made(program)
    built.built()
    stay, gone = built.names("app/__init__.mpy"), built.names("app/late.mpy")
    assert {"no answer: check the wiring", "wrong checksum", "exactly ten"} <= stay
    assert not any(name.startswith("zq") or len(name) > 255 for name in stay)
    assert not gone & {"one", "two", "short", "%d/%d"}


def test_the_texts_of_a_forgotten_file_are_given_back(program):
    words = [f"word {k}" for k in range(300)]
    files = {
        "app/__init__.py": "def go():\n    from app import late\n\n    return late.count()\n",
        "app/late.py": f"def count():\n    return len([{', '.join(map(repr, words))}])\n",
    }
    built = program(files, FORGOTTEN=("app.late",), ENTRIES={"app": ("go",)})
    built.built()
    code = (
        "import gc, sys, app\ngc.collect()\nbefore = gc.mem_alloc()\fassert app.go() == 300\n"
        "del sys.modules['app.late'], app.late\fgc.collect()\nprint(gc.mem_alloc() - before < 1000)"
    )
    found = run_code("wasm", code, [built.out])
    assert (found.code, found.output) == (0, "True\n")


def test_numbers_of_the_format_are_read_as_they_are_written():
    for value in (0, 1, 127, 128, 300, 16383, 16384, 1 << 21):
        assert mpy._number(mpy.number(value), 0) == (value, len(mpy.number(value)))

"""The board build puts functions that are called once into their place: the same happens, in frames
that stay small."""

import json
import re

from tools.build import inlining

INLINED = """
    class App:
        def __init__(self):
            self.log = []
            self.n = 0

        def note(self, what):
            self.log.append(what)
            return len(self.log)

        def run(self, x):
            self._order(self.note("a"), self.note("b"))
            self.n = self._early(x)
            found = self._found([4, 5, x])
            self._swap(x, x)
            self._tail_loop(x)
            total = self._sum(x, 3)
            total += 1
            for k in range(2):
                self._each(k)
            if self._is_big(x):
                self._first(x)
                self._second(x)
            elif x:
                self._third(x)
            with self:
                self._inside(x)
            self.note((self.n, found, total))
            return self._last(x)

        def _order(self, one, two):
            self.note((two, one))

        def _early(self, x):
            if x > 5:
                return 1
            if x > 3:
                x = x * 2
                if x > 9:
                    return x
            else:
                return -1
            return 0

        def _found(self, items):
            for item in items:
                if item > 4:
                    return item
            return None

        def _swap(self, a, b):
            a += 1
            self.note((a, b))
            b += 2
            self.note((a, b))

        def _tail_loop(self, n):
            while n > 0:
                n -= 1
                if n == 2:
                    self.note("two")
            self.note(n)

        def _sum(self, x, more):
            y = x
            y += more
            return y

        def _each(self, k):
            k = k + 10
            if k == 10:
                return
            self.note(k)

        def _is_big(self, x):
            return x > 4

        def _first(self, n):
            local = n + 1
            self._nested(local)
            self.note(local)

        def _nested(self, n):
            inner = n * 2
            inner += self.n
            self.note(inner)

        def _second(self, n):
            local = n + 2
            other = local * 3
            self.note((local, other))

        def _third(self, n):
            return self.note(("third", n))

        def _inside(self, x):
            if x == 1:
                raise ValueError("one")
            self.note("inside")

        def _last(self, x):
            x -= 1
            if x > 2:
                return self._deep(x)
            self.note("shallow")

        def _deep(self, x):
            x = x + self.n
            return x

        def __enter__(self):
            self.note("enter")

        def __exit__(self, kind, error, trace):
            self.note(kind is not None)
            return True


    def go(x):
        app = App()
        return app.run(x), app.log
    """


def test_functions_called_once_do_the_same_in_the_place_of_their_call(program, monkeypatch):
    monkeypatch.setattr(inlining, "MOST_WORDS", 99)
    made = program({"app.py": INLINED}, ENTRIES={"app": ("go",)})
    made.both("from app import go\nfor x in range(9):\n    print(go(x))")
    legends = json.loads((made.out.parent / "names.json").read_text())
    text = " ".join(name for names in legends["app"]["functions"].values() for name in names)
    gone = set(re.findall(r"\b_\w+", " ".join(re.findall(r"with ([^\"]*)", text))))
    assert gone >= {"_order", "_early", "_swap", "_sum", "_each", "_is_big", "_first", "_third"}
    assert gone >= {"_nested", "_second", "_inside", "_last", "_deep", "_tail_loop"}
    assert (
        "_order" in gone and "_found" not in gone
    )  # it leaves from within a loop, and is not the last


def test_no_function_gets_a_frame_that_is_taken_from_the_heap(program):
    names = [f"v{k}" for k in range(7)]
    body = "".join(f"    {name} = x + {k}\n" for k, name in enumerate(names))
    helper = "".join(f"    w{k} = y * {k}\n" for k in range(5))
    files = {
        "app.py": f"def _helper(y):\n{helper}    return w0 + w1 + w2 + w3 + w4 + y\n\n"
        f"def go(x):\n{body}    z = _helper(x)\n    return z + {' + '.join(names)}\n"
    }
    made = program(files, ENTRIES={"app": ("go",)})
    assert made.both("from app import go\nprint(go(3))") == ["75"]
    legends = json.loads((made.out.parent / "names.json").read_text())
    assert "with" not in str(legends["app"]["functions"])

"""The board build puts functions that are called once into their place: the same happens, in frames
that stay small."""

import json
import re

import pytest

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
    assert gone(made) >= {"_order", "_early", "_swap", "_sum", "_each", "_is_big", "_first"}
    assert gone(made) >= {"_nested", "_second", "_inside", "_last", "_deep", "_tail_loop"}
    assert gone(made) >= {"_third", "_found"}


SHAPES = """
    class App:
        def __init__(self):
            self.log = []
            self.n = 3

        def run(self, x):
            if self._odd(x):
                self.log.append("odd")
            elif self._many(x, self.n) > 1:
                self.log.append("many")
            found = self._middle(x)
            other = self._broken_off([1, x, 9])
            self._shut(x)
            self.log.append((found, other, self._two(1, x) + self._two(x, 2), self._twice(x)))
            again = self._middle_of_two(x), self._nested_loop(x)
            nested = self._nested_loop(x)
            self.log.append(nested)
            for each in self._all(x):
                self.log.append(each)
            return self._last(x) and self.log, again

        def _odd(self, x):
            if x < 0:
                return None
            while x > 1:
                x -= 2
                if x == 1:
                    return True
            return x

        def _many(self, x, n):
            for k in range(x):
                if k > n:
                    n = k
                    return n
            self.log.append("few")
            return 0

        def _nested_loop(self, x):
            if x != 2:
                for k in range(x):
                    if k == 3:
                        return "three"
                self.log.append("nested")
            self.log.append("after")
            return x

        def _middle(self, x):
            if x > 1:
                if x > 3:
                    return "large"
                self.log.append("middle")
            elif not x:
                return
            self.log.append("small")
            try:
                if x == 2:
                    return "two"
                self.log[x + 1000]
            except IndexError:
                if x == 1:
                    return "one"
            return self.n

        def _broken_off(self, items):
            for k in items:
                if k == 1:
                    continue
                if k == 9:
                    break
                if k == 4:
                    return k
            return 0

        def _shut(self, x):
            if x & 1:
                if x == 3:
                    return
                self.log.append("shut")
            self.log.append("end")

        def _two(self, a, b):
            return a * 10 + b

        def _twice(self, x):
            if x:
                self._small(x)
            self._small(x + 1)
            return self._deeper(x)

        def _small(self, n):
            self.log.append(n)

        def _deeper(self, x):
            inner = self._middle_of_two(x)
            return inner

        def _middle_of_two(self, x):
            if x == 4:
                return "four"
            if x == 5:
                self.n += 1
            return self.n

        def _all(self, x):
            if x == 2:
                return (1, 2)
            self.log.append("all")
            return ("a",) * x

        def _last(self, x):
            if x > 6:
                return False
            return x < 6


    def ticks(app):
        total = 0
        while True:
            yield total
            more = _more(app, total)
            total += more
            if _far(app, total):
                return


    def _more(app, total):
        a = total + 1
        b = a * 2
        c = b - a
        d = c + b
        if d > 20:
            return d
        for e in range(3):
            if e == app.n:
                return e
        return a + b + c + d


    def _far(app, total):
        return total > 1000 - app.n


    def go(x):
        app = App()
        return app.run(x), app.log, list(ticks(app))
    """


def gone(made):
    legends = json.loads((made.out.parent / "names.json").read_text())
    names = [name for names in legends["app"]["functions"].values() for name in names]
    return set(re.findall(r"\b_\w+", " ".join(name.partition(" with ")[2] for name in names)))


@pytest.mark.parametrize("words", [11, 99])
def test_early_returns_conditions_and_loops_are_put_in_too(program, monkeypatch, words):
    monkeypatch.setattr(inlining, "MOST_WORDS", words)
    made = program({"app.py": SHAPES}, ENTRIES={"app": ("go",)})
    made.both("from app import go\nfor x in range(9):\n    print(go(x))")
    there = gone(made)
    assert there >= {"_more", "_far"}  # a generator's frame is made but once
    assert "_broken_off" not in there  # what breaks out of its own loop, and returns from it
    if words > 11:
        assert there >= {"_odd", "_many", "_middle", "_shut", "_all", "_last"}


def test_a_function_of_one_line_goes_into_all_its_callers_and_a_long_one_into_none(program):
    long = "".join(f"    app.append({k} * x)\n" for k in range(12))
    uses = "".join(
        f"def use{k}(app, x):\n    _short(app, x)\n    _long(app, x)\n    return app\n\n"
        for k in range(3)
    )
    files = {
        "app.py": f"def _short(app, x):\n    app.append(x)\n\ndef _long(app, x):\n{long}\n{uses}"
        "def go():\n    return sum(use0([], 1) + use1([], 2) + use2([], 3))\n"
    }
    made = program(files, ENTRIES={"app": ("go", "use0", "use1", "use2")})
    assert made.both("from app import go\nprint(go())") == ["402"]
    assert gone(made) == {"_short"}


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

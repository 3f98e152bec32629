"""The constructs that docs/allocation.md judges, each beside what does its work without memory.

The two codes of a Construct are bodies of a function that runs again and again after `setup`, run
once, has made what they use. The page shows the code itself, or a text where that reads better.
"""

from dataclasses import dataclass

from tools.alloc.setups import (
    ARRAYS,
    BIG,
    COMMON,
    DIGITS,
    ERRORS,
    FRAMES,
    GENERATOR,
    OBJECT,
    SOCKET,
    TAPE,
    WINDOWS,
)


@dataclass(frozen=True)
class Construct:
    """`bad` takes memory somewhere, `good` nowhere. `what`, `instead`: shown in the place of the
    code. `setup` may use `port`, where a server listens; `sockets`: only a build that has them."""

    bad: str
    good: str
    setup: str = ""
    what: str = ""
    instead: str = ""
    sockets: bool = False

    @property
    def shown(self):
        return self.what or _code(self.bad)

    @property
    def remedy(self):
        return self.instead or _code(self.good)

    def programs(self, port):
        """(setup, body) of the two."""
        setup = f"port = {port}\n{COMMON}{self.setup}"
        return [(setup, self.bad), (setup, self.good)]


def _code(body):
    # One line of Markdown; a cell of a table would end at a bare `|`.
    return f"`{'; '.join(body.splitlines())}`".replace("|", "\\|")


SECTIONS = {
    "Numbers": (
        Construct("r[0] = i * 0.1", "r[0] = i // 10\nr[1] = i % 10"),
        Construct("r[0] = i / 2", "r[0] = i >> 1"),
        Construct("r[0], r[1] = divmod(i, 3)", "r[0] = i // 3\nr[1] = i % 3"),
        Construct(
            "big[0] += 1",
            "big[0] = big[0] % 0x3FFFFFFF + 1",
            BIG,
            "`n += 1` from 2^30 - 1 on",
            "`n = n % 0x3FFFFFFF + 1`: after 2^30 - 1 comes 1",
        ),
        Construct(
            "r[0] = since + 1000 & 0x3FFFFFFF",
            "r[0] = (now - since) & 0x3FFFFFFF",
            BIG,
            "`since + 1000 & 0x3FFFFFFF` near 2^30: the sum does not fit, though the result does",
            "`(now - since) & 0x3FFFFFFF < 1000`: a difference of two ticks always fits",
        ),
        Construct(
            "r[0] = wide[1]",
            "r[0] = halves[2]\nr[1] = halves[3]",
            ARRAYS,
            '`array("I")[k]` that holds more than 2^30',
            'two of an `array("H")`',
        ),
        Construct("r[0] = random()", "r[0] = getrandbits(30)", "from random import *"),
        Construct("r[0] = time()", "r[0] = ticks_ms()", "from time import *"),
    ),
    "Bytes and text": (
        Construct("r[0] = b[2:6]", "r[0] = b[2]", instead="hand on `b, 2, 6`; read `b[k]`"),
        Construct(
            "r[0] = v[4:8]", "r[0] = windows[1]", WINDOWS, instead="views made once: `windows[1]`"
        ),
        Construct(
            "d[0:4] = b[2:6]",
            "d[30:62] = b",
            instead="`d[30:62] = b`, the whole source, and let what is too much lie",
        ),
        Construct('r[0] = b[2:4] == b"ab"', 'r[0] = b.find(b"ab", 2, 4) == 2'),
        Construct('r[0] = b + b"abcd"', 'd[32:36] = b"abcd"'),
        Construct(
            'r[0] = b"%d" % 214',
            "digits(d, 8, 214)",
            DIGITS,
            instead="a loop that writes digits into a buffer",
        ),
        Construct(
            "r[0] = str(i)",
            "print(i, end='', file=tape)\ntape.seek(0)",
            TAPE,
        ),
        Construct(
            "r[0] = f'{i} ms'",
            "print(i, 'ms', file=tape)\ntape.seek(0)",
            TAPE,
        ),
        Construct(
            "r[0] = text.encode()", "r[0] = word", 'word = b"abcd"', instead="bytes from the start"
        ),
        Construct("r[0] = pack('>H', i)", "pack_into('>H', d, 0, i)", "from struct import *"),
        Construct("r[0] = int.from_bytes(b[2:4], 'big')", "r[0] = b[2] << 8 | b[3]"),
    ),
    "Containers": (
        Construct(
            "r[0], r[1] = pair()",
            "o.two()",
            OBJECT,
            "`return i, x` of variables",
            "two attributes",
        ),
        Construct("r[0] = [i, x]", "r[0] = i\nr[1] = x", instead="a list made once, `r[0] = i`"),
        Construct(
            "for k in range(20):\n    grown.append(k)",
            "for k in range(20):\n    fixed[k] = k",
            "grown = []\nfixed = [0] * 20",
            "`append` beyond what the list has room for",
            "`[0] * n` at the start, and a count",
        ),
        Construct(
            "for k in range(20):\n    seen[0] += 1\n    table[seen[0]] = k",
            "for k in range(20):\n    full[k] = k",
            "table = {}\nseen = [0]\nfull = {k: 0 for k in range(20)}",
            "`table[key] = k` with ever new keys",
            "all keys there from the start",
        ),
        Construct("r[0] = [k for k in b]", "for k in b:\n    r[0] = k", instead="`for k in b:`"),
        Construct("r[0] = x in (A, B)", "r[0] = x == A or x == B"),
        Construct(
            "for k, w in table.items():\n    r[0] = w",
            "for k in table:\n    r[0] = table[k]",
            "table = {1: 2, 3: 4}",
            "`for k, w in table.items():`",
            "`for k in table:` and `table[k]`",
        ),
    ),
    "Calls and loops": (
        Construct("call(o.method)", "call(bound)", OBJECT),
        Construct("many(i, x)", "three(i, x, 0)", OBJECT, what="calling `def many(*args)`"),
        Construct("r[0] = lambda: i", "r[0] = bound", OBJECT, instead="a function made once"),
        Construct("Thing()", "o.a = 0", OBJECT, instead="one object, its attributes set anew"),
        Construct(
            "wide(1, 2, 3)",
            "half(1, 2, 3)",
            FRAMES,
            GENERATOR,
            "calling a function with a frame of more than 11 words",
            "two smaller functions",
        ),
        Construct(
            "for k in range(0, i, x):\n    r[0] = k",
            "k = 0\nwhile k < i:\n    r[0] = k\n    k += x",
            what="`for k in range(0, i, x):`",
            instead="`while k < i:`; a constant step is free",
        ),
        Construct(
            "for k, w in enumerate(b):\n    r[0] = w",
            "for k in range(32):\n    r[0] = b[k]",
            what="`for k, w in enumerate(b):`",
            instead="`for k in range(n):` and `b[k]`",
        ),
    ),
    "Errors": (
        Construct("tried(5)", "tells(5)", ERRORS, "`raise ValueError(...)`, caught", "a code"),
        Construct(
            "missing(7)",
            "there(7)",
            ERRORS,
            "`table[key]` that is not there, its `KeyError` caught",
            "`if key in table`",
        ),
        Construct(
            "caught(1, 5, 2)",
            "guarded(1, 5, 2)",
            ERRORS,
            "`except OSError as e` with three locals, the error one made before",
            "`with guard:`, whose `__exit__` is given the error",
        ),
    ),
    "Sockets": (
        Construct("s.send(v[0:4])", "s.write(b, 0, 4)", SOCKET, sockets=True),
        Construct(
            "received()",
            "s.readinto(b, 32)",
            SOCKET,
            "`s.recv(32)` with nothing there, its error caught",
            "`s.readinto(b, 32)`: None",
            sockets=True,
        ),
        Construct(
            "for k in poll.poll(0):\n    r[0] = 1",
            "for k in poll.ipoll(0):\n    r[0] = 1",
            SOCKET,
            "`poll.poll(0)`",
            "`poll.ipoll(0)`",
            sockets=True,
        ),
    ),
}

# Take nothing on either build, though one might think otherwise: (text, setup, body).
FREE = (
    ("`for k in buf`", "", "for k in b:\n    r[0] = k"),
    ("`for k in range(n)`", "", "for k in range(i):\n    r[0] = k"),
    ("`a, b = b, a`", "", "r[0], r[1] = r[1], r[0]"),
    ("`o.method(1)` called at once", OBJECT, "r[0] = o.method()"),
    ("a property", OBJECT, "r[0] = o.asked"),
    ("defaults and keywords", OBJECT, "three(1, c=2, b=3)"),
    ("a constant tuple", "", "r[0] = (1, 2, 3)"),
    ("`x in (1, 2)` with literals or `const()`", "", "r[0] = x in (1, 2)"),
    ("`x in a_list`, `min` and `max` of one", "", "r[0] = x in l\nr[1] = min(l)\nr[2] = max(l)"),
    ("`==` of whole `bytes`, `bytearray` and `memoryview`", "", "r[0] = b == v"),
    (
        "`int(x)`, and comparing floats that are there",
        "half = 0.5",
        "r[0] = int(half)\nr[1] = half < 1",
    ),
    ("an existing key set anew", "table = {1: 2}", "table[1] = x"),
    ("`next` of a generator that is there", GENERATOR, "r[0] = next(running)"),
    ("`print(x, i)`", TAPE, "print(x, i, file=tape)\ntape.seek(0)"),
)

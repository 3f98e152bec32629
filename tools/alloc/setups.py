"""What the judged codes of constructs.py use: made before, and not judged."""

COMMON = """
b = bytearray(range(32))
d = bytearray(64)
v = memoryview(b)
r = [None] * 4
i = 7
x = 5
l = [3] * 8
A = 5
B = 6
text = "abcd"
"""

BIG = "big = [0x3FFFFFFF]\nsince = 0x3FFFFFF0\nnow = 12"
ARRAYS = """
from array import array
wide = array("I", [0x7FFFFFFF] * 4)
halves = array("H", [0x7FFF, 0xFFFF] * 4)
"""
WINDOWS = "windows = [v[k : k + 4] for k in range(0, 32, 4)]"
DIGITS = """
def digits(buf, at, n):
    while n:
        buf[at] = 48 + n % 10
        n //= 10
        at -= 1
"""
OBJECT = """
class Thing:
    def __init__(self):
        self.a = 0
        self.b = 0
    def method(self):
        return self.a
    @property
    def asked(self):
        return self.a
    def two(self):
        self.a = i
        self.b = x
o = Thing()
bound = o.method
def pair():
    return i, x
def call(f):
    return f()
def many(*args):
    return 0
def three(a, b=0, c=0):
    return 0
"""
FRAMES = """
def wide(a, b, c):
    d = a + b
    e = b + c
    f = c + d
    g = d + e
    h = e + f
    i = f + g
    j = g + h
    return a + b + c + d + e + f + g + h + i + j
def half(a, b, c):
    d = a + b
    e = b + c
    return a + b + c + d + e + other(d, e)
def other(d, e):
    f = d + e
    g = e + f
    return d + e + f + g
"""
ERRORS = """
failed = OSError(5)
def fails(kind, n):
    if n:
        failed.__traceback__ = None
        raise failed
def caught(kind, n, a):
    try:
        fails(kind, n)
    except OSError as e:
        r[0] = e.errno
class Guard:
    def __enter__(self):
        pass
    def __exit__(self, kind, error, trace):
        if error:
            r[0] = error.errno
        return True
guard = Guard()
def guarded(kind, n, a):
    with guard:
        fails(kind, n)
def raises(n):
    if n < 10:
        raise ValueError("too small")
    return n
def tells(n):
    return n if n >= 10 else -1
def tried(n):
    try:
        return raises(n)
    except ValueError:
        return -1
table = {1: 2}
def missing(key):
    try:
        return table[key]
    except KeyError:
        return 0
def there(key):
    return table[key] if key in table else 0
"""
SOCKET = """
import select
import socket
s = socket.socket()
s.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
s.setblocking(False)
poll = select.poll()
poll.register(s, select.POLLOUT)
def received():
    try:
        return s.recv(32)
    except OSError:
        return None
"""

TAPE = """
import io
tape = io.StringIO(64)
"""

GENERATOR = """
def forever():
    while True:
        yield 1
running = forever()
"""

"""What runs on the board while files are exchanged; sent to its prompt as text.

Nothing here prints but `answer`, once a call. Paths are relative: a board that was just reset
stands in its root. Memory is short, so files are hashed in small pieces.
"""

import hashlib
import os
import sys

BUSY_MS = 120000
_piece = bytearray(512)


def _guarded():
    """A board that is left alone in the middle restarts, and with it the old node. The node's own
    watchdog, which cannot be stopped, gets the same patience."""
    try:
        import machine

        return machine.WDT(timeout=BUSY_MS)
    except (ImportError, AttributeError, ValueError, OSError):
        return None


_watchdog = _guarded()


def answer(value):
    if _watchdog:
        _watchdog.feed()
    print(repr(value))


def facts():
    """What decides whether the node can run here."""
    about = sys.implementation
    try:
        space = os.statvfs(os.getcwd())
        # LittleFS guesses what is used, and may guess more than there is: then this underflows.
        space = (space[0], space[2], space[3] if space[3] <= space[2] else 0)
    except OSError:
        space = None
    return {
        "name": about.name,
        "version": tuple(about.version[:3]),
        "machine": getattr(about, "_machine", ""),
        "mpy": getattr(about, "_mpy", 0),
        "space": space,  # bytes in a block, blocks, free blocks
        "frozen": _frozen(),
    }


def _frozen():
    """The firmware has the node frozen in, which is found before /lib."""
    path = sys.path[:]
    sys.modules.pop("node", None)  # boot.py has just imported the one in /lib
    sys.path[:] = [".frozen"]
    try:
        import node

        return bool(node)
    except ImportError:
        return False
    finally:
        sys.path[:] = path


def digest(path):
    """SHA-256 of a file, as hexadecimal digits."""
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        while True:
            count = file.readinto(_piece)
            if not count:
                return "".join("%02x" % byte for byte in sha.digest())
            sha.update(memoryview(_piece)[:count])


def tree(path, names=None):
    """[(path, SHA-256, or None for a folder)] of all that is under `path`; of `names` only, with
    or without .py and .mpy, when they are given."""
    found = []
    try:
        entries = list(os.ilistdir(path or os.getcwd()))
    except OSError:
        return found
    for entry in entries:
        name = entry[0]
        full = path + "/" + name if path else name
        if names and name.rsplit(".", 1)[0] not in names:
            continue
        if entry[1] & 0x4000:
            found.append((full, None))
            found.extend(tree(full))
        else:
            found.append((full, digest(full)))
    return found


def content(path):
    """The bytes of a file; None if there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def finish(mark):
    """Let an exchange that was interrupted come to its end."""
    if (content("boot.py") or b"").startswith(mark):
        try:
            execfile("boot.py")  # noqa: F821 (a builtin of MicroPython)
        except Exception as error:  # the real boot.py runs at its end, and may be broken
            sys.print_exception(error)


def clear(path):
    """Remove every file in the folder."""
    for name, _ in tree(path):
        os.remove(name)


def abandon(path, mark):
    """Remove the folder of files that wait, unless they are to be moved at the next start."""
    if not (content("boot.py") or b"").startswith(mark):
        discard(path)


def discard(path):
    """Remove the folder of files that wait, if there is one, and a file in its place."""
    clear(path)
    for remove in (os.rmdir, os.remove):
        try:
            remove(path)
        except OSError:
            pass


def folder(path):
    """[(path, None)] if that folder exists."""
    try:
        return [(path, None)] if os.stat(path)[0] & 0x4000 else []
    except OSError:
        return []


def take_place(script):
    """Put the script in the place of boot.py: from here on the new node starts."""
    os.rename(script, "boot.py")


def begin(path):
    """Make the folder. True when a file can be renamed over another here, as LittleFS can."""
    discard(path)
    os.mkdir(path)
    for name in ("/a", "/b"):
        with open(path + name, "w") as file:
            file.write(name)
    try:
        os.rename(path + "/a", path + "/b")
        good = content(path + "/b") == b"/a"
    except OSError:
        good = False
    clear(path)
    return good


def copy(source, target):
    """A copy within the board."""
    with open(source, "rb") as file, open(target, "wb") as out:
        while True:
            count = file.readinto(_piece)
            if not count:
                return
            out.write(memoryview(_piece)[:count])

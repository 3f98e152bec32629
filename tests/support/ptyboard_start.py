"""Power-on of tests/support/ptyboard.py's board; runs on MicroPython, before its REPL.

Settings come in the environment:

    PTYBOARD_RUN     what runs: nothing, "boot" (boot.py), "all" (boot.py, then main.py)
    PTYBOARD_PATH    the stand-ins for machine, network and esp32
    PTYBOARD_FLASH   path of a flash image, mounted as LittleFS at "/"; without it the working
                     directory is the board's file system
    PTYBOARD_DIE_AT  the power fails in the n-th write or erase of that image
    PTYBOARD_MPY     number that sys.implementation._mpy shows
"""

import os
import sys

import vfs

BLOCK = 4096
PROMPT = "MICROPYINSPECT"  # the interpreter looks at it when this file has come to its end


class Flash:
    """Block device over the image file. A write that dies leaves its block half written."""

    def __init__(self, path, die_at):
        self.file = open(path, "r+b")  # noqa: SIM115 (open as long as the board has power)
        self.blocks = self.file.seek(0, 2) // BLOCK
        self.left = die_at

    def readblocks(self, block, buf, offset=0):
        self.file.seek(block * BLOCK + offset)
        self.file.readinto(buf)

    def writeblocks(self, block, buf, offset=0):
        self.file.seek(block * BLOCK + offset)
        self.left -= 1
        if self.left == 0:
            self.file.write(buf[: len(buf) // 2])
            self.die()
        self.file.write(buf)

    def die(self):
        self.file.flush()
        os.system("kill -9 $PPID")

    def ioctl(self, op, block):
        if op == 4:
            return self.blocks
        if op == 5:
            return BLOCK
        if op == 6:
            self.left -= 1
            if self.left == 0:
                self.die()
            self.file.seek(block * BLOCK)
            self.file.write(b"\xff" * BLOCK)
        if op == 3:
            self.file.flush()
        return 0


class Other:
    """An object with some of its attributes changed."""

    def __init__(self, real, **changed):
        self._real = real
        for name in changed:
            setattr(self, name, changed[name])

    def __getattr__(self, name):
        return getattr(self._real, name)


def mount(path, die_at):
    """The image becomes "/", the host's file system "/host"; what the stand-ins opened stays."""
    flash = Flash(path, die_at)
    import esp32  # noqa: F401 (they open the board file by its own path)
    import machine  # noqa: F401
    import network  # noqa: F401

    try:
        system = vfs.VfsLfs2(flash)
    except OSError:
        vfs.VfsLfs2.mkfs(flash)
        system = vfs.VfsLfs2(flash)
    vfs.umount("/")
    vfs.mount(system, "/")
    vfs.mount(vfs.VfsPosix("/"), "/host")
    os.chdir("/")
    board = os.getenv("STEADYNODE_BOARD")
    if board:
        os.putenv("STEADYNODE_BOARD", "/host" + board)


def power_on():
    path = os.getenv("PTYBOARD_PATH")
    flash = os.getenv("PTYBOARD_FLASH")
    sys.path[:] = ["", ".frozen", path]
    if flash:
        mount(flash, int(os.getenv("PTYBOARD_DIE_AT") or 0))
        sys.path[2:] = ["/host" + path]
    sys.path.insert(2, "/lib" if flash else "lib")
    mpy = os.getenv("PTYBOARD_MPY")
    if mpy:
        about = Other(sys.implementation, _mpy=int(mpy))
        sys.modules["sys"] = Other(sys, implementation=about)


def run(name):
    """As the port's start-up does: a file that is not there is nothing. False when it failed."""
    try:
        os.stat(name)
    except OSError:
        return True
    try:
        execfile(name, {"__name__": "__main__"})  # noqa: F821 (a builtin of MicroPython)
    except SystemExit as wanted:  # a reset: no prompt
        os.unsetenv(PROMPT)
        raise wanted
    except BaseException as error:
        sys.print_exception(error)
        return False
    return True


os.putenv(PROMPT, "1")
power_on()
programs = os.getenv("PTYBOARD_RUN")
if programs and run("boot.py") and programs == "all":
    run("main.py")

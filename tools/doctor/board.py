"""What is asked of the board itself, and what its node says after a restart."""

import copy

from tools.deploy import Trouble, link, listen, plan, settings, work
from tools.deploy.bundle import bundle
from tools.deploy.nodelog import LINE, advices
from tools.doctor import BAD, DOUBT, GOOD, Finding, host
from tools.flash.settings import SECRETS

WEAK_DBM = -80
START_S = 40  # to join, get an address, and reach the broker


def examine(port, own_config, seconds=START_S, tries=link.TRIES, files=None):
    """Yield the findings about the board on `port`. own_config: what config.json on this computer
    holds, or None; without it the brokers of the board's are tried from here too. files: what
    belongs on a board, path -> bytes; None: this project's."""
    try:
        with link.Board(port, tries) as board:
            board.take_over()
            yield Finding("board", GOOD, f"answers on {port}")
            runs = yield from _files(board, own_config, files or bundle())
            board.reset()
            if runs:
                yield from _start(port, board.transport, seconds)
    except Trouble as trouble:
        yield Finding("board", BAD, str(trouble), "do what it says, then make doctor again")


def _files(board, own_config, want):
    """Firmware, file system, files, configuration. Returns whether a node can start."""
    facts = board.ask("facts()")
    yield _firmware(facts, want)
    if facts["space"] is None:
        yield Finding("file system", BAD, "there is none, or it is broken", "make flash")
        return False
    yield _space(facts["space"], want)
    complete = yield from _program(board, facts, want)
    starts = yield from _config(board, facts, own_config)
    return complete and starts


def _firmware(facts, want):
    try:
        work.check_firmware(facts, want)
    except Trouble as trouble:
        return Finding("firmware", BAD, str(trouble), "make flash")
    version = ".".join(map(str, facts["version"]))
    return Finding("firmware", GOOD, f"MicroPython {version}, {facts['machine']}")


def _space(space, want):
    block, blocks, free = space
    needed = plan.whole(want, block)
    text = f"{free * block:,} of {blocks * block:,} bytes free"
    if free * block < needed:
        step = "remove files that are not the node's, or make flash: new files lie beside old ones"
        return Finding("file system", DOUBT, f"{text}; another whole node takes {needed:,}", step)
    return Finding("file system", GOOD, text)


def _program(board, facts, want):
    """boot.py, main.py and lib/. Returns whether there is a node."""
    try:
        listing = work.listing(board)
    except link.Lost:
        raise
    except Trouble as trouble:
        yield Finding("files", BAD, str(trouble), "remove what is in the way")
        return False
    if facts["frozen"]:
        want = {path: data for path, data in want.items() if not path.startswith("lib/")}
    there = {path for path, digest in listing if digest}
    if not there & set(want):
        yield Finding(
            "files", BAD, "there is no node on the board", "make deploy CONFIG=config.json"
        )
        return False
    todo = plan.make(listing, want)
    missing = sorted(set(todo.changed) - there)
    if missing:
        yield Finding("files", BAD, f"missing: {', '.join(missing)}", "make deploy")
    elif todo:
        text = f"not those of this project: {', '.join([*sorted(todo.changed), *todo.remove])}"
        yield Finding("files", DOUBT, text, "make deploy, if this project is the newer one")
    else:
        yield Finding("files", GOOD, f"all {todo.same} are those of this project")
    return not missing


def _config(board, facts, own_config):
    """The board's config.json. Returns whether a node can start with it."""
    data = board.ask("content('config.json')")
    if data is None:
        step = "copy config.example.json to config.json, edit it; make deploy CONFIG=config.json"
        yield Finding("board's config", BAD, "there is no config.json on the board", step)
        return False
    try:
        config = settings.parse(data, "config.json")
    except Trouble as trouble:
        yield Finding("board's config", BAD, str(trouble), "make deploy CONFIG=config.json")
        return False
    faults, starts = settings.faults(config, work.chip(facts))
    cautions = [] if faults else settings.cautions(config, work.chip(facts))
    name, unedited = "config.json on the board", settings.unedited(config)
    yield host.judged("board's config", name, faults, starts, cautions, unedited)
    if own_config is None:
        yield from host.brokers(config)
    elif _as_on_board(own_config, config) != config:
        text = "config.json on the board is not the one on this computer"
        yield Finding(
            "board's config", DOUBT, text, "if it should be: make deploy CONFIG=config.json"
        )
    return starts


def _as_on_board(own, config):
    """`own` with the references of `config` to secrets in the NVS, where `make flash` moves them:
    of these it cannot be seen whether they are the same."""
    own = copy.deepcopy(own)
    for group, name in SECRETS:
        kept = settings.at(config, group, name)
        if isinstance(kept, dict) and settings.at(own, group, name) is not None:
            own[group][name] = kept
    return own


def _start(port, transport, seconds):
    """Wi-Fi and broker as the restarted node finds them."""
    with listen.Ear(port, transport) as ear:
        online, lines = listen.until_online(ear, seconds)
    said = [line for line in lines if LINE.match(line) or "Error" in line]
    step = "; ".join(advices(said)[:2]) or "make logs"
    joined = [line for line in said if ' wifi: joined "' in line]
    if joined:
        signal = int(joined[-1].rsplit(" ", 1)[-1])
        weak = signal < WEAK_DBM
        move = "nearer to the access point, or an outside antenna" if weak else ""
        text = f"joined, signal {signal} dBm{', which is weak' if weak else ''}"
        yield Finding("Wi-Fi", DOUBT if weak else GOOD, text, move)
    else:
        yield Finding("Wi-Fi", BAD, _last(said, " wifi: "), step)
        return
    if online:
        yield Finding("broker, from the board", GOOD, "connected")
    else:
        yield Finding("broker, from the board", BAD, _last(said, " mqtt: "), step)


def _last(said, source):
    """The newest line of that source, else the newest at all."""
    fitting = [line for line in said if source in line] or said
    return f"the node says: {fitting[-1]}" if fitting else "the node says nothing"

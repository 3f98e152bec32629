"""How a board starts: as the node, or in safe mode (node.rescue) after crashes in a row or because
a button is held.

decide() is what boot.py does. For the node every relay gets its safe level here, before anything
is checked or connected; in safe mode no pin is driven. program() is what main.py does: from then
on an end that nobody asked for is a crash. A soft reset runs boot.py, and may not run main.py
(deploying does so), which is why a start by itself counts for nothing.

Loaded at the start only. Everything here allocates.
"""

from node.kept import ENDED, MARK, ROW, SAFE_BUTTON, SAFE_CRASHES, begin, failed, load, run
from node.pins import button_of, pin_problem
from node.safe import read, relays

_CRASHES = 3  # in a row, unless the configuration says otherwise
_PAUSE_MS = 10000  # before a safe mode that cannot begin is tried again


def decide(board, path="config.json"):
    """Choose, and bring the relays to their safe level if it is to be the node. True: safe mode.
    The choice is kept for program()."""
    config = read(path)
    kept = begin(board)
    kept[MARK] = _choice(board, config, kept[ROW])
    if kept[MARK] == ENDED:
        relays(board, config)
    board.memory(kept)
    return kept[MARK] != ENDED


def _choice(board, config, row):
    wanted = config.get("safe_mode")
    if not isinstance(wanted, dict):
        wanted = {}
    limit = wanted.get("crashes")
    if row >= (limit if type(limit) is int and 0 < limit <= 100 else _CRASHES):
        return SAFE_CRASHES
    button = wanted.get("button", button_of(board.chip))
    # null turns it off. What a device is wired to is no button, whatever level it has.
    if button is None or pin_problem(board.chip, button, False) or _is_used(config, button):
        return ENDED
    return SAFE_BUTTON if board.held(button) else ENDED


def _is_used(config, pin):
    devices = config.get("devices")
    if not isinstance(devices, list):
        return False
    return any(isinstance(entry, dict) and entry.get("pin") == pin for entry in devices)


def program(board):
    """The function that is the program: of the node, or of its safe mode as decide() chose. One
    that cannot even be loaded is a crash."""
    safe = load(board)[MARK] in (SAFE_CRASHES, SAFE_BUTTON)
    try:
        if safe:
            from node.rescue import run as chosen
        else:
            run(board)
            from node.app import run as chosen
        return chosen
    except Exception as error:
        if safe:
            print("cannot start safe mode:", error)
            board.sleep(_PAUSE_MS)
        else:
            failed(board, error)
        board.reset()

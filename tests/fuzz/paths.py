"""Where things are: what the targets import, the committed corpus, and what a run leaves."""

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (ROOT / "tests/fuzz", ROOT / "tests/support/pure", ROOT / "lib")
CORPUS = ROOT / "tests/fuzz/corpus"  # a folder for each target, a file for each input
SEED = "seed-"  # begins the name of one written by hand
BUILD = ROOT / "build/fuzz"
TARGETS = ("parser", "text", "client", "command")
LONGEST = 300  # bytes of an input that is made


def inputs(target, corpus=CORPUS):
    """(name, bytes) of the committed inputs of a target, in a fixed order."""
    return [(path.name, path.read_bytes()) for path in sorted((corpus / target).iterdir())]


def load():
    """The module with the targets; it and what it uses are on no path but this."""
    sys.path += [str(folder) for folder in FOLDERS if str(folder) not in sys.path]
    return importlib.import_module("targets")

"""Fuzz one target with atheris (libFuzzer, guided by the coverage of lib/):

    python -m tests.fuzz.one TARGET [libFuzzer options and corpus folders]

libFuzzer ends the process: 0 = nothing found, else the input that failed is in a file it names.
"""

import sys

import atheris

from tests.fuzz.paths import load

with atheris.instrument_imports(include=["mqtt", "node"]):
    targets = load()


def main():
    target = targets.TARGETS[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

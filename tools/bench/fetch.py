"""Fetch what requirements-bench.txt pins: one folder for each package under .venv/bench.

pip downloads and checks the hash. It cannot install the packages made for MicroPython's own
installer, which hold plain files and no setup.py: it unpacks them and stops. What it unpacked is
all that is wanted, so it is told to leave that, and judged by what is there rather than by its
exit code.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tests.support.runtimes import ROOT
from tools.bench.probing import Trouble

PINS = ROOT / "requirements-bench.txt"
FOLDER = ROOT / ".venv" / "bench"


@functools.cache
def pins():
    """{package: version}."""
    return {name: version for name, version, _ in _lines()}


def folder(package):
    """Where `package` lies, fetched if it is not there yet. Raises Trouble."""
    for name, version, line in _lines():
        if name == package:
            target = FOLDER / f"{name}-{version}"
            if not target.is_dir():
                _fetch(line, target)
            return target
    raise Trouble(f"{package} is not in {PINS.name}")


def _lines():
    for line in PINS.read_text().splitlines():
        if line and not line.startswith("#"):
            name, version = line.split()[0].split("==")
            yield name, version, line


def _fetch(line, target):
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as place:
        place = Path(place)
        pin = place / "pin.txt"
        pin.write_text(line + "\n")
        options = ["--no-deps", "--no-clean", "--require-hashes", "--disable-pip-version-check"]
        done = subprocess.run(
            [sys.executable, "-m", "pip", "download", *options, "-d", place, "-r", pin],
            env={**os.environ, "TMPDIR": str(place)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        contents = _unpacked(place)
        if contents is None:
            raise Trouble(
                f"pip could not fetch {line.split()[0]}; without it `make bench` cannot run. "
                f"Its own words:\n{done.stdout}"
            )
        _publish(contents, target)


def _unpacked(place):
    for wheel in place.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(place / "wheel")
        return place / "wheel"
    for sources in place.glob("pip-*/*"):
        if sources.is_dir() and any(sources.glob("*.egg-info")):
            return sources
    return None


def _publish(contents, target):
    """In one move, so that two runs at once both find it whole."""
    try:
        contents.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        shutil.rmtree(contents)


def version_in(folder):
    """The version that the client in a checkout gives itself, or "unknown"."""
    for path in sorted(folder.rglob("*.py")) + sorted(folder.rglob("manifest.py")):
        found = re.search(
            r"""(?:VERSION|__version__|version)\s*=\s*\(?["']?([\d., ]+\d)""", path.read_text()
        )
        if found:
            return found[1].replace(", ", ".")
    return "unknown"

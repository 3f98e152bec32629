"""Hunt one variant of the client: patch a copy of lib/mqtt, run seeds until a property fails."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.sim.soak import LIB, ROOT, folders

SEEDS = 100  # the most that a variant may take
# Taken once: pytest changes its own while threads hunt.
ENVIRONMENT = {**os.environ, "PYTHONHASHSEED": "0"}


def patched(source, old, new):
    """`source` with its only occurrence of `old` replaced. ValueError unless there is one."""
    if source.count(old) != 1:
        raise ValueError(f"{old!r} occurs {source.count(old)} times, must occur once")
    return source.replace(old, new)


def hunt(variant, seeds=SEEDS):
    """(seed, property, text) of the first failure, or None if none of `seeds` runs failed."""
    name, file, old, new, _ = variant
    with tempfile.TemporaryDirectory() as folder:
        lib = Path(folder) / "lib"
        shutil.copytree(LIB / "mqtt", lib / "mqtt", ignore=shutil.ignore_patterns("__pycache__"))
        path = lib / "mqtt" / file
        path.write_text(patched(path.read_text(), old, new))
        code = f"from tests.sim import hunt; hunt.first_failure({str(lib)!r}, {seeds})"
        done = subprocess.run(
            [sys.executable, "-B", "-c", code],
            cwd=ROOT,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=600,
        )
    for line in done.stdout.splitlines():
        if line.startswith("@@caught "):
            _, seed, rest = line.split(" ", 2)
            prop, text = rest.split(": ", 1)
            return int(seed), prop, text
    if done.returncode or "@@none" not in done.stdout:
        raise AssertionError(f"{name}: the hunt broke: {done.stdout[-500:]}{done.stderr[-2000:]}")
    return None


def first_failure(lib, seeds):
    """In the process that has the patched client on its path: prints what hunt() reads."""
    from tests.sim import soak

    soak.prepare(Path(lib))
    for seed in range(1, seeds + 1):
        failure = soak.run(seed, limit=5)["failure"]
        if failure:
            print(f"@@caught {seed} {failure[0]}: {failure[1]}")
            return
    print("@@none")


__all__ = ("SEEDS", "folders", "first_failure", "hunt", "patched")

"""Fuzz for a while, from the committed corpus on: `make fuzz`.

    python -m tests.fuzz [TARGET ...] [--seconds N]      search; N seconds for each target
    python -m tests.fuzz TARGET --input FILE             run one input again, with its traceback
    python -m tests.fuzz [TARGET ...] --keep             take what was found into the corpus, shrunk

A find ends the run: its bytes are in build/fuzz/, and the command that runs it again is printed.
"""

import argparse
import hashlib
import subprocess
import sys

from tests.fuzz.paths import BUILD, CORPUS, LONGEST, ROOT, SEED, TARGETS
from tests.fuzz.shrink import chosen


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="fuzz lib/")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--input", help="a file to run again")
    parser.add_argument("--keep", action="store_true", help="take finds into the corpus")
    options = parser.parse_args()
    unknown = set(options.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    for target in options.targets or TARGETS:
        if options.keep:
            code = keep(target)
        elif options.input:
            code = atheris(target, options.input)
        else:
            code = search(target, options.seconds)
        if code:
            return code
    return 0


def search(target, seconds):
    """Fuzz one target; its exit code."""
    found = BUILD / target
    found.mkdir(parents=True, exist_ok=True)
    prefix = BUILD / f"{target}-"
    print(f"fuzz: {target}, {seconds} s", flush=True)
    code = atheris(
        target,
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        "-timeout=10",
        "-rss_limit_mb=2048",
        f"-artifact_prefix={prefix}",
        "-print_final_stats=1",
        found,
        CORPUS / target,
    )
    if code:
        print(f"fuzz: {target} failed; run it again with", flush=True)
        print(f"    {sys.executable} -m tests.fuzz {target} --input {prefix}<the file named above>")
    return code


def keep(target):
    """Make the committed corpus anew: the seeds, and what else of it and of the finds is needed."""
    folders = [folder for folder in (CORPUS / target, BUILD / target) if folder.is_dir()]
    every = [path for folder in folders for path in folder.iterdir()]
    seeds = {path.read_bytes() for path in every if path.name.startswith(SEED)}
    kept = chosen(target, seeds, {path.read_bytes() for path in every} - seeds)
    for path in every:
        if path.parent == CORPUS / target and not path.name.startswith(SEED):
            path.unlink()
    for data in kept:
        (CORPUS / target / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    print(f"fuzz: {target}: kept {len(seeds)} seeds and {len(kept)} of {len(every)}")
    return 0


def atheris(target, *arguments):
    command = [sys.executable, "-m", "tests.fuzz.one", target, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())

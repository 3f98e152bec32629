"""Many runs at once, on this Python and on the Unix port."""

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

from tests.sim.tally import Tally
from tests.support import runtimes

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "tests/sim/model"
SUPPORT = ROOT / "tests/support/pure"
LIB = ROOT / "lib"
HUNG_S = 60  # of processor time; a run takes a fifth of a second


class Hung(BaseException):
    """A run does not end: something in it loops for ever."""


def folders(lib=LIB):
    """What a run needs on its path."""
    return [MODEL, SUPPORT, lib]


def prepare(lib=LIB):
    """Make the model and the client importable in this process."""
    for folder in reversed(folders(lib)):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))


def _hung(signum, frame):
    raise Hung


def run(seed, scale=100, trace=None, limit=HUNG_S):
    """One run in this process; one that hangs has failed, too."""
    import runs

    old = signal.signal(signal.SIGVTALRM, _hung)
    signal.setitimer(signal.ITIMER_VIRTUAL, limit)
    try:
        return runs.run(seed, scale, trace)
    except Hung:
        zero = dict.fromkeys(("ms", "steps", "out", "into", "digest"), 0)
        failure = ("no call blocks", "the run did not end")
        return {"failure": failure, "counts": {}, **zero}
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, old)


def _job(job):
    seed, scale = job
    return seed, run(seed, scale)


def soak(seeds, scale=100, jobs=None, enough=None, tell=None):
    """Run `seeds` (any iterable) in processes of their own until `enough(tally)` or a failure;
    `tell(tally)` once in a while."""
    tally = Tally()
    jobs = jobs or min(os.cpu_count() or 1, 8)
    told = time.monotonic()
    with multiprocessing.get_context("fork").Pool(jobs, prepare) as pool:
        for seed, result in pool.imap_unordered(_job, ((seed, scale) for seed in seeds), 4):
            tally.add(seed, result)
            if len(tally.failures) >= 5 or (enough and enough(tally)):
                pool.terminate()
                break
            if tell and time.monotonic() - told > 10:
                told = time.monotonic()
                tell(tally)
    return tally


def on_unix(first, last, scale, lib=LIB, timeout=600):
    """Runs first..last on the Unix port: {seed: (digest, ms, steps, out, into, lost, failure)}.
    `lib`: with a `shortened.py` where attributes have other names: model/inside.py. Raises
    runtimes.Missing."""
    code = f"import runs\nruns.tell({first}, {last}, {scale})\n"
    done = runtimes.run_code("unix", code, folders(lib), timeout)
    found = {}
    for line in done.output.splitlines():
        if line.startswith("@@run "):
            words = line.split(" ", 8)
            found[int(words[1])] = (*(int(word) for word in words[2:8]), words[8])
    if done.code or len(found) != last - first + 1:
        raise AssertionError(f"the Unix port ended with {done.code}:\n{done.output[-3000:]}")
    return found

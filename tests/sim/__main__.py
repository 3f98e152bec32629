"""`make soak`, and the replay of one seed: python -m tests.sim --seed N --trace"""

import argparse
import itertools
import sys
import time

from tests.sim import soak


def _number(text):
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no seed: a failing run names its own; make soak SEED=7"
        ) from None


def main():
    """0 if every property held."""
    options = _options()
    if options.seed is not None:
        return _replay(options)
    end = time.monotonic() + options.seconds if options.seconds else None

    def enough(tally):
        late = end is not None and time.monotonic() > end
        return late or (options.hours and tally.hours() >= options.hours)

    if not options.hours and end is None:
        options.hours = 1000
    first = options.first if options.first else int(time.time())
    print(f"seeds from {first}", flush=True)
    tally = soak.soak(itertools.count(first), options.scale, options.jobs, enough, _tell)
    print("\n".join(tally.report()))
    return 1 if tally.failures else 0


def _options():
    p = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    p.add_argument("--seed", type=_number, help="replay this one")
    p.add_argument("--trace", action="store_true", help="and tell it line by line")
    p.add_argument("--hours", type=float, help="simulated hours (default 1000)")
    p.add_argument("--seconds", type=float, help="or real seconds")
    p.add_argument("--first", type=int, help="the first seed (default: the time of day)")
    p.add_argument("--jobs", type=int, help="processes (default: one a core, at most 8)")
    p.add_argument("--scale", type=int, default=100, help="length of each run, percent")
    return p.parse_args()


def _replay(options):
    soak.prepare()
    result = soak.run(options.seed, options.scale, print if options.trace else None)
    failure = result["failure"]
    print(
        f"seed {options.seed}, fingerprint {result['digest']}, {result['ms'] / 1000:.0f} s:",
        end=" ",
    )
    print(f"FAILED: {failure[0]}: {failure[1]}" if failure else "every property held")
    return 1 if failure else 0


def _tell(tally):
    hours, lost = tally.hours(), tally.counts.get("disconnections", 0)
    print(f"{tally.runs} runs, {hours:.0f} h, {tally.messages()} messages, {lost} lost", flush=True)


if __name__ == "__main__":
    sys.exit(main())

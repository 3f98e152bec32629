"""Runs by seed, for whoever starts them on whichever runtime."""

from world import World


def run(seed, scale=100, trace=None):
    """One run: {"failure": None or (property, text), "counts": ..., and figures}."""
    w = World(seed, scale, trace)
    w.run()
    return {
        "failure": w.failure,
        "counts": w.tally,
        "ms": w.t,
        "steps": w.steps,
        "out": w.node.accepted,
        "into": len(w.server.notes),
        "digest": w.digest,
    }


def tell(first, last, scale):
    """Runs first..last, one line each: for a host that reads them."""
    for seed in range(first, last + 1):
        r = run(seed, scale)
        lost = r["counts"].get("disconnections", 0)
        figures = (seed, r["digest"], r["ms"], r["steps"], r["out"], r["into"], lost)
        print("@@run", " ".join([str(n) for n in figures]), repr(r["failure"]))

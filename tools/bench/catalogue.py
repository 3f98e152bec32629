"""The clients that are compared, and where their code lies."""

from dataclasses import dataclass, field
from pathlib import Path

from tests.support.runtimes import ROOT


@dataclass
class Contender:
    """`adapter`: a module of peers/. `folders`: what it imports from, first on its path."""

    name: str
    adapter: str
    operations: tuple[str, ...]
    folders: list[Path] = field(default_factory=list)


EVERY = (
    "publish 0",
    "publish 1",
    "publish 2",
    "receive 0",
    "receive 1",
    "receive 2",
    "ping",
    "idle",
)
OURS_ONLY = ("prepared 0", "prepared 1", "prepared 2", "receive 0 by +", "receive 0 by #")

FLOOR = Contender("raw socket", "use_raw", EVERY)
OURS = Contender("lib/mqtt", "use_mqtt", (*EVERY, *OURS_ONLY), [ROOT / "lib"])
NONE = Contender("none", "none", ("loop", "wait", "ask"))

"""The clients that are compared: what each can do, and where its code lies."""

from dataclasses import dataclass
from pathlib import Path

from tests.support.runtimes import ROOT
from tools.bench import fetch

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
NO_QOS2 = tuple(name for name in EVERY if not name.endswith("2"))
PREPARED = ("prepared 0", "prepared 1", "prepared 2")
BY_WILDCARD = ("receive 0 by +", "receive 0 by #")


@dataclass(frozen=True)
class Contender:
    """`adapter`: a module of peers/. `module`: the client's own. `packages`: of
    requirements-bench.txt, its own first. `folder`: a checkout instead."""

    name: str
    adapter: str
    operations: tuple[str, ...]
    module: str = ""
    packages: tuple[str, ...] = ()
    folder: Path | None = None
    waits_alone: bool = False  # publish() sleeps between looks at what has come
    windows: tuple[int, ...] = (1, 16)  # unacknowledged publishes it can have

    def folders(self):
        """Of its sources. Raises probing.Trouble when they cannot be fetched."""
        return [fetch.folder(package) for package in self.packages] or [self.folder]

    def version(self):
        if self.packages:
            return fetch.pins()[self.packages[0]]
        return fetch.version_in(self.folder) if self.folder else ""


FLOOR = Contender("raw socket", "use_raw", EVERY)
OURS = Contender(
    "lib/mqtt", "use_mqtt", (*EVERY, *PREPARED, *BY_WILDCARD), "mqtt", folder=ROOT / "lib"
)
NONE = Contender("none", "none", ("loop", "wait", "ask"))

PEERS = (
    Contender(
        "umqtt.simple",
        "use_umqtt_simple",
        NO_QOS2,
        "umqtt.simple",
        ("micropython-umqtt.simple",),
        windows=(1,),
    ),
    Contender(
        "umqtt.simple2",
        "use_umqtt_simple2",
        NO_QOS2,
        "umqtt.simple2",
        ("micropython-umqtt.simple2",),
    ),
    Contender(
        "umqtt.robust2",
        "use_umqtt_robust2",
        NO_QOS2,
        "umqtt.robust2",
        ("micropython-umqtt.robust2", "micropython-umqtt.simple2"),
    ),
    Contender(
        "chumicro-mqtt",
        "use_chumicro",
        NO_QOS2,
        "chumicro_mqtt",
        ("chumicro-mqtt", "chumicro-sockets", "chumicro-timing", "chumicro-config"),
    ),
    Contender("aiomqttc", "use_aiomqttc", NO_QOS2, "aiomqttc", ("aiomqttc",), waits_alone=True),
    Contender("micropython-mqtt", "use_mqtt_async", NO_QOS2, "mqtt_async", ("micropython-mqtt",)),
)


def chosen(names=(), umqtt=None, mqtt_as=None):
    """Contenders by name, all by default. `umqtt`, `mqtt_as`: folders of checkouts, which join.
    Raises probing.Trouble."""
    found = [FLOOR, OURS, *PEERS]
    if umqtt:
        found.append(_checkout("umqtt.simple, checkout", "use_umqtt_simple", "umqtt.simple", umqtt))
    if mqtt_as:
        found.append(_checkout("mqtt_as, checkout", "use_mqtt_as", "mqtt_as", mqtt_as))
    known = [c.name for c in found]
    for name in names:
        if name not in known:
            raise fetch.Trouble(f"there is no client {name!r}; there are: {', '.join(known)}")
    return [c for c in found if not names or c.name in names]


def _checkout(name, adapter, module, folder):
    path = folder.joinpath(*module.split("."))
    if not path.with_suffix(".py").is_file() and not path.is_dir():
        raise fetch.Trouble(
            f"{folder} holds no {module}: name the folder that has "
            f"{module.replace('.', '/')}.py in it (or, for a package, its folder)"
        )
    windows = (1,) if adapter == "use_umqtt_simple" else (1, 16)
    return Contender(name, adapter, NO_QOS2, module, folder=folder.absolute(), windows=windows)

"""The measuring program's start on a board: the watchdog and Wi-Fi first.

Once a node has armed the watchdog, nothing can stop that but a reset of the board. So it is armed
anyway, and fed: a board whose host went away in the middle comes back to what it did before.
"""

import json

import meter
import wifi
from stop import Stop

PATIENCE_MS = 120000  # a name server that never answers takes a minute


def run(text, home):
    """Measure with the settings `text`; `home`: the folder of the node's config.json."""
    meter.say_system()
    settings = json.loads(text)
    stop = Stop(_watchdog())
    try:
        radio = wifi.join(settings["wifi"], wifi.node_config(home), stop.look)
    except wifi.NoNetwork as error:
        meter.say("end", why="failed", step="wifi", text=str(error))
        return
    if radio is not None:
        meter.say("wifi", **radio)
    meter.run(settings, stop)


def _watchdog():
    try:
        import machine

        return machine.WDT(timeout=PATIENCE_MS).feed
    except (ImportError, AttributeError, ValueError, OSError):  # a board that has none
        return _nothing


def _nothing():
    pass

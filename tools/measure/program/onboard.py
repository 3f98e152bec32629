"""The measuring program's start on a board: Wi-Fi and the node's watchdog first.

Once the node has armed its watchdog, nothing can stop that one but a reset of the board. It is
therefore armed again, with the node's own time, and fed.
"""

import json

import meter
import wifi
from stop import Stop


def run(text, home):
    """Measure with the settings `text`; `home`: the folder of the node's config.json."""
    meter.say_system()
    settings = json.loads(text)
    config = wifi.node_config(home)
    stop = Stop(_watchdog(config))
    try:
        radio = wifi.join(settings["wifi"], config, stop.look)
    except wifi.NoNetwork as error:
        meter.say("end", why="failed", step="wifi", text=str(error))
        return
    if radio is not None:
        meter.say("wifi", **radio)
    meter.run(settings, stop)


def _watchdog(config):
    entry = config.get("watchdog")
    seconds = entry.get("timeout", 120) if isinstance(entry, dict) else 120
    if not config or not seconds:
        return _nothing
    try:
        import machine

        return machine.WDT(timeout=seconds * 1000).feed
    except (ImportError, AttributeError, ValueError, TypeError, OSError):  # it has none, or not so
        return _nothing


def _nothing():
    pass

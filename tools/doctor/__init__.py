"""Finds what keeps a node from being online: computer, cable, firmware, files, configuration,
Wi-Fi, broker. Each check has a finding and, if something is wrong, the next step.

    python -m tools.doctor [--port PORT] [--config FILE]

It changes no file. A node on the board is stopped and restarted.
"""

from dataclasses import dataclass

GOOD, DOUBT, BAD, LEFT_OUT = "good", "doubt", "bad", "left out"


@dataclass
class Finding:
    """What one check found. `next`: what to do, empty when nothing has to be done."""

    check: str
    state: str
    text: str
    next: str = ""

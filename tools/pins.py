"""The versions of packages that the project is tried with: its requirements files pin them."""

import re

from tools.deploy.bundle import ROOT

FILES = ("requirements.txt", "requirements-flash.txt")


def pinned():
    """Name of a package, as its file writes it -> version."""
    text = "\n".join((ROOT / name).read_text() for name in FILES)
    return dict(re.findall(r"(?m)^([\w-]+)==([\w.]+)", text))

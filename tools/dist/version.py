"""The version of the project, and what the changelog says of it.

It stands in pyproject.toml. The packages for mip and the manifests repeat it, since they are read
where that file is not; `python -m tools.dist.packages` writes it there, and a test compares.

A version is released once CHANGELOG.md has a section of its name. Until then a bundle is called
<version>-dev and carries the section "Unreleased". A link of it into the sources, where a bundle has
nothing, becomes the path that it names.
"""

import re
import tomllib
from dataclasses import dataclass

from tools.deploy import Trouble
from tools.deploy.bundle import ROOT

UNRELEASED = "Unreleased"


@dataclass(frozen=True)
class Release:
    """`name` as in 0.1.0 or 0.1.0-dev; `changes`: its section of the changelog, with a heading."""

    name: str
    changes: str


def number(root=ROOT):
    """The version in pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]


def release(root=ROOT):
    """The Release that this tree is. Trouble when the changelog says nothing of it."""
    version = number(root)
    sections = _sections((root / "CHANGELOG.md").read_text(encoding="utf-8"))
    for heading, name in ((version, version), (UNRELEASED, f"{version}-dev")):
        if sections.get(heading):
            return Release(name, f"# Steadynode {name}\n\n{_unlinked(sections[heading])}\n")
    raise Trouble(
        f'CHANGELOG.md has no section "## {version}" and none "## {UNRELEASED}" with anything in '
        "it: write what is new there. The version is that of pyproject.toml"
    )


def _sections(text):
    """First word of each heading of level two -> what stands below it."""
    parts = re.split(r"(?m)^## +(\S+).*\n", text)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def _unlinked(text):
    def plain(link):
        shown, target = link.groups()
        return shown if shown == target else f"{shown} ({target})"

    return re.sub(r"\[([^\]]+)\]\((?!https?://)([^)]+)\)", plain, text)

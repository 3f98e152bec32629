"""docs/mqtt.md names what lib/mqtt offers: every argument with its default, every code with its
number, every counter; so that the contract cannot fall behind the code."""

import inspect
import re

import pytest

from mqtt import Client, Reconnect, codes
from mqtt.publication import Publication
from tests.checks.sources import ROOT

PAGE = (ROOT / "docs/mqtt.md").read_text(encoding="utf-8")
FLAT = re.sub(r"\s+", " ", PAGE)


def call(function, name):
    """The call as the page writes it: name(a, b=default, ...)."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    parts = [p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters]
    return f"{name}({', '.join(parts)})"


@pytest.mark.parametrize(
    "wanted",
    [
        call(Client.__init__, "Client"),
        call(Reconnect.__init__, "Reconnect"),
        call(Client.publish, "publish"),
        call(Client.prepare, "prepare"),
        call(Client.subscribe, "subscribe").replace("flt", "filter"),
        call(Client.unsubscribe, "unsubscribe").replace("flt", "filter"),
        call(Publication.send, "publication.send"),
        call(Client.step, "step"),
        call(Client.connect, "connect"),
        call(Client.disconnect, "disconnect"),
        call(Client.deadline, "deadline"),
    ],
)
def test_the_page_has_the_call_with_its_arguments_and_defaults(wanted):
    assert f"`{wanted}`" in FLAT


@pytest.mark.parametrize("name", [name for name in vars(codes) if name.isupper()])
def test_the_page_has_the_name_with_its_number(name):
    assert f"`{name}` {getattr(codes, name)}" in FLAT


def test_the_page_has_every_counter():
    source = inspect.getsource(Client.__init__)
    names = re.findall(r"self\.(\w+) = 0", source[source.index("# counters") :])
    assert len(names) > 10
    assert [name for name in names if f"`{name}`" not in PAGE] == []

"""Fixtures over real brokers. `make_broker(...)` starts one; everything ends with its test."""

import pytest

from tests.broker import brokers
from tests.broker.strings import Judge, Puppet
from tests.support import runtimes
from tests.support.pure_plugin import leave_out

KINDS = {"mosquitto": brokers.Mosquitto, "iotcore": brokers.IotCore}


@pytest.fixture(params=KINDS)
def broker_kind(request):
    """Each broker in turn; the name of it."""
    return request.param


@pytest.fixture
def make_broker(tmp_path):
    """make_broker(kind, **options): a started broker of that kind."""
    made = []

    def make(kind, **options):
        if kind == "mosquitto" and brokers.MOSQUITTO is None:
            leave_out("tests with Mosquitto: not installed (sudo apt-get install mosquitto)")
        folder = tmp_path / f"{kind}-{len(made)}"
        folder.mkdir()
        made.append(KINDS[kind](folder, **options))
        return made[-1].start()

    yield make
    for broker in made:
        broker.stop()


@pytest.fixture
def broker(make_broker, broker_kind):
    """A started broker with no options, of each kind in turn."""
    return make_broker(broker_kind)


@pytest.fixture(params=["unix", "cpython"])
def runtime(request):
    """The runtimes that have sockets, in turn."""
    if request.param == "unix":
        try:
            runtimes.micropython_command()
        except runtimes.Missing as missing:
            leave_out(f"broker tests on the Unix port: {missing}")
    return request.param


@pytest.fixture
def make_puppet(runtime):
    """make_puppet(port, client_id, **client options): a puppet, not yet started."""
    made = []

    def make(port, client_id="puppet", **options):
        made.append(Puppet(runtime, port, client_id, **options))
        return made[-1]

    yield make
    for puppet in made:
        if puppet.process.poll() is None:
            puppet.kill()


@pytest.fixture
def make_judge():
    """make_judge(port, **options): a connected independent client."""
    made = []

    def make(port, client_id="judge", **options):
        made.append(Judge(port, client_id, **options))
        return made[-1]

    yield make
    for judge in made:
        judge.close()

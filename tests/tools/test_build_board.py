"""What is put on a board is what was tested: the suite's public tests, the examples and the node
run from the built tree, on both MicroPythons where there are no sockets, else on the Unix port."""

import ast
import json
import os
import shutil
import subprocess

import pytest

from tests.broker.conftest import make_broker, make_judge  # noqa: F401 (fixtures)
from tests.support import runtimes
from tests.support.pure_plugin import leave_out
from tests.tools.board import PATIENCE_S, eventually
from tools.build.__main__ import build
from tools.run.parts import Node
from tools.sizes.measuring import BOARD

ROOT = runtimes.ROOT
PURE = ROOT / "tests" / "pure"
ALL = ("unix", "wasm")
UNIX = ("unix",)

# Those that look at modules and attributes which the build merges or renames are not among them.
FILES = {
    "test_front_simple": UNIX,
    "test_mqtt_connect": ALL,
    "test_mqtt_eager": UNIX,
    "test_mqtt_full": UNIX,
    "test_mqtt_interrupt": ALL,
    "test_mqtt_lone": UNIX,
    "test_mqtt_oversize": UNIX,
    "test_mqtt_pieces": UNIX,
    "test_mqtt_prepare": ALL,
    "test_mqtt_publish": ALL,
    "test_mqtt_qos2_receive": ALL,
    "test_mqtt_qos2_send": ALL,
    "test_mqtt_qos2_trouble": UNIX,
    "test_mqtt_raised": UNIX,
    "test_mqtt_receive": ALL,
    "test_mqtt_reconnect": ALL,
    "test_mqtt_resend": UNIX,
    "test_mqtt_slow": UNIX,
    "test_mqtt_subscribe": UNIX,
    "test_mqtt_time": UNIX,
    "test_node_app": UNIX,
    "test_node_boot": UNIX,
    "test_node_config": UNIX,
    "test_node_extending": ALL,
    "test_node_outage": UNIX,
    "test_node_rescue": UNIX,
    "test_node_whole": ALL,
}
# Reach for what only the sources have: variables of their own, methods of a set-up module.
LOOK_INSIDE = {
    "test_a_step_that_fails_is_told_counted_and_not_fed",
    "test_an_id_in_use_is_never_given_again",
    "test_an_id_is_not_free_before_pubcomp",
    "test_ctrl_c_while_a_publish_is_refused_leaves_the_next_ones_as_they_were",
    "test_every_kind_keeps_the_contract",
    "test_every_kind_writes_its_state_within_its_size",
    "test_many_between_two_steps_take_no_room_and_are_told_each_once",
    "test_the_largest_health_message_fits_its_place",
    "test_values_of_a_wrong_type_are_refused_and_change_nothing",
    "test_what_the_link_did_not_take_may_be_replaced_by_a_longer_one_of_any_header",
}


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder of the built modules."""
    folder = tmp_path_factory.mktemp("built") / "lib"
    build(folder)
    return folder


def named_in(name):
    tree = ast.parse((PURE / f"{name}.py").read_text())
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return tuple(each for each in names if each.startswith("test_") and each not in LOOK_INSIDE)


def passes(runtime, name, tests, lib):
    try:
        results = runtimes.run_file(runtime, PURE / f"{name}.py", tests, lib=lib)
    except runtimes.Missing as missing:
        leave_out(f"the built tree on {runtime}: {missing}")
    assert tests
    for test in tests:
        assert results.failure_of(test) is None, f"{test}: {results.failure_of(test)}"


@pytest.mark.parametrize(
    ("name", "runtime"), [(name, runtime) for name, all_ in FILES.items() for runtime in all_]
)
def test_the_public_tests_of_the_suite_pass_on_the_built_tree(built, name, runtime):
    passes(runtime, name, named_in(name), built)


HEAP = {
    "test_mqtt_heap": 3,
    "test_mqtt_heap_qos2": 2,
}


@pytest.mark.parametrize("runtime", ALL)
@pytest.mark.parametrize("name", HEAP)
def test_the_built_client_allocates_nothing_either(built, name, runtime):
    passes(runtime, name, named_in(name)[: HEAP[name]], built)


@pytest.mark.parametrize("runtime", ALL)
def test_the_built_node_allocates_nothing_either(built, runtime):
    passes(
        runtime, "test_node_heap", ("test_a_quiet_node_that_only_pings_allocates_nothing",), built
    )


FORGETFUL = """
import sys, mqtt, probe

def forget():
    del sys.modules["mqtt.options"], mqtt.options

def steps():
    for now in range(20):
        client.step(now)

got = []
client = mqtt.Client("a", probe.link, will=("w", b"gone", 1, False))
client.subscribe("first", 1, print)
forget()
client.connect()
steps()
print(client.state == mqtt.UP, client.subscribe(probe._TOPIC, 0, lambda m: got.append(m.payload())))
print(client.subscribe(b"too/#/far", 1, print) == mqtt.BAD_FILTER)
made = client.prepare("x/y", 20, qos=1)
made.buf[made.start] = 65
print(made.send(1) > 0, client.unsubscribe("first"), "mqtt.options" in sys.modules)
forget()
probe.link.command(b"ON")
steps()
print(got, client.acked, client.queued, "mqtt.options" in sys.modules)
try:
    mqtt.Client("c", None, rx_size=1)
except ValueError as error:
    print(error)
forget()
other = mqtt.Reconnect(mqtt.Client("d" * 300, probe.link), [probe.link], first_ms=500)
other.start()
for now in range(5):
    other.step(now)
print(other.client.state == mqtt.UP, other.first_ms, other.attempts)
"""


@pytest.mark.parametrize("runtime", ALL)
def test_a_client_that_forgot_its_set_up_makes_a_new_one_when_it_is_asked(built, runtime):
    try:
        wanted = runtimes.run_code(runtime, FORGETFUL, [BOARD, ROOT / "lib"])
        found = runtimes.run_code(runtime, FORGETFUL, [BOARD, built])
    except runtimes.Missing as missing:
        leave_out(f"the built tree on {runtime}: {missing}")
    assert wanted.code == 0, wanted.output
    assert (found.code, found.output) == (0, wanted.output), found.output
    assert found.output.split().count("True") == 5


def test_the_built_tree_holds_compiled_files_only_and_a_map_of_its_names(built):
    assert {path.suffix for path in built.rglob("*") if path.is_file()} == {".mpy"}
    legends = json.loads((built.parent / "names.json").read_text())
    assert {"mqtt", "node.app", "node.devices.relay"} <= set(legends)


def python(micropython, code, lib, folder):
    done = subprocess.run(
        [micropython, "-c", code],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "MICROPYPATH": f"{lib}:{ROOT}/examples/mqtt:.frozen"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split()


def test_the_client_alone_runs_an_example(
    built,
    micropython,
    make_broker,  # noqa: F811
    make_judge,  # noqa: F811
    tmp_path,
):
    """As mip installs it: the folder mqtt, and nothing of the node."""
    broker = make_broker("mosquitto")
    judge = make_judge(broker.port)
    judge.subscribe("#", 1)
    lib = tmp_path / "lib"
    shutil.copytree(built / "mqtt", lib / "mqtt")
    code = f"import telemetry; print(telemetry.main('127.0.0.1', {broker.port}, 20, 3))"
    assert python(micropython, code, lib, tmp_path) == ["3"]
    judge.log.wait(lambda log: len(log) >= 3, "three readings")


def test_the_fronts_and_the_example_of_each_run(
    built,
    micropython,
    make_broker,  # noqa: F811
    make_judge,  # noqa: F811
    tmp_path,
):
    broker = make_broker("mosquitto")
    judge = make_judge(broker.port)
    judge.subscribe("porch/#", 1)
    code = (
        "import asyncio, with_asyncio\n"
        f"print(asyncio.run(with_asyncio.main('127.0.0.1', {broker.port})))"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "MICROPYPATH": f"{built}:{ROOT}/examples/mqtt:.frozen",
    }
    with subprocess.Popen(
        [micropython, "-c", code],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as firmware:
        try:
            judge.wait("porch/alive", "yes")
            script = f"import script; print(script.main('127.0.0.1', {broker.port}))"
            assert python(micropython, script, built, tmp_path) == ["[b'stop']"]
            said, _ = firmware.communicate(timeout=120)
        finally:
            firmware.kill()
    assert firmware.returncode == 0, said
    assert int(said) >= 2


def test_the_simulated_node_starts_from_the_built_tree_and_obeys(
    built,
    micropython,
    board,
    make_broker,  # noqa: F811
    make_judge,  # noqa: F811
    tmp_path,
    monkeypatch,
):
    monkeypatch.setenv("MICROPYTHON", micropython)
    broker = make_broker("mosquitto")
    judge = make_judge(broker.port)
    judge.subscribe("#", 1)
    config = json.loads((ROOT / "config.example.json").read_text())
    config["mqtt"]["brokers"] = [{"host": "127.0.0.1", "port": broker.port}]
    for device in config["devices"]:
        if device["kind"] == "dht22":
            device["every"] = 2
    (tmp_path / "config.json").write_text(json.dumps(config))
    base = f"{config['prefix']}/{config['node']}"
    sensor = next(d["name"] for d in config["devices"] if d["kind"] == "dht22")
    relay = next(d["name"] for d in config["devices"] if d["kind"] == "relay")
    node = Node(tmp_path, board, built)
    node.start()
    try:
        judge.wait(f"{base}/status", "online")
        eventually(lambda: judge.payloads(f"{base}/{sensor}/state"), "a reading")
        judge.publish(f"{base}/{relay}/set", "ON")
        judge.wait(f"{base}/{relay}/state", "ON")
        node.interrupt()
        assert node.join(PATIENCE_S)
    finally:
        node.stop()
    assert node.exit_code == 0, "\n".join(node.tail(30))
    judge.wait(f"{base}/status", "offline")

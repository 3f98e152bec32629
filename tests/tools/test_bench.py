"""The benchmark tells the truth: known costs come out as they are, and each program sends."""

import socket
import time
import xml.etree.ElementTree as ElementTree

import pytest

from tests.broker import brokers
from tests.broker.strings import Judge
from tests.support.pure_plugin import leave_out
from tools.bench import catalogue, chart, fetch, heap, instructions, page, probing, rates
from tools.bench.board import traffic
from tools.bench.delay import DelayLine
from tools.bench.footprint import Footprint
from tools.bench.staging import Stage

CONTENDERS = (catalogue.FLOOR, catalogue.OURS, *catalogue.PEERS)

# A client whose operations have a known cost, each around one bare write.
KNOWN = """
import use_raw
from use_raw import connect, socket, window

ASYNC = False
TICKS_MASK = -1
kept = [None] * 3000
at = [0]


def operations(sock):
    write = use_raw.operations(sock)["publish 0"]

    def three_objects():
        for _ in range(3):
            kept[at[0]] = bytearray(0)
            at[0] += 1
        write()

    def large_frame():
        frame(0)
        write()

    def silent():
        try:
            three_objects()
        except MemoryError:
            pass

    return {"publish 0": three_objects, "prepared 0": large_frame, "publish 1": silent}


def frame(a):
    b = c = d = e = f = g = h = i = j = k = l = m = n = a
    return b + c + d + e + f + g + h + i + j + k + l + m + n
"""


@pytest.fixture(scope="module")
def stage(micropython):
    with Stage() as made:
        yield made


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    folder = tmp_path_factory.mktemp("known")
    (folder / "use_known.py").write_text(KNOWN)
    return catalogue.Contender("known", "use_known", (), "use_known", folder=folder)


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory):
    if brokers.MOSQUITTO is None:
        leave_out("tests with Mosquitto: not installed (sudo apt-get install mosquitto)")
    broker = brokers.Mosquitto(tmp_path_factory.mktemp("mosquitto")).start()
    yield broker
    broker.stop()


def test_three_objects_left_are_reported_as_three_and_do_not_pass_the_lock(stage, known):
    account = heap.account(stage, known, "publish 0", 20)
    assert (account.objects, account.bytes) == (3, 3 * 32)
    assert account.requested >= 3 * 16
    assert not account.lock and "MemoryError" in account.refusal


def test_a_large_frame_is_seen_as_requested_though_nothing_is_left(stage, known):
    account = heap.account(stage, known, "prepared 0", 20)
    assert (account.objects, account.bytes, account.lock) == (0, 0, True)
    assert account.requested > 100


def test_a_client_that_swallows_the_refusal_and_sends_nothing_does_not_pass_the_lock(stage, known):
    account = heap.account(stage, known, "publish 1", 20)
    assert not account.lock and "packets of type 3" in account.refusal


def test_a_bare_write_leaves_nothing_requests_nothing_and_passes_the_lock(stage):
    account = heap.account(stage, catalogue.FLOOR, "publish 0", 20)
    assert (account.objects, account.bytes, account.requested, account.lock) == (0, 0, 0, True)


def test_objects_are_counted_by_their_heads():
    output = (
        "GC memory layout; from 7f00:\n00000000: h=h==B..\n       (3 lines all free)\n"
        "00000800: ..A=\nafterwards\n00000000: hhhh\n"
    )
    assert [heap.objects_in(dump) for dump in heap.dumps_in(output)] == [4]


def test_loop_waiting_and_asking_are_taken_off_the_instructions():
    slopes = {
        ("none", "loop"): (100, 0),
        ("none", "ask"): (150, 0),
        ("none", "wait"): (190, 1),
        ("x", "publish 1"): (1000, 2),
        ("x", "receive 0"): (1000, 1),
    }
    figures = instructions.account(slopes)
    assert figures == {"x": {"publish 1": 1000 - 100 - 2 * 40, "receive 0": 1000 - 150 - 40}}


def test_a_share_is_of_the_floor_of_the_same_round():
    taken = {("raw socket", "publish 0"): [100, 200, 400], ("x", "publish 0"): [50, 20, 100]}
    rate = rates.shares(taken)["x"]["publish 0"]
    assert (rate.per_second, rate.share, rate.lowest, rate.highest) == (50, 0.25, 0.1, 0.5)


def test_callgrind_counts_what_an_empty_call_costs(stage):
    try:
        under = probing.valgrind_command()
    except probing.Trouble as trouble:
        leave_out(f"tests with callgrind: {trouble}")
    cost, waits = instructions.slope(stage, catalogue.NONE, "loop", 100, under)
    assert 200 < cost < 5000 and waits == 0


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda contender: contender.name)
def test_each_program_delivers_to_a_broker_and_receives_from_it(stage, mosquitto, contender):
    judge = Judge(mosquitto.port)
    try:
        judge.subscribe(traffic.TOPIC.decode(), 1)
        for qos in (0, 1):
            before = len(judge.log.all)
            assert rates.one(stage, contender, f"publish {qos}", 1, mosquitto.port) > 0
            # The first to come may still be the last of the QoS before.
            judge.log.wait(
                lambda log, n=before, qos=qos: [m for m in log[n:] if m.qos == qos],
                f"QoS-{qos} message",
            )
            assert {m.payload for m in judge.log.all[before:]} == {traffic.PAYLOAD}
            # Ends only when all that the broker was given have reached the handler.
            assert rates.one(stage, contender, f"receive {qos}", 1, mosquitto.port) > 0
    finally:
        judge.close()


def test_bytes_on_a_delayed_link_do_not_wait_for_each_other():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with DelayLine(server.getsockname()[1], 0.5) as line:
            client = socket.create_connection(("127.0.0.1", line.port))
            arrived = server.accept()[0]
            arrived.settimeout(10)
            begun = time.monotonic()
            took = []
            for number in range(5):
                client.sendall(bytes([number]))
                time.sleep(0.02)  # apart, so that each is a chunk of its own
            for number in range(5):
                assert arrived.recv(1) == bytes([number])
                took.append(time.monotonic() - begun)
            client.close()
            arrived.close()
    assert took[0] >= 0.5
    assert took[-1] < 4 * 0.5, "one after the other they would take five times as long as one"


def results():
    """Made up, of every part and contender."""
    account = heap.Account(4, 128, 247, False, "MemoryError")
    rate = rates.Rate(1000, 0.5, 0.4, 0.6)
    link = {(ms, window): 9.9 for ms in rates.ROUND_TRIPS_MS for window in rates.WINDOWS}
    return {
        "heap": {c.name: dict.fromkeys(c.operations, account) for c in CONTENDERS},
        "instructions": {c.name: dict.fromkeys(c.operations, 21640) for c in CONTENDERS},
        "throughput": {c.name: dict.fromkeys(rates.OPERATIONS, rate) for c in CONTENDERS},
        "link": {c.name: link for c in CONTENDERS},
        "footprint": {c.name: Footprint(1, 2, 3, 4) for c in CONTENDERS},
    }


def test_every_table_of_the_page_holds_each_client(tmp_path):
    page.write(results(), [["MicroPython", "1.29"]], tmp_path)
    text = (tmp_path / "benchmarks.md").read_text()
    assert "{{" not in text
    tables = [part for part in text.split("\n\n") if part.startswith("| |")]
    compared = [table for table in tables if "raw socket" in table]
    assert len(compared) == 8
    for table in compared:
        for contender in CONTENDERS:
            assert f"| {contender.name} |" in table
    for name in page.charts(results()):
        assert f"(benchmarks-{name}.svg)" in text
        assert ElementTree.fromstring((tmp_path / f"benchmarks-{name}.svg").read_text()) is not None


def test_bars_are_as_long_as_their_numbers():
    drawn = ElementTree.fromstring(chart.bars("t", {"s": {"a": 10, "b": 20, "c": 5}}, str))
    widths = [float(r.get("width")) for r in drawn if r.get("fill") == chart.COLOURS[0]]
    assert widths[1] == pytest.approx(2 * widths[0]) == pytest.approx(4 * widths[2])


def test_a_name_that_is_no_client_is_refused_with_those_there_are():
    with pytest.raises(fetch.Trouble, match="there are: raw socket, lib/mqtt, umqtt.simple"):
        catalogue.chosen(["paho"])


def test_a_checkout_without_the_client_is_refused_with_what_to_name(tmp_path):
    with pytest.raises(fetch.Trouble, match=r"holds no umqtt.simple: name the folder"):
        catalogue.chosen(umqtt=tmp_path)
    (tmp_path / "umqtt").mkdir()
    (tmp_path / "umqtt" / "simple.py").write_text("VERSION = (1, 5, 0)\n")
    assert catalogue.chosen(umqtt=tmp_path)[-1].version() == "1.5.0"

"""The meter's report: figures, options and texts, without a broker."""

import io
import json
import re
import xml.etree.ElementTree as ElementTree

import pytest
from rich.console import Console

from tools.measure import __main__ as command
from tools.measure import chart, local, options, report, words
from tools.run.parts import Trouble

SETTINGS = {
    "host": "broker.example",
    "port": 1883,
    "user": "somebody",
    "password": "open-sesame",
    "client_id": "measure-1",
    "topic": "steadynode-measure/00c0ffee",
    "wifi": {"ssid": "the-network", "password": "its-key"},
    "qos": [0, 1],
    "sizes": [16],
    "windows": [1, 16],
    "rate": 20,
    "latency": 4,
    "throughput": 10,
    "messages": 1000,
    "seconds": 60,
    "linger_ms": 2000,
    "timeout_ms": 10000,
}
COUNTED = {
    "tag": 1,
    "sent": 4,
    "acked": 4,
    "received": 3,
    "duplicates": 1,
    "failed": 0,
    "slips": 0,
    "acked_us": 2000,
    "received_us": 1500,
    "took_us": 2_000_000,
    "heap": 0,
    "connected": True,
    "complete": True,
}


def told(*lines):
    made = report.Report(SETTINGS, "unix")
    for line in lines:
        made.take(line if isinstance(line, str) else report.MARK + json.dumps(line))
    return made


def phase(**values):
    return {
        "is": "phase",
        "phase": "latency",
        "qos": 1,
        "bytes": 16,
        "window": 16,
        **COUNTED,
    } | values


def latency(*lines):
    begin = {"is": "begin", "phase": "latency", "qos": 1, "bytes": 16, "window": 16}
    return told(begin, *lines).data["results"][0]["latency"]


@pytest.mark.parametrize(
    ("values", "percent", "wanted"),
    [
        ([7], 50, 7),
        ([1, 2], 50, 1),
        ([1, 2, 3], 50, 2),
        (list(range(1, 101)), 50, 50),
        (list(range(1, 101)), 95, 95),
        (list(range(1, 101)), 99, 99),
        (list(range(1, 100)), 99, 99),
        (list(range(1, 21)), 95, 19),
        (list(range(1, 1001)), 99, 990),
    ],
)
def test_a_percentile_is_the_nearest_rank_and_so_a_value_that_occurred(values, percent, wanted):
    assert report.percentile(values, percent) == wanted


def test_times_that_never_came_are_left_out_and_the_rest_is_in_milliseconds():
    found = report.distribution([4000, -1, 1000, 2500])
    assert found == {"n": 3, "min": 1.0, "p50": 2.5, "p95": 4.0, "p99": 4.0, "max": 4.0}
    assert report.distribution([-1, -1]) is None


def test_samples_of_several_lines_make_one_distribution():
    samples = [{"is": "samples", "of": "back", "us": us} for us in ([1000, 2000], [3000, -1])]
    acks = {"is": "samples", "of": "ack", "us": [500, 600, 700, 800]}
    found = latency(*samples, acks, phase())
    assert found["end_to_end_ms"]["n"] == 3
    assert found["end_to_end_ms"]["max"] == 3.0
    assert found["ack_ms"]["p50"] == 0.6


def test_loss_is_one_less_received_over_sent():
    assert latency(phase())["loss"] == 0.25
    assert latency(phase(received=4))["loss"] == 0.0


def test_loss_is_unknown_when_the_connection_went_with_messages_under_way():
    assert latency(phase(connected=False, complete=False))["loss"] is None
    assert latency(phase(connected=False, complete=False, received=4))["loss"] == 0.0


def test_qos_0_has_no_acknowledgement_and_therefore_no_time_to_it():
    begin = {"is": "begin", "phase": "latency", "qos": 0, "bytes": 16, "window": 16}
    samples = {"is": "samples", "of": "ack", "us": [5]}
    made = told(begin, samples, phase(qos=0), phase(qos=0, phase="throughput"))
    cell = made.data["results"][0]
    assert cell["latency"]["ack_ms"] is None
    assert cell["throughput"][0]["acked_per_s"] is None
    assert cell["throughput"][0]["per_s"] == pytest.approx(3 / 0.0015)


def test_a_report_is_incomplete_until_the_program_says_that_all_was_done():
    granted = {"is": "granted", "of": [[0, 0], [1, 1]]}
    end = {"is": "end", "why": "done", "late": 2, "foreign": 1, "errors": 0, "goodbye": True}
    assert told(granted).data["complete"] is False
    data = told(granted, end).data
    assert (data["complete"], data["error"], data["strays"]) == (
        True,
        None,
        {"late": 2, "foreign": 1},
    )
    assert told(granted, {**end, "errors": 3}).data["complete"] is False


def test_a_broker_that_grants_no_subscription_is_an_error_with_advice():
    granted = {"is": "granted", "of": [[0, 128], [1, 128]]}
    end = {"is": "end", "why": "done", "late": 0, "foreign": 0, "errors": 0, "goodbye": True}
    data = told(granted, end).data
    assert not data["complete"]
    assert "--prefix" in data["error"]


def test_lines_of_anything_else_are_kept_for_the_last_words_only():
    made = told("I (123) wifi: state", "", *(f"line {k}" for k in range(20)))
    assert made.tail == [f"line {k}" for k in range(8, 20)]
    assert made.data["results"] == []


def test_neither_user_nor_password_nor_network_is_in_the_report():
    text = json.dumps(told({"is": "wifi", "rssi": -60, "pm": 1}).data)
    for secret in ("somebody", "open-sesame", "the-network", "its-key"):
        assert secret not in text


def end(**values):
    return {"why": "failed", "errors": 0, "step": "connect", "errno": "", "detail": 0, **values}


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (end(reason="REFUSED", detail=4), "CONNACK 4.*MQTT_PASSWORD"),
        (end(reason="REFUSED", detail=5), "CONNACK 5.*MQTT_USER"),
        (end(reason="REFUSED", detail=77), "CONNACK 77"),
        (end(reason="TRANSPORT", errno="ECONNREFUSED", detail=-111), "nothing listens.*ECONNREF"),
        (end(reason="TRANSPORT", errno="UNRESOLVED", detail=-1000), "name h\\..*DNS"),
        (end(reason="TRANSPORT", errno="", detail=-118), "errno 118"),
        (end(reason="CONNECT_TIMEOUT"), "firewall"),
        (end(reason="MALFORMED"), "is it a broker"),
        (end(reason="PEER_CLOSED", why="lost", step="measure"), "lost while measuring.*log"),
        (end(reason="FULL", why="lost"), "FULL"),
        (end(step="wifi", text='no access point "x" in reach'), "WIFI_SSID"),
        (end(step="memory"), "smaller --sizes"),
        (end(step="program", text="ValueError: x"), "ValueError: x"),
        (end(why="time"), "SECONDS"),
        (end(why="stopped"), "stopped by you"),
    ],
)
def test_every_way_to_fail_is_said_with_what_to_do_next(said, wanted):
    text = words.why(said, {"host": "h", "port": 1}, {"1": 1})
    assert re.search(wanted, text), text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("h", ("h", 1883)),
        ("h:1884", ("h", 1884)),
        ("mqtt://h:1", ("h", 1)),
        ("tcp://10.0.0.1/", ("10.0.0.1", 1883)),
        ("[fe80::1]", ("fe80::1", 1883)),
        ("[::1]:65535", ("::1", 65535)),
    ],
)
def test_a_broker_is_named_by_host_and_port(text, wanted):
    assert options.broker(text) == wanted


@pytest.mark.parametrize("text", ["h:0", "h:65536", "h:x", "::1", "mqtts://h", "ws://h", "u:p@h"])
def test_a_broker_that_cannot_be_is_refused_without_repeating_a_password(text):
    with pytest.raises(Trouble) as refused:
        options.broker(text)
    assert "u:p" not in str(refused.value)


def test_user_and_password_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("MQTT_USER", "somebody")
    monkeypatch.setenv("MQTT_PASSWORD", "open-sesame")
    monkeypatch.setenv("WIFI_SSID", "the-network")
    monkeypatch.setenv("WIFI_PASSWORD", "its-key")
    made = options.settings(options.parse(["h"]))
    assert (made["user"], made["password"]) == ("somebody", "open-sesame")
    assert made["wifi"] == {"ssid": "the-network", "password": "its-key"}


def test_every_run_has_a_topic_of_its_own_below_the_prefix():
    asked = options.parse(["h", "--prefix", "home/test/"])
    topics = {options.settings(asked)["topic"] for _ in range(20)}
    assert len(topics) == 20
    assert all(topic.startswith("home/test/") for topic in topics)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--sizes", "3"],
        ["--sizes", "60001"],
        ["--sizes", "16,16"],
        ["--qos", "3"],
        ["--qos", ""],
        ["--seconds", "0"],
        ["--seconds", "2000"],
        ["--windows", "0"],
        ["--messages", "71"],
        ["--prefix", "a/#"],
        ["--prefix", "$SYS"],
        ["--linger", "nan"],
    ],
)
def test_options_out_of_range_are_refused_with_the_range(arguments, capsys):
    with pytest.raises(SystemExit):
        options.parse(["h", *arguments])
    assert arguments[0] in capsys.readouterr().err


def test_the_chart_of_any_report_is_an_svg_and_escapes_what_the_broker_is_called():
    begin = {"is": "begin", "phase": "latency", "qos": 1, "bytes": 16, "window": 16}
    samples = {"is": "samples", "of": "back", "us": [1000, 2000, 3000, -1]}
    burst = phase(phase="throughput", window=1, received=0, received_us=0)
    for lines in (
        [],
        [begin, phase()],
        [begin, samples, phase()],
        [begin, samples, phase(), burst],
    ):
        made = told(*lines)
        made.data["broker"]["host"] = "<&>"
        root = ElementTree.fromstring(chart.draw(made.data))
        assert root.tag.endswith("svg")
        shown = " ".join(root.itertext())
        assert "<&>" in shown
        assert ("25 % lost" in shown) == (samples in lines)


@pytest.fixture
def play(micropython, monkeypatch, tmp_path):
    """play(program text, seconds): the error of a run of it, ended after so many seconds."""
    monkeypatch.setenv("MICROPYTHON", micropython)
    monkeypatch.setattr(local, "PROGRAM", tmp_path / "program.py")
    monkeypatch.setattr(command, "GRACE_S", 0)

    def run(text, seconds=20):
        (tmp_path / "program.py").write_text(text)
        settings = {**SETTINGS, "seconds": seconds, "timeout_ms": 0}
        made = command.Run(local.Local("unix"), settings, Console(file=io.StringIO()))
        made.play()
        return made.report.data["error"]

    return run


def test_a_program_that_dies_is_told_with_its_last_words(play):
    assert "NameError" in play("import sys\nsys.stdin.readline()\nboom")
    assert "out of memory" in play("raise MemoryError")


def test_a_program_that_falls_silent_is_ended(play):
    assert "no longer answered" in play("while True: pass", seconds=0.3)

"""The whole node over an in-memory transport: what it says, when, and what survives."""

import json

import peer
from check import eq, less, raises, true
from nodefakes import Bench, example

PUBLISH = peer.PUBLISH


def test_the_connection_carries_will_session_and_credentials():
    data = example()
    data["mqtt"]["username"] = "u"
    data["mqtt"]["password"] = "p"
    bench = Bench(data).connect()
    connect = bench.broker.of(peer.CONNECT)[0]
    eq(connect.will, (b"sn/n1/status", b"offline", 1, 1))
    eq((connect.client_id, connect.clean, connect.keepalive), (b"n1", 0, 30))
    eq((connect.username, connect.password), (b"u", b"p"))


def test_it_subscribes_to_its_commands_at_qos_1():
    bench = Bench().connect()
    wanted = [pair for p in bench.broker.of(peer.SUBSCRIBE) for pair in p.filters]
    eq(sorted(wanted), [(b"sn/n1/cmd", 1), (b"sn/n1/fan/set", 1), (b"sn/n1/pump/set", 1)])


def test_online_and_the_relay_states_are_retained_on_every_connection():
    bench = Bench().connect()
    bench.run(3000)
    bench.broker.seen.clear()
    bench.wire.reset()
    bench.run(3000)
    for suffix, payload in (("status", b"online"), ("fan/state", b"OFF"), ("pump/state", b"OFF")):
        eq(bench.said(suffix), [payload])
    said = [p for p in bench.broker.of(PUBLISH) if p.topic == b"sn/n1/status"][0]
    eq((said.qos, said.retain), (1, 1))


def test_readings_go_out_as_json_at_the_configured_qos():
    for qos in (0, 1):
        data = example()
        data["devices"][0]["qos"] = qos
        bench = Bench(data).connect()
        bench.board.sensors[4].temperature = -5
        bench.run(3000)
        said = [p for p in bench.broker.of(PUBLISH) if p.topic == b"sn/n1/air/state"]
        eq(
            [(p.payload, p.qos, p.retain) for p in said],
            [(b'{"temperature":-0.5,"humidity":48.0}', qos, 0)],
        )


def test_health_is_valid_json_with_every_field():
    bench = Bench().connect()
    bench.node.health.worst = 37
    bench.run(62000, 20)
    said = [p for p in bench.broker.of(PUBLISH) if p.topic == b"sn/n1/health"]
    eq((len(said), said[0].qos, said[0].retain), (2, 0, 0))
    health = json.loads(said[-1].payload)
    eq(
        sorted(health),
        [
            "acked",
            "bad_commands",
            "boots",
            "closes",
            "config",
            "connects",
            "crash",
            "crashes",
            "errors",
            "failed",
            "grown",
            "heap",
            "loop",
            "lost",
            "malformed",
            "oversize",
            "received",
            "refused",
            "replaced",
            "resent",
            "reset",
            "rssi",
            "sensors",
            "sent",
            "unmatched",
            "uptime",
            "wifi_failed",
        ],
    )
    eq((health["uptime"], health["rssi"], health["connects"]), (60, -60, 1))
    eq((health["heap"], health["grown"], health["reset"]), (30000, 0, "power-on"))
    eq((health["sent"], health["acked"], health["errors"]), (10, 10, 0))
    eq((health["boots"], health["crashes"], health["crash"]), (0, 0, None))
    eq(health["sensors"], {"air": {"ok": 6, "failed": 0, "timeout": 0, "checksum": 0, "range": 0}})


def test_loop_is_the_worst_step_since_the_last_health():
    bench = Bench().connect()
    bench.node.health.worst = 37
    bench.run(1000)
    eq(json.loads(bench.said("health")[0])["loop"], 37)
    bench.run(61000, 20)
    eq(json.loads(bench.said("health")[1])["loop"], 0)


def test_the_heap_is_collected_once_on_each_connection_and_growth_counted_from_there():
    bench = Bench().connect()
    eq(bench.board.collects, 1)
    bench.board.bytes += 480
    bench.run(1000)
    eq(json.loads(bench.said("health")[-1])["grown"], 480)
    bench.wire.reset()
    bench.run(3000)
    eq(bench.board.collects, 2)
    eq(json.loads(bench.said("health")[-1])["grown"], 0)


def test_the_largest_health_message_fits_its_place():
    bench = Bench().connect()
    node = bench.node
    largest = (1 << 30) - 1
    for name in (
        "sent",
        "acked",
        "resent",
        "refused",
        "replaced",
        "failed",
        "received",
        "connects",
        "oversize",
        "closes",
        "malformed",
    ):
        setattr(node.client, name, largest)
    node.client.unmatched = node.errors = node.clock.seconds = largest
    node.radio.failures = node.config_faults = largest
    node.health.worst = node.board.bytes = node.lost = node.bad_commands = largest
    node.slots[0].device.counts[:] = [largest] * 5
    bench.run(1000)
    eq(node.out.overflow, 0)
    eq(json.loads(bench.said("health")[-1])["sensors"]["air"]["range"], largest)


def test_each_step_reads_one_sensor_at_most():
    data = example()
    data["devices"] = [
        {"kind": "dht22", "name": "s%d" % k, "pin": pin, "every": 2}
        for k, pin in enumerate((4, 5, 18, 19))
    ]
    bench = Bench(data)
    for _ in range(1000):
        before = sum(sensor.reads for sensor in bench.board.sensors.values())
        bench.step()
        less(sum(sensor.reads for sensor in bench.board.sensors.values()) - before, 2)
    for sensor in bench.board.sensors.values():
        less(2, sensor.reads)


def test_node_commands_are_answered():
    bench = Bench().connect()
    bench.run(3000)
    bench.tell("cmd", b"identify")
    answer = json.loads(bench.said("cmd/result")[-1])
    eq((answer["cmd"], answer["ok"], answer["node"]), ("identify", True, "n1"))
    eq(answer["reset"], "power-on")
    bench.tell("cmd", b" report")
    eq(json.loads(bench.said("cmd/result")[-1])["ok"], False)
    bench.broker.seen.clear()
    bench.tell("cmd", b"report\n")
    eq(bench.said("cmd/result"), [b'{"cmd":"report","ok":true}'])
    bench.run(2500)
    eq((len(bench.said("health")), len(bench.said("fan/state"))), (1, 1))
    eq(len(bench.said("air/state")), 1)
    eq(bench.node.service.reboot, False)


def test_report_reads_no_sensor_sooner_than_it_allows():
    bench = Bench().connect()
    bench.run(1720)
    eq(bench.board.sensors[4].reads, 1)
    bench.tell("cmd", b"report")
    bench.run(1500)
    eq(bench.board.sensors[4].reads, 1)
    bench.run(600)
    eq(bench.board.sensors[4].reads, 2)


def test_unknown_and_retained_node_commands_are_refused_and_answered():
    bench = Bench().connect()
    for payload, retain in (
        (b"explode", 0),
        (b"", 0),
        (b"\xff", 0),
        (b"x" * 300, 0),
        (b"reboot", 1),
    ):
        bench.tell("cmd", payload, retain=retain)
        eq(json.loads(bench.said("cmd/result")[-1])["ok"], False, payload)
    eq((bench.node.bad_commands, bench.node.service.reboot), (5, False))


def test_a_reboot_delivered_twice_is_not_obeyed_again():
    bench = Bench().connect()
    bench.tell("cmd", b"reboot", dup=1)
    eq(bench.node.service.reboot, False)
    true("delivered twice" in bench.log)
    bench.tell("cmd", b"reboot")
    eq(bench.node.service.reboot, True)


def test_messages_for_others_are_counted_and_acknowledged():
    bench = Bench().connect()
    bench.tell("fan/other", b"ON")
    eq(bench.node.client.unmatched, 1)
    true("W mqtt: ignored, on a topic not subscribed to; so far: 1" in bench.log, bench.log)
    eq(bench.board.pins[16].level, False)


def test_the_watchdog_is_fed_by_every_step_or_left_off():
    bench = Bench()
    bench.run(1000)
    eq(bench.board.watch.feeds, 100)
    data = example()
    data["watchdog"]["timeout"] = 0
    bench = Bench(data)
    bench.run(1000)
    eq(bench.board.watch, None)


def test_settings_that_cannot_work_together_are_refused_at_once():
    data = example()
    data["mqtt"]["tx_size"] = 768
    data["devices"] = [
        {"kind": "dht22", "name": "a-rather-long-name-of-sensor-%02d" % k, "pin": pin}
        for k, pin in enumerate((4, 5, 13, 14, 15))
    ]
    true("tx_size" in raises(ValueError, Bench, data))

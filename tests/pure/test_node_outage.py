"""The whole node while the radio, the network or the broker fails: what it keeps, counts, tells."""

import json

import peer
from check import eq, true
from nodefakes import Bench, example

PUBLISH = peer.PUBLISH


def test_no_connection_is_tried_before_the_radio_is_up():
    bench = Bench()
    bench.board.station.auto = False
    bench.run(30000, 50)
    eq(bench.wire.opens, 0)
    bench.board.station.is_up = True
    bench.run(500)
    eq((bench.wire.opens, bench.said("status")), (1, [b"online"]))


def test_a_lost_radio_holds_new_connections_back():
    bench = Bench().connect()
    bench.board.station.is_up = False
    bench.board.station.auto = False
    bench.wire.reset()
    bench.run(10000, 20)
    eq(bench.wire.opens, 1)
    bench.board.station.auto = True
    bench.run(30000, 20)
    eq(bench.wire.opens, 2)
    true('lost "home"' in bench.log)


def test_readings_taken_without_a_connection_are_sent_later_in_order():
    bench = Bench().connect()
    bench.board.station.is_up = False
    bench.board.station.auto = False
    bench.wire.reset()
    for tenths in (100, 110, 120):
        bench.board.sensors[4].temperature = tenths
        bench.run(10000, 20)
    bench.board.station.auto = True
    bench.run(40000, 20)
    temperatures = [json.loads(p)["temperature"] for p in bench.said("air/state")]
    eq(temperatures[:3], [10.0, 11.0, 12.0])


def test_no_reading_is_lost_silently_when_the_outbox_is_full():
    data = example()
    data["devices"][0]["every"] = 2
    data["mqtt"]["tx_size"] = 768
    bench = Bench(data).connect()
    bench.run(1500)
    bench.broker.mute.add(PUBLISH)
    bench.wire.stuck = True
    bench.board.station.auto = False
    for _ in range(400):
        bench.board.station.is_up = False
        bench.run(200)
    client = bench.node.client
    true(client.replaced > 5)
    bench.wire.stuck = False
    bench.broker.mute.clear()
    bench.board.station.auto = True
    bench.run(60000, 20)
    air = bench.node.slots[0]
    told = {p.id for p in bench.broker.of(PUBLISH) if p.topic == b"sn/n1/air/state" and not p.dup}
    reads = air.device.counts[0]
    waiting = 1 if air.device.dirty else 0
    eq(client.queued, 0)
    eq(len(told) + client.replaced + bench.node.lost + waiting, reads)
    eq(bench.node.errors, 0)


def test_each_refusal_of_the_broker_is_told_and_tried_again():
    texts = (
        "protocol version, code 1",
        "client id, code 2",
        "not ready, code 3",
        "username or password, code 4",
        "not allow this client, code 5",
        "unknown code 9",
    )
    for code, text in zip((1, 2, 3, 4, 5, 9), texts):
        bench = Bench()
        bench.broker.refuse = code
        bench.run(2000)
        true("W mqtt: " in bench.log and text in bench.log, bench.log)
        true(bench.wire.opens > 1)
        bench.broker.refuse = 0
        closes = bench.node.client.closes
        true(closes >= 2)
        bench.run(5000)
        eq(bench.said("status"), [b"online"])
        true(b'"closes":%d,"malformed":0' % closes in bench.said("health")[-1])


def test_transport_troubles_are_told_and_outlived():
    for answer, text in (
        (-111, "W mqtt: the broker's port is closed, error -111; next try in ms: "),
        (-104, "W mqtt: no connection to the broker, error -104; next try in ms: "),
        (-1000, "W mqtt: the broker's name has no address; next try in ms: "),
    ):
        bench = Bench()
        bench.wire.opening = [answer, answer]
        bench.run(10000)
        true(text in bench.log, bench.log)
        eq(bench.said("status"), [b"online"])
    bench = Bench().connect()
    bench.wire.send(b"\x30\x80\x80\x80\x80\x01garbage")
    bench.run(5000)
    true("is no MQTT 3.1.1; next try in ms: " in bench.log, bench.log)
    eq((bench.node.client.connects, bench.node.client.malformed), (2, 1))
    bench.wire.half_open = True
    bench.run(80000, 50)
    bench.wire.half_open = False
    true("silent: no answer to a ping" in bench.log or "overdue" in bench.log, bench.log)
    eq(bench.node.errors, 0)


def test_a_second_broker_is_tried_when_the_first_is_gone():
    data = example()
    data["mqtt"]["brokers"].append({"host": "other", "port": 1884})
    bench = Bench(data)
    bench.wire.opening = [-111] * 100
    second = bench.board.wires[1]
    bench.run(3000)
    eq(second.opens, 1)


def test_a_refused_subscription_is_told():
    bench = Bench()
    bench.broker.grants[b"sn/n1/fan/set"] = 0x80
    bench.connect()
    true("refused subscription" in bench.log)

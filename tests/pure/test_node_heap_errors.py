"""The whole node loses its connection over and over, and allocates nothing: neither when it is told
so, nor while it waits, nor when it is back. Opening costs nothing here, since a Wire does not."""

import peer
from check import eq, true
from nodefakes import example
from test_node_heap import Meter

TIMES = 60
BAD = (b"\x00\x00", b"\x30\xff\xff\xff\xff\x01", b"\x40\x03\x00\x01\x00", b"\x20\x02\x00\x00")


def losing(lose, rounds):
    """The Meter of a node of which `lose(wire, broker, k)` ends each connection."""
    data = example()
    data["devices"][0]["every"] = 2
    data["health"]["every"] = 2
    data["mqtt"]["retry_max"] = 1
    data["mqtt"]["keepalive"] = 4
    data["mqtt"]["ack_timeout"] = 1
    meter = Meter(data)
    meter.run(3000)
    bench = meter.bench
    for k in range(5 + rounds):
        meter.measure = k >= 5  # tables have their size then
        meter.lock = k < 5 + rounds // 2
        closes = bench.node.client.closes
        lose(bench.wire, bench.broker, k)
        while bench.node.client.closes == closes:
            meter.run(200, 200)
        bench.broker.mute.clear()
        bench.broker.refuse = 0
        bench.broker.seen.clear()
        bench.text.clear()
        connects = bench.node.client.connects
        while bench.node.client.connects == connects:
            meter.run(200, 200)
    eq((meter.left, meter.taken), (0, 0), "bytes left behind, bytes asked for")
    eq((bench.node.errors, bench.node.client.handler_errors), (0, 0))
    true(bench.node.client.closes >= rounds)
    return meter


def test_malformed_packets_allocate_nothing_in_the_whole_node():
    meter = losing(lambda wire, broker, k: wire.send(BAD[k % len(BAD)]), TIMES)
    true(meter.bench.node.client.malformed >= TIMES)


def test_lost_links_allocate_nothing_in_the_whole_node():
    def lose(wire, broker, k):
        if k & 1:
            wire.reset()
        else:
            wire.end()

    losing(lose, TIMES)


def test_a_broker_that_falls_silent_costs_nothing_in_the_whole_node():
    losing(lambda wire, broker, k: broker.mute.add(peer.PUBLISH), 20)

"""node.app and node.safe: start, loop, faults, the orderly end; relays safe first of all."""

import json

import peer
from check import eq, raises, true
from node.app import loop
from node.ending import farewell
from node.safe import read, relays
from node.start import begin, start
from nodefakes import Bench, Board, example


def looping(after_ms, do):
    """A bench whose sleep() serves the broker and calls `do(bench)` once after so long."""
    bench = Bench()
    state = {"left": after_ms}

    def on_sleep():
        bench.broker.serve()
        if state["left"] > 0:
            state["left"] -= 5
            if state["left"] <= 0:
                do(bench)

    bench.board.on_sleep = on_sleep
    return bench


def stop(bench):
    raise KeyboardInterrupt


def test_ctrl_c_ends_with_safe_relays_offline_and_disconnect():
    bench = looping(3000, stop)
    bench.node.slots[1].device.on = True
    raises(KeyboardInterrupt, loop, bench.node, bench.board)
    farewell(bench.node, bench.board)
    eq(bench.said("status"), [b"online", b"offline"])
    last = [p for p in bench.broker.of(peer.PUBLISH) if p.payload == b"offline"][0]
    eq((last.qos, last.retain), (1, 1))
    eq(bench.broker.seen[-1].kind, peer.DISCONNECT)
    eq(bench.said("fan/state")[-1], b"OFF")
    eq((bench.board.pins[16].level, bench.board.pins[17].level), (False, True))
    eq(bench.node.client.state, 0)


def test_the_end_waits_one_second_at_most_for_a_silent_broker():
    bench = looping(3000, stop)
    raises(KeyboardInterrupt, loop, bench.node, bench.board)
    bench.broker.mute.add(peer.PUBLISH)
    before = bench.board.now
    farewell(bench.node, bench.board)
    true(((bench.board.now - before) & 0x3FFFFFFF) < 1600)
    eq(bench.broker.seen[-1].kind, peer.DISCONNECT)


def test_the_end_without_a_connection_is_immediate():
    bench = looping(3000, stop)
    bench.wire.opening = [-111] * 1000
    raises(KeyboardInterrupt, loop, bench.node, bench.board)
    before = bench.board.now
    farewell(bench.node, bench.board)
    true(((bench.board.now - before) & 0x3FFFFFFF) < 600)


def test_a_reboot_command_is_acknowledged_and_answered_before_the_end():
    bench = looping(
        3000, lambda bench: bench.wire.send(peer.publish(b"sn/n1/cmd", b"reboot", 1, 7))
    )
    loop(bench.node, bench.board)
    farewell(bench.node, bench.board)
    eq([p.id for p in bench.broker.of(peer.PUBACK)], [7])
    eq(bench.said("cmd/result"), [b'{"cmd":"reboot","ok":true}'])
    eq(bench.said("status")[-1], b"offline")


def test_a_fault_in_a_step_is_counted_told_and_not_fed_to_the_watchdog():
    bench = looping(3000, stop)
    fed = []

    def broken(now):
        if bench.node.errors == 0:
            fed.append(bench.board.watch.feeds)
            raise RuntimeError("bug")
        if len(fed) == 1:
            fed.append(bench.board.watch.feeds)
        return True

    bench.node.radio.step = broken
    raises(KeyboardInterrupt, loop, bench.node, bench.board)
    eq((bench.node.errors, fed), (1, [0, 0]))
    true("E node: a step failed: RuntimeError bug" in bench.log)
    eq(bench.said("status"), [b"online"])


def test_the_loop_measures_its_steps():
    bench = looping(50, stop)
    radio_step = bench.node.radio.step

    def slow(now):
        bench.board.now += 0 if bench.node.health.worst else 120
        return radio_step(now)

    bench.node.radio.step = slow
    raises(KeyboardInterrupt, loop, bench.node, bench.board)
    eq(bench.node.health.worst, 120)


def write(text):
    with open("node-config.json", "w") as file:
        file.write(text)


def test_start_makes_a_node_from_a_file():
    write(json.dumps(example()))
    node = start("node-config.json", Board(), lambda piece: None)
    eq(len(node.slots), 3)


def test_faults_in_the_file_are_told_and_counted_and_the_rest_goes_on():
    data = example()
    data["devices"][1]["pin"] = 6
    data["mqtt"]["port"] = 1
    data["health"] = {"every": 5}
    write(json.dumps(data))
    bench = Bench(path="node-config.json")
    true("0 E config: devices[1].pin: 6; the flash memory uses this pin" in bench.log, bench.log)
    true("0 E config: mqtt.port: '***'; unknown" in bench.log, bench.log)
    bench.connect()
    bench.run(6000)
    eq([slot.name for slot in bench.node.slots], ["air", "pump"])
    eq((len(bench.said("air/state")), sorted(bench.board.pins)), (1, [17]))
    eq(json.loads(bench.said("health")[-1])["config"], 2)


def test_a_file_of_no_use_is_told_counted_and_read_again_until_it_is_mended():
    board = Board()
    said = []
    waits = []

    def on_sleep():
        waits.append(board.now)
        if len(waits) == 1:
            write("{")
        elif len(waits) == 2:
            write('{"node": "n1"}')
        elif len(waits) == 3:
            write(json.dumps(example()))

    board.on_sleep = on_sleep
    write("")
    node = begin("node-config.json", board, said.append)
    log = "".join(str(piece) for piece in said)
    eq((len(waits), len(node.slots)), (3, 3))
    for text in (
        "0 E config: not JSON",
        "tries: 1",
        "5 E config: not JSON",
        "10 E config: mqtt: missing",
        "10 E config: cannot start with node-config.json, tries: 3",
    ):
        true(text in log, "%s in %s" % (text, log))


def test_settings_the_client_refuses_stop_the_start_too():
    data = example()
    data["mqtt"]["tx_size"] = 768
    for k, pin in enumerate((5, 13, 14, 15, 18)):
        data["devices"].append({"kind": "dht22", "name": "a-rather-long-name-%d" % k, "pin": pin})
    write(json.dumps(data))
    said = []
    eq(start("node-config.json", Board(), said.append), None)
    true("0 E config: mqtt or devices: tx_size" in said[-1], said)


def test_relays_are_safe_before_anything_is_checked():
    data = example()
    data["mqtt"] = "nonsense"
    data["devices"].append({"kind": "relay", "name": "x", "pin": 18, "safe": "ON"})
    data["devices"].append({"kind": "relay", "name": "y", "pin": 6})
    data["devices"].append("junk")
    write(json.dumps(data))
    board = Board()
    eq(relays(board, read("node-config.json")), 3)
    levels = {pin: bool(board.pins[pin].level) for pin in board.pins}
    eq(levels, {16: False, 17: True, 18: True})


def test_a_file_that_cannot_be_read_leaves_all_pins_alone():
    board = Board()
    for text in ("", "[]", '{"devices": 5}', '{"devices": {"a": 1}}', "\x00\x01"):
        write(text)
        eq(relays(board, read("node-config.json")), 0)
    eq(relays(board, read("/nowhere/config.json")), 0)
    eq(board.pins, {})

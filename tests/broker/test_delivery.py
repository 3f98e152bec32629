"""lib/mqtt over TCP against real brokers: messages both ways, retained, will, takeover."""

import pytest

from tests.broker.strings import until

CLOSED = 6
CONNECTED = 1
UNSUBACK = 5
PEER_CLOSED = -30
TRANSPORT = -31


def test_messages_of_both_qos_go_both_ways(broker, make_puppet, make_judge):
    # MQTT-7.0.0-2, 7.1.2-1: a conforming server, plain TCP, nothing beside the standard
    judge = make_judge(broker.port)
    judge.subscribe("up/#")
    puppet = make_puppet(broker.port)
    assert puppet.start() == 0
    assert puppet.subscribe("down/+", 1) == 1
    handles = [puppet.call("publish", f"up/{k}", f"payload {k}", k % 2) for k in range(10)]
    puppet.wait_acked(handles)
    for k in range(10):
        message = judge.wait(f"up/{k}", f"payload {k}")
        assert (message.qos, message.retain) == (k % 2 if broker.keeps_qos else 1, False)
    for k in range(10):
        judge.publish(f"down/{k}", f"order {k}", qos=k % 2)
    wanted = [
        [f"down/{k}", f"order {k}", k % 2 if broker.keeps_qos else 1, 0, 0] for k in range(10)
    ]
    assert puppet.wait_messages(10) == wanted
    counters = puppet.call("counters")
    assert (counters["sent"], counters["acked"], counters["received"]) == (10, 10, 10)
    assert counters["closes"] == counters["handler_errors"] == counters["unmatched"] == 0
    puppet.exit()


def test_a_burst_arrives_complete_and_in_order(broker, make_puppet, make_judge):
    judge = make_judge(broker.port)
    judge.subscribe("burst")
    puppet = make_puppet(broker.port, tx_size=8192, max_inflight=20)
    puppet.start()
    handles = [puppet.call("publish", "burst", f"{k}", 1) for k in range(100)]
    assert min(handles) > 0
    puppet.wait_acked(handles)
    judge.wait("burst", "99")
    assert judge.payloads() == [f"{k}" for k in range(100)]
    puppet.exit()


def test_a_killed_client_leaves_its_will(broker, make_puppet, make_judge):
    judge = make_judge(broker.port)
    judge.subscribe("node/status")
    puppet = make_puppet(broker.port, will=["node/status", "offline", 1, True])
    puppet.start()
    puppet.kill()
    judge.wait("node/status", "offline")
    late = make_judge(broker.port, client_id="late")
    late.subscribe("node/status")
    assert late.wait("node/status", "offline").retain


def test_an_orderly_end_leaves_no_will(broker, make_puppet, make_judge):
    judge = make_judge(broker.port)
    judge.subscribe("node/#")
    puppet = make_puppet(broker.port, will=["node/status", "offline", 1, False])
    puppet.start()
    puppet.call("stop")
    assert puppet.wait_event(CLOSED)[2:] == [0, 0]
    other = make_puppet(broker.port, "other", will=["node/other", "offline", 1, False])
    other.start()
    other.kill()  # its will comes after the one that must not come
    judge.wait("node/other", "offline")
    assert judge.payloads("node/status") == []
    puppet.exit()


def test_retained_messages_are_kept_and_cleared_both_ways(broker, make_puppet, make_judge):
    puppet = make_puppet(broker.port)
    puppet.start()
    puppet.wait_acked([puppet.call("publish", "state/fan", "ON", 1, True)])
    judge = make_judge(broker.port)
    judge.subscribe("state/+")
    assert judge.wait("state/fan", "ON").retain
    judge.publish("wish/fan", "OFF", retain=True)
    puppet.subscribe("wish/#", 1)
    assert puppet.wait_messages(1) == [["wish/fan", "OFF", 1, 1, 0]]
    puppet.wait_acked([puppet.call("publish", "state/fan", "", 1, True)])
    judge.wait("state/fan", "")
    late = make_judge(broker.port, client_id="late")
    late.subscribe("state/+")
    puppet.wait_acked([puppet.call("publish", "state/last", "x", 1)])
    late.wait("state/last", "x")
    assert late.payloads("state/fan") == []
    puppet.exit()


def test_an_unsubscribed_filter_brings_nothing_more(broker, make_puppet, make_judge):
    judge = make_judge(broker.port)
    puppet = make_puppet(broker.port)
    puppet.start()
    puppet.subscribe("a", 1)
    puppet.subscribe("b", 1)
    assert puppet.call("unsubscribe", "a") > 0
    puppet.wait_event(UNSUBACK)
    judge.publish("a", "gone")
    judge.publish("b", "here")
    assert [m[:2] for m in puppet.wait_messages(1)] == [["b", "here"]]
    assert puppet.call("counters")["unmatched"] == 0
    puppet.exit()


def test_a_message_larger_than_the_buffer_is_passed_over(broker, make_puppet, make_judge):
    judge = make_judge(broker.port)
    puppet = make_puppet(broker.port, rx_size=64)
    puppet.start()
    puppet.subscribe("a", 1)
    for _ in range(3):
        judge.publish("a", "x" * 15000)
        judge.publish("a", "small")
    assert [m[1] for m in puppet.wait_messages(3)] == ["small"] * 3
    counters = puppet.call("counters")
    assert (counters["oversize"], counters["closes"]) == (3, 0)
    puppet.exit()


def test_an_idle_client_is_kept_by_its_pings(broker, make_puppet, make_judge):
    judge = make_judge(broker.port)
    judge.subscribe("status")
    puppet = make_puppet(broker.port, keepalive=1, will=["status", "offline", 0, False])
    puppet.start()
    puppet.subscribe("wake", 0)
    until(lambda: puppet.call("counters")["pings"] >= 4, "four pings")
    judge.publish("wake", "up")
    puppet.wait_messages(1)
    assert (puppet.call("counters")["closes"], judge.payloads("status")) == (0, [])
    puppet.exit()


def test_the_same_client_id_elsewhere_takes_the_connection(broker, make_puppet):
    first = make_puppet(broker.port, "twin", first_ms=30000)
    first.start()
    second = make_puppet(broker.port, "twin")
    second.start()
    assert first.wait_event(CLOSED)[2] in (PEER_CLOSED, TRANSPORT)
    assert second.events(CLOSED) == []
    second.exit()
    first.exit()


@pytest.mark.parametrize("max_held", [3, 32])
def test_a_burst_of_qos_2_commands_arrives_once_and_in_order_whatever_the_table_holds(
    make_broker, make_puppet, make_judge, max_held
):
    # A broker sends up to its window at once: 20 of Mosquitto's, which a table of 3 must outlive.
    broker = make_broker("mosquitto")
    judge = make_judge(broker.port)
    puppet = make_puppet(broker.port, "burst", clean_session=False, max_held=max_held, first_ms=20)
    puppet.start()
    puppet.subscribe("cmd", 2)
    for k in range(60):
        judge.client.publish("cmd", str(k), 2)
    messages = puppet.wait_messages(60, 60)
    assert [m[1] for m in messages] == [str(k) for k in range(60)]
    judge.publish("cmd", "last", 2)
    assert puppet.wait_messages(61)[60][1] == "last"
    puppet.exit()

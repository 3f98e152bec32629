"""Sessions and outages: kept sessions, brokers that stop and come back, refusals, bad addresses."""

import socket
import threading

import pytest

from tests.broker import brokers
from tests.broker.strings import until

CLOSED = 6
CONNECTED = 1
REFUSED, PEER_CLOSED, TRANSPORT = -20, -30, -31
UNRESOLVED = -1000
ECONNREFUSED = -111


def test_commands_for_a_kept_session_wait_while_the_client_is_away(broker, make_puppet, make_judge):
    # MQTT-4.1.0-2; 3.1.3-2: and for no other client id
    judge = make_judge(broker.port)
    puppet = make_puppet(broker.port, "keeper", clean_session=False)
    assert puppet.start() == 0
    puppet.subscribe("cmd/#", 1)
    puppet.call("stop")
    puppet.wait_event(CLOSED)
    for k in range(10):
        judge.publish(f"cmd/{k}", f"order {k}")
    other = make_puppet(broker.port, "somebody else", clean_session=False)
    assert other.start() == 0
    assert puppet.start() == 1
    messages = puppet.wait_messages(10)
    assert other.call("counters")["unmatched"] == 0
    other.exit()
    assert [m[:3] for m in messages] == [[f"cmd/{k}", f"order {k}", 1] for k in range(10)]
    puppet.exit()


def test_commands_wait_also_for_a_client_that_was_killed_and_booted(
    broker, make_puppet, make_judge
):
    judge = make_judge(broker.port)
    puppet = make_puppet(broker.port, "keeper", clean_session=False)
    puppet.start()
    puppet.subscribe("cmd/#", 1)
    puppet.kill()
    for k in range(5):
        judge.publish(f"cmd/{k}", f"order {k}")
    again = make_puppet(broker.port, "keeper", clean_session=False)
    assert again.call("subscribe", "cmd/#", 1) > 0  # declared before the first connection
    assert again.start() == 1
    assert {m[0] for m in again.wait_messages(5)} == {f"cmd/{k}" for k in range(5)}
    assert again.call("counters")["unmatched"] == 0
    again.exit()


def test_a_clean_session_keeps_nothing(broker, make_puppet, make_judge):
    judge = make_judge(broker.port)
    puppet = make_puppet(broker.port, "keeper", clean_session=True)
    puppet.start()
    puppet.subscribe("cmd/#", 1)
    puppet.call("stop")
    puppet.wait_event(CLOSED)
    judge.publish("cmd/1", "lost")
    assert puppet.start() == 0
    puppet.subscribe("more", 1)
    judge.publish("cmd/2", "seen")  # the subscription is a declaration: made again by itself
    assert [m[1] for m in puppet.wait_messages(1)] == ["seen"]
    puppet.exit()


def test_a_broker_that_lost_everything_is_told_all_subscriptions_again(
    broker, make_puppet, make_judge
):
    puppet = make_puppet(broker.port, "keeper", clean_session=False)
    puppet.start()
    puppet.subscribe("cmd/#", 1)
    broker.stop()
    puppet.wait_event(CLOSED)
    handle = puppet.call("publish", "up", "published while away", 1)
    broker.start()
    judge = make_judge(broker.port)
    judge.subscribe("up")
    assert puppet.wait_event(CONNECTED, skip=1)[2] == 0
    puppet.wait_acked([handle])
    puppet.log.wait(lambda log: len([e for e in log if e[:2] == ["event", 4]]) == 2, "new grant")
    judge.publish("cmd/1", "after")
    assert [m[1] for m in puppet.wait_messages(1)] == ["after"]
    puppet.exit()


def test_no_qos_1_message_is_lost_when_a_persistent_broker_restarts_in_mid_stream(
    make_broker, make_puppet, make_judge
):
    broker = make_broker("mosquitto", persistent=True)
    judge = make_judge(broker.port, client_id="judge", clean=False)
    judge.subscribe("stream", 1)
    puppet = make_puppet(broker.port, "streamer", clean_session=False, tx_size=16384)
    puppet.start()
    puppet.subscribe("cmd/#", 1)
    handles = []
    enough = threading.Event()

    def restart():
        try:
            for turn in (1, 2):
                until(lambda limit=100 * turn: len(handles) > limit, "progress of the stream")
                broker.stop()
                broker.start()
                puppet.wait_event(CONNECTED, skip=turn)
        finally:
            enough.set()

    outages = threading.Thread(target=restart)
    outages.start()
    while not enough.is_set() or len(handles) < 400:
        handle = puppet.call("publish", "stream", f"{len(handles)}", 1)
        if handle > 0:
            handles.append(handle)
    outages.join()
    puppet.wait_acked(handles)
    count = len(handles)
    judge.wait("stream", f"{count - 1}")
    until(lambda: set(judge.payloads("stream")) == {f"{k}" for k in range(count)}, "all messages")
    first_seen = list(dict.fromkeys(judge.payloads("stream")))
    assert first_seen == [f"{k}" for k in range(count)], "the order of first copies"
    assert [e[2] for e in puppet.events(CONNECTED)] == [0, 1, 1]
    counters = puppet.call("counters")
    assert (counters["queued"], counters["failed"], counters["connects"]) == (0, 0, 3)
    judge.publish("cmd/1", "still subscribed")
    assert [m[1] for m in puppet.wait_messages(1)] == ["still subscribed"]
    puppet.exit()


def test_a_refused_password_is_reported_and_retried(make_broker, broker_kind, make_puppet):
    broker = make_broker(broker_kind, users={"anna": "right"})
    puppet = make_puppet(broker.port, username="anna", password="wrong")
    puppet.call("start")
    if broker.answers_bad_password:
        wanted = [[REFUSED, 5]]
    else:  # iotcore closes without a CONNACK
        wanted = [[PEER_CLOSED, 0], [TRANSPORT, -104]]
    for turn in range(3):
        assert puppet.wait_event(CLOSED, skip=turn)[2:] in wanted
    assert puppet.events(CONNECTED) == []
    right = make_puppet(broker.port, "other", username="anna", password="right")
    right.start()
    right.exit()
    puppet.exit()


def test_a_closed_port_is_reported_and_retried_until_the_broker_comes(
    make_broker, broker_kind, make_puppet
):
    broker = make_broker(broker_kind)
    broker.stop()
    puppet = make_puppet(broker.port)
    handle = puppet.call("publish", "early", "kept", 1)
    puppet.call("start")
    for turn in range(2):
        assert puppet.wait_event(CLOSED, skip=turn)[2:] == [TRANSPORT, ECONNREFUSED]
    broker.start()
    puppet.wait_event(CONNECTED)
    puppet.wait_acked([handle])
    puppet.exit()


def test_a_host_that_does_not_resolve_is_reported_and_the_next_broker_tried(broker, make_puppet):
    puppet = make_puppet(
        broker.port, brokers=[["no-such-host.invalid", 1883], ["127.0.0.1", broker.port]]
    )
    puppet.call("start")
    assert puppet.wait_event(CLOSED)[2:] == [TRANSPORT, UNRESOLVED]
    puppet.wait_event(CONNECTED)
    puppet.exit()


def test_the_second_broker_takes_over_when_the_first_stops(make_broker, make_puppet, make_judge):
    first, second = make_broker("iotcore"), make_broker("iotcore")
    judge = make_judge(second.port)
    judge.subscribe("up")
    addresses = [["127.0.0.1", first.port], ["127.0.0.1", second.port]]
    puppet = make_puppet(first.port, brokers=addresses)
    puppet.start()
    first.stop()
    puppet.wait_event(CLOSED)
    handle = puppet.call("publish", "up", "to whom it may concern", 1)
    puppet.wait_acked([handle])
    judge.wait("up", "to whom it may concern")
    puppet.exit()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_something_else_on_the_port_is_reported_and_retried(make_puppet, answer):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        puppet = make_puppet(server.getsockname()[1])
        puppet.call("start")
        for turn in range(2):
            connection, _ = server.accept()
            with connection:
                assert connection.recv(1) == b"\x10"
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)
                reason = puppet.wait_event(CLOSED, skip=turn)[2]
                assert reason == (-21 if answer else PEER_CLOSED)
        puppet.exit()


def test_a_missing_mosquitto_is_a_failure_in_ci_and_a_named_skip_elsewhere(
    make_broker, monkeypatch
):
    monkeypatch.setattr(brokers, "MOSQUITTO", None)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="tests with Mosquitto"):
        make_broker("mosquitto")
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match="left out: tests with Mosquitto.*apt-get"):
        make_broker("mosquitto")

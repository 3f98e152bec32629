"""The blocking front (mqtt.simple) on a clock that moves only while it sleeps."""

import errno

import mqtt.simple
import peer
from broker import Broker
from check import eq, less, ne, raises, true
from mqtt import BAD_TOPIC, BUSY, DOWN, VIOLATION
from mqtt.simple import MQTTClient, MQTTException
from story import MASK, START
from wire import Wire

TIMEOUT = 500


class Script:
    """`mqtt` is the front; each millisecond it sleeps is the broker's turn."""

    def __init__(self, **options):
        self.wire = Wire()
        self.broker = Broker(self.wire)
        self.now = START
        self.slept = 0
        self.later = []  # (ms from now, call)
        self.got = []
        mqtt.simple.ticks_ms = lambda: self.now
        mqtt.simple.sleep_ms = self.sleep
        mqtt.simple.elapsed = lambda since: (self.now - since) & MASK
        options.setdefault("timeout_ms", TIMEOUT)
        self.mqtt = MQTTClient(b"script", "nowhere", transport=self.wire, **options)
        self.mqtt.set_callback(self.take)

    def take(self, topic, msg):
        self.got.append((topic, msg))

    def sleep(self, ms):
        self.now = (self.now + ms) & MASK
        self.slept += ms
        less(self.slept, 20 * TIMEOUT, "a wait without end")
        self.later = [(left - ms, call) for left, call in self.later]
        for left, call in self.later:
            if left <= 0:
                call()
        self.later = [(left, call) for left, call in self.later if left > 0]
        self.broker.serve()

    def idle(self, ms):
        """A script that does something else, and looks every millisecond."""
        for _ in range(ms):
            self.sleep(1)
            self.mqtt.check_msg()

    def after(self, ms, call):
        self.later.append((ms, call))

    def connect(self):
        self.mqtt.connect()
        self.slept = 0
        return self

    def number(self, call, *arguments):
        """errno of the OSError that the call raises."""
        try:
            result = call(*arguments)
        except OSError as error:
            return error.args[0]
        raise AssertionError("no OSError, but %r" % (result,))

    def code(self, call, *arguments):
        """args[0] of the MQTTException that the call raises."""
        try:
            result = call(*arguments)
        except MQTTException as error:
            return error.args[0]
        raise AssertionError("no MQTTException, but %r" % (result,))


def test_connect_returns_session_present_and_says_what_it_was_given():
    script = Script(user="anna", password="secret", keepalive=30)
    script.mqtt.set_last_will("gone", "bye", True, 1)
    script.broker.present = 1
    eq(script.mqtt.connect(clean_session=False), 1)
    said = script.broker.of(peer.CONNECT)[0]
    eq((said.client_id, said.keepalive, said.clean), (b"script", 30, 0))
    eq((said.username, said.password, said.will), (b"anna", b"secret", (b"gone", b"bye", 1, 1)))
    eq(Script().mqtt.connect(), 0)


def test_a_refused_connect_raises_its_code():
    script = Script()
    script.broker.refuse = 5
    eq(script.code(script.mqtt.connect), 5)
    script.broker.refuse = 0
    eq(script.mqtt.connect(), 0)


def test_a_broker_that_never_answers_is_given_up_after_the_time_out():
    calls = (
        (peer.CONNECT, lambda mqtt: mqtt.connect()),
        (peer.PUBLISH, lambda mqtt: mqtt.publish("a", "x", qos=1)),
        (peer.SUBSCRIBE, lambda mqtt: mqtt.subscribe("a")),
    )
    for mute, call in calls:
        script = Script()
        if mute != peer.CONNECT:
            script.connect()
        script.broker.mute = {mute}
        eq(script.number(call, script.mqtt), errno.ETIMEDOUT)
        true(TIMEOUT <= script.slept <= TIMEOUT + 2, "%r, slept %d" % (mute, script.slept))
        eq(script.mqtt.client.state, DOWN)


def test_a_transport_that_takes_nothing_is_given_up_after_the_time_out():
    script = Script().connect()
    script.wire.stuck = True
    eq(script.number(script.mqtt.publish, "a", "x"), errno.ETIMEDOUT)
    less(script.slept, TIMEOUT + 3)


def test_publish_returns_when_it_is_written_or_acknowledged():
    script = Script().connect()
    for qos in (0, 1, 2):
        eq(script.mqtt.publish(b"a/b", b"%d" % qos, True, qos), None)
        eq(script.mqtt.client.queued, 0)
    script.broker.serve()
    eq([(p.payload, p.qos, p.retain) for p in script.broker.of(peer.PUBLISH)],
       [(b"0", 0, 1), (b"1", 1, 1), (b"2", 2, 1)])  # fmt: skip
    eq(script.code(script.mqtt.publish, "a/#", "x"), BAD_TOPIC)


def test_a_publish_that_raised_is_given_up_except_at_qos_2():
    for qos, sent_again in ((0, []), (1, []), (2, [b"x"])):
        script = Script().connect()
        script.broker.present = 1
        script.broker.mute = {peer.PUBLISH}
        script.wire.stuck = qos == 0
        eq(script.number(script.mqtt.publish, "a", "x", False, qos), errno.ETIMEDOUT)
        script.broker.mute = set()
        script.wire.stuck = False
        before = len(script.broker.payloads())
        script.mqtt.connect()
        script.mqtt.publish("b", "next", False, 1)
        eq(script.broker.payloads()[before:], sent_again + [b"next"], "QoS %d" % qos)
        script.idle(5)
        eq(script.mqtt.client.queued, 0)


def test_a_publish_that_the_broker_cannot_do_raises_its_code():
    # A PUBACK for QoS 2: the first time the connection ends, the second time the publish does.
    script = Script()
    script.connect()
    script.broker.present = 1
    script.broker.mute = {peer.PUBLISH}

    def puback():
        if script.broker.of(peer.PUBLISH):
            script.wire.send(peer.puback(script.broker.of(peer.PUBLISH)[-1].id))

    script.after(5, puback)
    eq(script.code(script.mqtt.publish, "a", "x", False, 2), VIOLATION)
    eq(script.mqtt.client.queued, 1)
    script.after(5, puback)
    script.mqtt.connect(True)
    script.idle(10)
    eq((script.mqtt.client.queued, script.mqtt.client.failed), (0, 1))


def test_subscribe_waits_for_the_answer_and_raises_a_refusal():
    script = Script().connect()
    eq(script.mqtt.subscribe("a/+", 1), None)
    eq(script.broker.of(peer.SUBSCRIBE)[0].filters, [(b"a/+", 1)])
    script.broker.grants = {b"no": 0x80}
    eq(script.code(script.mqtt.subscribe, "no"), 0x80)
    ne(script.code(script.mqtt.subscribe, "a#"), 0x80)
    nobody = Script().connect()
    nobody.mqtt.set_callback(None)
    true("set_callback" in raises(ValueError, nobody.mqtt.subscribe, "a"))


def test_a_subscription_is_made_again_by_connect_and_may_also_be_made_by_hand():
    script = Script().connect()
    script.mqtt.subscribe("a")
    script.wire.reset()
    eq(script.number(script.mqtt.check_msg), 104)
    script.mqtt.connect()
    script.mqtt.subscribe("a")  # as every script for umqtt.simple does
    script.wire.send(peer.publish(b"a", b"x"))
    script.mqtt.wait_msg()
    eq(script.got, [(b"a", b"x")])


def test_check_msg_does_not_wait_and_wait_msg_waits_no_longer_than_the_time_out():
    script = Script().connect()
    script.mqtt.subscribe("a/#", 2)
    script.slept = 0
    eq((script.mqtt.check_msg(), script.slept), (None, 0))
    script.wire.send(peer.publish(b"a/b", b"one", 1, 7, retain=1))
    eq((script.mqtt.check_msg(), script.slept), (0x33, 0))
    script.after(20, lambda: script.wire.send(peer.publish(b"a", b"two", 2, 8)))
    eq(script.mqtt.wait_msg(), 0x34)
    true(20 <= script.slept <= 22, "slept %d" % script.slept)
    eq(script.got, [(b"a/b", b"one"), (b"a", b"two")])
    script.slept = 0
    eq(script.mqtt.wait_msg(), None)
    true(TIMEOUT <= script.slept <= TIMEOUT + 1)
    eq(script.broker.ids(peer.PUBACK) + script.broker.ids(peer.PUBREC), [7, 8])


def test_what_the_callback_raises_comes_out_once_the_call_is_done():
    script = Script().connect()

    def angry(topic, msg):
        raise KeyError(msg)

    script.mqtt.set_callback(angry)
    script.mqtt.subscribe("a", 1)
    script.wire.send(peer.publish(b"a", b"x", 1, 7))
    raises(KeyError, script.mqtt.publish, "b", "y", False, 1)
    eq((script.broker.payloads(), script.mqtt.client.queued), ([b"y"], 0))
    script.mqtt.publish("b", "z", False, 1)
    eq(script.broker.ids(peer.PUBACK), [7], "a message that a callback cannot stomach")


def test_within_the_callback_publish_and_subscribe_are_queued_and_not_waited_for():
    script = Script().connect()

    def answer(topic, msg):
        script.take(topic, msg)
        script.mqtt.publish("answer", msg, False, 1)
        script.mqtt.subscribe("more")
        script.mqtt.ping()
        script.mqtt.disconnect()

    script.mqtt.set_callback(answer)
    script.mqtt.subscribe("a")
    script.wire.send(peer.publish(b"a", b"x"))
    script.mqtt.wait_msg()
    eq((script.got, script.mqtt.client.queued), ([(b"a", b"x")], 1))
    eq(script.number(script.mqtt.check_msg), errno.ENOTCONN)
    script.mqtt.connect()
    script.mqtt.publish("b", "y", False, 1)
    eq(script.broker.payloads(), [b"x", b"y"])
    eq(script.broker.of(peer.SUBSCRIBE)[-1].filters, [(b"more", 0)])


def test_connect_within_the_callback_says_busy_and_the_connection_goes_on():
    script = Script().connect()

    def again(topic, msg):
        script.take(topic, script.code(script.mqtt.connect))

    script.mqtt.set_callback(again)
    script.mqtt.subscribe("a", 1)
    script.wire.send(peer.publish(b"a", b"x", 1, 7))
    script.mqtt.wait_msg()
    eq(script.got, [(b"a", BUSY)])
    script.mqtt.publish("b", "y", False, 1)
    eq((script.broker.ids(peer.PUBACK), script.wire.opens), ([7], 1))


def test_ping_sends_one_and_its_answer_is_awaited():
    script = Script().connect()
    script.mqtt.ping()
    script.mqtt.ping()
    script.sleep(1)
    script.mqtt.check_msg()
    eq(len(script.broker.of(peer.PINGREQ)), 1)
    script.broker.mute = {peer.PINGREQ}
    script.mqtt.ping()
    eq(script.number(script.mqtt.wait_msg), errno.ETIMEDOUT)


def test_a_quiet_script_that_waits_is_kept_alive_by_pings():
    script = Script(keepalive=1).connect()
    for _ in range(8):
        eq(script.mqtt.wait_msg(), None)
    less(3, len(script.broker.of(peer.PINGREQ)))


def test_disconnect_ends_in_order_and_calls_without_a_connection_say_so():
    script = Script()
    calls = (
        lambda: script.mqtt.publish("a", "x"),
        lambda: script.mqtt.subscribe("a"),
        script.mqtt.check_msg,
        script.mqtt.wait_msg,
        script.mqtt.ping,
    )
    for turn in range(2):
        for call in calls:
            eq(script.number(call), errno.ENOTCONN)
        script.mqtt.disconnect()
        script.mqtt.connect()
        script.mqtt.disconnect()
        eq(len(script.broker.of(peer.DISCONNECT)), turn + 1)


def test_a_lost_connection_is_raised_as_what_it_was():
    for ending, number in (("end", errno.ECONNRESET), ("reset", 104)):
        script = Script().connect()
        getattr(script.wire, ending)()
        eq(script.number(script.mqtt.wait_msg), number)
    script = Script()
    for answer, number in ((-111, 111), (-1000, errno.EHOSTUNREACH)):
        script.wire.opening = [answer]
        eq(script.number(script.mqtt.connect), number)
    script.connect()
    script.wire.send(b"\x00\x00")
    eq(script.code(script.mqtt.wait_msg), -21)


def test_a_connect_while_connected_begins_anew():
    script = Script().connect()
    script.mqtt.connect()
    eq((script.wire.opens, len(script.broker.of(peer.DISCONNECT))), (2, 1))


def test_tls_is_refused_with_what_to_do():
    true("transport=" in raises(ValueError, lambda: MQTTClient("a", "b", ssl=True)))

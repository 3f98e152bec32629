"""Which handlers a message reaches: wildcards, the $ rule, several handlers, several copies."""

import peer
from check import eq, true
from dice import Dice
from mqtt import options, topics
from story import Inbox, Story


def takes(flt, topic):
    """Section 4.7, told with lists; the judge of topics.matches()."""
    flt, topic = flt.split(b"/"), topic.split(b"/")
    if topic[0][:1] == b"$" and flt[0] in (b"+", b"#"):
        return False
    for k, level in enumerate(flt):
        if level == b"#":
            return True
        if k == len(topic) or level not in (b"+", topic[k]):
            return False
    return len(flt) == len(topic)


def matches(flt, topic):
    """topics.matches() with the topic in the middle of other bytes, as in the parser's buffer."""
    buf = b"/x" + topic + b"/x"
    return bool(topics.matches(flt, buf, 2, 2 + len(topic)))


LEVELS = (b"", b"a", b"b", b"ab", b"$SYS", b"$", b"\xc3\xa9")


def some_topic(dice):
    return b"/".join(dice.pick(LEVELS) for _ in range(1 + dice.below(4))) or b"/"


def some_filter(dice):
    levels = [dice.pick(LEVELS + (b"+", b"+")) for _ in range(1 + dice.below(4))]
    if dice.chance(30):
        levels.append(b"#")
    return b"/".join(levels) or b"#"


def test_any_filter_and_topic_match_as_the_standard_says():
    # MQTT-4.7.1-2, 4.7.1-3
    dice = Dice(3)
    matched = 0
    for _ in range(6000):
        flt, topic = some_filter(dice), some_topic(dice)
        true(options.filter_ok(flt, 0, len(flt)), "%r" % flt)
        eq(matches(flt, topic), takes(flt, topic), "%r %r" % (flt, topic))
        matched += takes(flt, topic)
    true(200 < matched < 5800, "%d" % matched)


def test_a_leading_wildcard_takes_no_topic_that_begins_with_a_dollar():
    # section 4.7.2
    for flt in (b"#", b"+", b"+/x", b"+/#"):
        for topic in (b"$SYS", b"$SYS/x", b"$", b"$/x"):
            eq(matches(flt, topic), False, "%r %r" % (flt, topic))
    for flt in (b"$SYS/#", b"$SYS/+", b"$SYS/x"):
        eq(matches(flt, b"$SYS/x"), True)
    eq((matches(b"+/$x", b"a/$x"), matches(b"a/#", b"a/$x")), (True, True))


def test_each_handler_whose_filter_matches_gets_the_message_once():
    story = Story(max_subscriptions=12)
    filters = (b"#", b"a/#", b"a/+", b"a/b", b"+/b", b"+/+", b"a/b/#", b"a", b"+", b"b/#", b"$S/#")
    inboxes = [Inbox() for _ in filters]
    for flt, inbox in zip(filters, inboxes):
        true(story.client.subscribe(flt, 2, inbox.handler) > 0)
    story.connect()
    for qos in (0, 1, 2):
        story.deliver(b"a/b", b"%d" % qos, qos, 1 + qos)
    for flt, inbox in zip(filters, inboxes):
        wanted = [b"0", b"1", b"2"] if takes(flt, b"a/b") else []
        eq(inbox.payloads(), wanted, "%r" % flt)
    eq((story.client.received, story.client.unmatched), (3, 0))
    eq((story.broker.ids(peer.PUBACK), story.broker.ids(peer.PUBREC)), ([2], [3]))


def test_a_handler_that_raises_keeps_the_message_from_no_other():
    def fail(msg):
        raise RuntimeError("on purpose")

    story = Story()
    first, last = Inbox(), Inbox()
    story.client.subscribe(b"a", 1, first.handler)
    story.client.subscribe(b"+", 1, fail)
    story.client.subscribe(b"#", 1, last.handler)
    story.connect()
    story.deliver(b"a", b"x", 1, 1)
    eq((first.payloads(), last.payloads(), story.client.handler_errors), ([b"x"], [b"x"], 1))


def test_copies_that_a_broker_sends_for_overlapping_filters_are_messages_of_their_own():
    # section 3.3.5: at each QoS, under ids of their own
    for qos in (0, 1, 2):
        story = Story()
        wide, narrow = Inbox(), Inbox()
        story.client.subscribe(b"a/#", 2, wide.handler)
        story.client.subscribe(b"a/b", 2, narrow.handler)
        story.connect()
        story.wire.send(peer.publish(b"a/b", b"x", qos, 1) + peer.publish(b"a/b", b"x", qos, 2))
        story.settle()
        eq((wide.payloads(), narrow.payloads()), ([b"x"] * 2, [b"x"] * 2))
        eq((story.client.received, story.client.malformed), (2, 0))
        kind = (None, peer.PUBACK, peer.PUBREC)[qos]
        eq(story.broker.ids(kind) if qos else [], [1, 2] if qos else [])


def test_a_redelivery_with_dup_0_after_a_reconnect_is_taken_calmly():
    # MQTT-4.3.2-2: at QoS 1 it is a new message; at QoS 2 its id tells that it is not
    for qos, times in ((1, 2), (2, 1)):
        story = Story(clean_session=False)
        inbox = Inbox()
        story.client.subscribe(b"a", 2, inbox.handler)
        story.broker.mute.add(peer.PUBREC)
        story.connect()
        story.deliver(b"a", b"x", qos, 9)
        story.reconnect(present=1)
        story.deliver(b"a", b"x", qos, 9, dup=0)
        eq((len(inbox.got), story.client.state), (times, 3), "QoS %d" % qos)


def test_a_lower_qos_than_was_granted_is_delivered_and_answered_by_its_own_qos():
    story = Story()
    inbox = Inbox()
    story.client.subscribe(b"a", 2, inbox.handler)
    story.connect()
    for qos in (0, 1, 2):
        story.deliver(b"a", b"%d" % qos, qos, 7)
    eq([got[2] for got in inbox.got], [0, 1, 2])
    eq((story.broker.ids(peer.PUBACK), story.broker.ids(peer.PUBREC)), ([7], [7]))

"""What the tests of publishes share: ways to publish, brokers that keep silent, what was sent."""

import peer
from check import eq
from story import Story

SHORT = 116  # bytes of payload that leave the fixed header short
EXCHANGE = (peer.PUBLISH, peer.PUBREL)


def ids(story):
    """Packet id of each PUBLISH above QoS 0 so far."""
    return [p.id for p in story.broker.of(peer.PUBLISH) if p.qos]


def unacknowledged(**options):
    """A connected story whose broker acknowledges no PUBLISH."""
    story = Story(**options)
    story.broker.mute.add(peer.PUBLISH)
    return story.connect()


def silent(*kinds, **options):
    """A connected story in a kept session whose broker does not answer packets of `kinds`."""
    options.setdefault("clean_session", False)
    story = Story(**options)
    story.broker.mute.update(kinds or EXCHANGE)
    return story.connect()


def say(story, data):
    """The broker sends these bytes; returns when the client has dealt with them."""
    story.wire.send(data)
    story.settle()


def outline(story):
    """(kind, id, DUP) of each PUBLISH and PUBREL so far; the DUP of a PUBREL is None."""
    return [
        (p.kind, p.id, p.dup if p.kind == peer.PUBLISH else None)
        for p in story.broker.seen
        if p.kind in EXCHANGE
    ]


def pattern(size):
    """So many bytes, each four telling their place."""
    return b"".join(b"%04d" % k for k in range(size // 4 + 1))[:size]


def put(publication, payload):
    """Write `payload` in place and send it; the handle."""
    at = publication.start
    publication.buf[at : at + len(payload)] = payload
    return publication.send(len(payload))


HOW = ("publish", "send", "short")
WAYS = [(how, qos) for how in HOW for qos in (0, 1, 2)]


def publisher(story, how, qos, topic=b"topic"):
    """publish(payload) -> handle, by Client.publish(), or by a prepared publication: "send" for a
    long payload, "short" for one that goes straight from its buffer."""
    if how == "publish":
        return lambda payload: story.client.publish(topic, payload, qos=qos)
    publication = story.client.prepare(topic, SHORT if how == "short" else 200, qos=qos)
    return lambda payload: put(publication, payload)


def sent_alone(how, **options):
    """(story, handle): one QoS-1 publish has left, and no step was taken since."""
    story = silent(peer.PUBLISH, **options)
    story.forget()
    handle = publisher(story, how, 1)(b"lone")
    story.broker.serve()
    eq((story.broker.payloads(), story.events), ([b"lone"], []))
    return story, handle

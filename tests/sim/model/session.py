"""What the broker keeps of its client, and the messages it has for it."""

WAITING, RECEIVED = 1, 2  # of a message to the client: PUBACK or PUBREC is awaited, PUBCOMP is


class Note:
    """One message to the client, one copy for one subscription. `handled`: calls of handlers."""

    def __init__(self, number, topic, payload, qos, retain):
        self.number = number
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retain = retain
        self.pid = 0
        self.state = 0
        self.times = 0  # sent
        self.dup = 0
        self.handled = 0
        self.due = 0  # calls of handlers it should come to
        self.doubled = False  # and came twice, in doubt
        self.taken = False  # it came once, and was dealt with
        self.withheld = False
        self.lost = False  # with its session

    def __repr__(self):
        return "in %d %r q%d" % (self.number, self.topic, self.qos)


class Session:
    """What the broker keeps of a client."""

    def __init__(self):
        self.subs = []  # [filter, qos]
        self.received = []  # QoS-2 ids of the client, not released
        self.stored = {}  # of these, messages not handed on yet
        self.flight = []  # notes sent and not done
        self.queue = []  # notes to be sent
        self.next_id = 1
        self.known = False  # the client has read that it is new

    def __repr__(self):
        return "session of %d messages" % (len(self.flight) + len(self.queue))

"""One accepted publish, and what may become of it."""

UNCERTAIN, REPLACED, VIOLATION = -23, -13, -22


class Mail:
    """One accepted publish. `serial`: its place in the order of acceptance."""

    def __init__(self, serial, handle, number, topic, payload, qos, retain):
        self.serial = serial
        self.handle = handle
        self.number = number
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retain = retain
        self.end = None  # ACKED: the QoS; FAILED: the code
        self.arrivals = 0  # at the other side
        self.conn = -1  # number of the connection it was last sent on, whole
        self.pid = 0  # in this session, once sent
        self.when = 0  # its last byte was written
        self.whole = 0  # times sent whole, in this session
        self.ever = 0  # and in all
        self.recorded = False  # the client has read its PUBREC
        self.losses = 0  # sessions lost while it was under way
        self.unsure = False  # its session was lost unnoticed
        self.answered = False  # the client has read its PUBACK or PUBCOMP
        self.must = None  # the end it has to come to now
        self.skipped = False  # a later one went before it: it can only have been dropped

    def __repr__(self):
        return "out %d q%d handle %d" % (self.number, self.qos, self.handle)


def verdict(m, plan):
    """(property, text) of what is wrong with its end; None: nothing."""
    if m.end is None:
        return "ends", "%r never ended" % m
    if m.skipped and m.end != REPLACED:
        return "ends", "%r was passed over" % m
    if m.end == REPLACED and m.arrivals:
        return "dropping", "%r arrived" % m
    if m.qos and m.end >= 0 and not (m.arrivals or m.unsure):
        return "at least once", "%r ACKED, never arrived" % m
    if m.qos == 2 and m.arrivals > 1 + m.losses and not plan.no_qos2:
        return "exactly once", "%r arrived %d times" % (m, m.arrivals)
    if not m.qos and m.arrivals > 1:
        return "QoS 0 at most once", "%r" % m
    return None

"""Whether an end of a connection had the cause that the client tells."""

SLACK = 50  # ms that a duty may be late


def cause(judge, reason, detail, link):
    """Why CLOSED(reason, detail) is not right now; None: it is."""
    w = judge.world
    limit = judge.plan.ack_timeout
    c = judge.conn
    since = w.t - c.blocked_at if c and c.blocked_at >= 0 else -1
    if reason == 0:
        if not w.node.leaving:
            return "nobody asked for it"
        if judge.up and not judge.parted and since < 0 and link.told > 0:
            return "without DISCONNECT"
        return None
    if reason == -30:
        return None if link.told == 0 else "the broker did not close"
    if reason == -31:
        return None if link.told == detail and detail < 0 else "the transport told %d" % link.told
    if reason == -32:
        age = w.t - judge.begun_at
        ok = judge.plan.connect_timeout <= age <= judge.plan.connect_timeout + SLACK + w.late
        return None if ok and not judge.up else "after %d ms" % age
    if reason == -33:
        return None if judge.oldest() >= limit else "the oldest waits %d ms" % judge.oldest()
    if reason == -34:
        age = w.t - judge.pinged_at
        judge.world.count("PINGRESPs overdue")
        return (
            None if judge.pinged_at >= 0 and age >= limit or c.blocked_last >= 0 else "%d ms" % age
        )
    if reason == -35:
        judge.world.count("writes overdue")
        return None if since >= limit else "blocked for %d ms" % since
    if reason == -10:
        return None if judge.inn.drained else "nothing was withheld, or some is still held"
    if reason == -20:
        return None if judge.refused == detail else "CONNACK was %d" % judge.refused
    judge.malformed += 1
    return None if judge.illegal == c.no else "the broker broke no rule"

"""Looks inside the client, under the names that its attributes have in the tree that is run."""

try:
    from shortened import SHORT  # of a built tree: attribute -> what it is called there
except ImportError:
    SHORT = {}


def inside(o, *names):
    """o.first.second..."""
    for name in names:
        o = getattr(o, SHORT.get(name, name))
    return o


def number_from(client, packet_id):
    """The next packet id is this one, or the next after it that nothing uses."""
    client.next_id = packet_id
    setattr(client, SHORT.get("ids_end", "ids_end"), packet_id)

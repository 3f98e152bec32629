"""What every client is given: the same topic and payload. Read by MicroPython and by CPython."""

TOPIC = b"bench/house/kitchen/climate/data"  # 32 bytes
PAYLOAD = b'{"temperature":21.4,"humidity":48.0,"battery":3.012,"count":100}'  # 64 bytes

# The filter under which each operation's messages come; the others subscribe to nothing.
FILTERS = {
    "receive 0": TOPIC,
    "receive 1": TOPIC,
    "receive 2": TOPIC,
    "receive 0 by +": b"bench/+/kitchen/+/data",
    "receive 0 by #": b"#",
}

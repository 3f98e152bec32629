"""What every adapter uses, and what every client is given: the same topic and the same payload.

Imported by adapters and probe on MicroPython, and by the partner on CPython for the constants.
"""

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

seen = [0]  # messages that reached a handler: the handlers of all adapters count here
waits = [0]  # calls of wait()
now = [0]  # the ticks when wait() last returned

_probe = None  # the probe's own connection to the partner
_byte = bytearray(1)
_ticks_ms = None


def attach(sock, ticks_ms):
    """From now on wait() and ask() use this connection."""
    global _probe, _ticks_ms
    _probe = sock
    _ticks_ms = ticks_ms
    sock.write(b"!")
    wait()


def wait():
    """Until the partner has sent one more packet to the client; the ticks then, below 2^30."""
    waits[0] += 1
    _probe.readinto(_byte, 1)
    now[0] = _ticks_ms() & 0x3FFFFFFF
    return now[0]


def ask(qos):
    """Have the partner send one PUBLISH to the client. `qos`: b"0", b"1" or b"2"."""
    _probe.write(qos)

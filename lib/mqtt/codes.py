"""Every number a caller can meet: states, events, and the codes, by who must act.

A code is negative. Calls return it, FAILED and CLOSED carry it. The private copies
``_NAME = const(...)`` in other modules are inlined by MicroPython; a test keeps them equal.
"""

# Client.state
DOWN = 0  # no connection; waits for connect()
OPENING = 1  # the transport is being opened
CONNECTING = 2  # open; CONNECT sent or being sent, CONNACK awaited
UP = 3  # CONNACK 0 received
CLOSING = 4  # disconnect() was called; DISCONNECT on its way

# on_event(kind, a, b)
CONNECTED = 1  # (session present 0/1, 0)
ACKED = 2  # (handle, qos): QoS 0 written to its last byte, QoS 1 and 2 acknowledged
FAILED = 3  # (handle, code): an accepted publish that will never be acknowledged
SUBACK = 4  # (id, granted QoS 0/1/2, or 0x80: refused)
UNSUBACK = 5  # (id, 0)
CLOSED = 6  # (reason, detail): 0 = our own disconnect(), else a code

# configuration: the caller passed something that can never work
BAD_TOPIC = -1  # not bytes, empty, over 65535 bytes, not UTF-8, NUL, or with + or #
BAD_FILTER = -2  # the same for a filter, or a wildcard in the wrong place; no such filter
BAD_PAYLOAD = -3  # not bytes, bytearray or memoryview; length outside it
BAD_QOS = -4  # a QoS that is not offered

# resource: try again later, or make the buffer larger
FULL = -10  # no room now in the outbox or the table of subscriptions; of CLOSED: see held.py
TOO_LARGE = -11  # would not fit an empty outbox
REPLACED = -13  # of FAILED: dropped, before a byte of it was sent, to make room for a newer one
BUSY = -12  # called inside a handler, or the thing asked for is already under way

# peer: the broker refused or broke the protocol
REFUSED = -20  # CONNACK code 1..255, in the detail of CLOSED
MALFORMED = -21  # bytes that are no MQTT 3.1.1 packet
VIOLATION = -22  # a packet that may not come here or now
UNCERTAIN = -23  # of FAILED: the session was lost between PUBREC and PUBCOMP; it may have arrived

# transport: reconnect
PEER_CLOSED = -30  # the other end closed
TRANSPORT = -31  # the transport failed; detail = its negative errno
CONNECT_TIMEOUT = -32  # not connected within connect_timeout_ms
ACK_TIMEOUT = -33  # PUBACK, SUBACK or UNSUBACK overdue
PING_TIMEOUT = -34  # PINGRESP overdue
SEND_TIMEOUT = -35  # the transport took no byte for ack_timeout_ms

UNRESOLVED = -1000  # detail of TRANSPORT: the host name has no address (not an errno)

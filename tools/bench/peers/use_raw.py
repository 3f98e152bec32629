"""The floor: prebuilt packets over a bare socket. No client can do with less on this interpreter.

Nothing is checked and nothing is kept: what comes back is read into a buffer of its known size.
"""

import socket

from kit import PAYLOAD, TOPIC, seen

_TWO = bytes([0, len(TOPIC)])
_BODY = _TWO + TOPIC + PAYLOAD


def open(port, flt):
    sock = socket.socket()
    sock.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    sock.setsockopt(6, 1, 1)  # TCP_NODELAY
    sock.write(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x3c\x00\x05floor")
    sock.read(4)
    if flt:
        sock.write(b"\x82" + bytes([5 + len(flt), 0, 1, 0, len(flt)]) + flt + b"\x02")
        sock.read(5)
    first = bytes([0x30, len(_BODY)]) + _BODY
    second = bytes([0x32, len(_BODY) + 2]) + _TWO + TOPIC + b"\x00\x01" + PAYLOAD
    third = b"\x34" + second[1:]
    answer = bytearray(4)
    released = b"\x62\x02\x00\x01"

    def publish0():
        sock.write(first)

    def publish1():
        sock.write(second)
        sock.readinto(answer, 4)

    def publish2():
        sock.write(third)
        sock.readinto(answer, 4)
        sock.write(released)
        sock.readinto(answer, 4)

    def ping():
        sock.write(b"\xc0\x00")
        sock.readinto(answer, 2)

    quiet = socket.socket()
    quiet.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    quiet.setblocking(False)

    def idle():
        quiet.readinto(answer, 2)

    ops = {"publish 0": publish0, "publish 1": publish1, "publish 2": publish2}
    ops.update({"ping": ping, "idle": idle})
    ops.update(_receiving(sock, len(first)))
    return ops


def _receiving(sock, size):
    packet = bytearray(size + 2)
    acknowledged = bytearray(b"\x40\x02\x00\x00")
    received = bytearray(b"\x50\x02\x00\x00")
    completed = bytearray(b"\x70\x02\x00\x00")
    answer = bytearray(4)
    at = 4 + len(TOPIC)  # of the packet id

    def receive0():
        sock.readinto(packet, size)
        seen[0] += 1

    def receive1():
        sock.readinto(packet, size + 2)
        seen[0] += 1
        acknowledged[2] = packet[at]
        acknowledged[3] = packet[at + 1]
        sock.write(acknowledged)

    def receive2():
        sock.readinto(packet, size + 2)
        seen[0] += 1
        received[2] = completed[2] = packet[at]
        received[3] = completed[3] = packet[at + 1]
        sock.write(received)
        sock.readinto(answer, 4)
        sock.write(completed)

    return {"receive 0": receive0, "receive 1": receive1, "receive 2": receive2}

"""The floor: packets made beforehand over a bare socket. No client can do with less.

Nothing is checked and nothing is kept; what comes back is read into a buffer of its known size.
"""

from socket import getaddrinfo
from socket import socket as new_socket

from kit import seen, wait
from traffic import PAYLOAD, TOPIC

ASYNC = False
TICKS_MASK = -1

_TOPIC = bytes([0, len(TOPIC)]) + TOPIC
_FIRST = bytes([0x30, len(_TOPIC) + 64]) + _TOPIC + PAYLOAD
_SECOND = bytes([0x32, len(_TOPIC) + 66]) + _TOPIC + b"\x00\x01" + PAYLOAD
_THIRD = b"\x34" + _SECOND[1:]
_ID_AT = 4 + len(TOPIC)


def connect(port, flt, window, name=b"floor"):
    sock = new_socket()
    sock.connect(getaddrinfo("127.0.0.1", port)[0][-1])
    sock.setsockopt(6, 1, 1)  # TCP_NODELAY
    sock.write(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x3c\x00\x05" + name)
    sock.read(4)
    if flt:
        sock.write(b"\x82" + bytes([5 + len(flt), 0, 1, 0, len(flt)]) + flt + b"\x02")
        sock.read(5)
    return sock


def operations(sock):
    answer = bytearray(4)

    def publish0():
        sock.write(_FIRST)

    def publish1():
        sock.write(_SECOND)
        sock.readinto(answer, 4)

    def publish2():
        sock.write(_THIRD)
        sock.readinto(answer, 4)
        sock.write(b"\x62\x02\x00\x01")
        sock.readinto(answer, 4)

    def ping():
        sock.write(b"\xc0\x00")
        sock.readinto(answer, 2)

    def idle():
        sock.setblocking(False)  # a system call of its own that a client has behind it
        sock.readinto(answer, 2)

    ops = {"publish 0": publish0, "publish 1": publish1, "publish 2": publish2}
    ops.update({"ping": ping, "idle": idle})
    ops.update(_receiving(sock))
    return ops


def _receiving(sock):
    packet = bytearray(len(_SECOND))
    acknowledged = bytearray(b"\x40\x02\x00\x00")
    received = bytearray(b"\x50\x02\x00\x00")
    completed = bytearray(b"\x70\x02\x00\x00")
    answer = bytearray(4)

    def receive0():
        sock.readinto(packet, len(_FIRST))
        seen[0] += 1

    def receive1():
        sock.readinto(packet, len(_SECOND))
        seen[0] += 1
        acknowledged[2] = packet[_ID_AT]
        acknowledged[3] = packet[_ID_AT + 1]
        sock.write(acknowledged)

    def receive2():
        sock.readinto(packet, len(_SECOND))
        seen[0] += 1
        received[2] = completed[2] = packet[_ID_AT]
        received[3] = completed[3] = packet[_ID_AT + 1]
        sock.write(received)
        sock.readinto(answer, 4)
        sock.write(completed)

    return {"receive 0": receive0, "receive 1": receive1, "receive 2": receive2}


def socket(sock):
    return sock


def window(sock):
    answer = bytearray(4)
    acks = [0]

    def send():
        sock.write(_SECOND)

    def turn():
        wait()
        sock.readinto(answer, 4)
        acks[0] += 1

    def acked():
        return acks[0]

    return send, turn, acked

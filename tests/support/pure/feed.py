"""Feeding a parser three ways: whole, byte by byte, and with a following packet."""

from mqtt.parser import Parser

WAYS = ("whole", "byte by byte", "with a following packet")
_FOLLOWING = b"\xd0\x00"  # PINGRESP


class Copy:
    """What a parser gave up: first byte, body, and what it says of an oversize one."""

    def __init__(self, first, parser):
        self.first = first
        self.oversize = parser.oversize
        self.length = parser.length
        self.packet_id = parser.packet_id
        self.body = b"" if parser.oversize or first < 0 else bytes(parser.buf[: parser.length])


def pour(parser, data, piece):
    """Every packet in `data`, fed at most `piece` bytes at once; ends at the first error."""
    found = []
    at = 0
    while at < len(data):
        n = min(parser.need, piece, len(data) - at)
        assert n > 0 and parser.need <= len(parser.into), "asks for what it can take"
        parser.into[:n] = data[at : at + n]
        at += n
        first = parser.feed(n)
        if first:
            found.append(Copy(first, parser))
            if first < 0:
                return found
    return found


def feed(data, size=64, way="whole"):
    """The packets that a fresh Parser(size) finds in `data`, fed that way."""
    if way == "byte by byte":
        return pour(Parser(size), data, 1)
    if way == "whole":
        return pour(Parser(size), data, 1 << 20)
    found = pour(Parser(size), data + _FOLLOWING, 1 << 20)
    if found and found[-1].first == 0xD0:
        found.pop()
    return found

"""Feeding a parser three ways: whole, byte by byte, and with a following packet.

A packet larger than its buffer comes out in pieces, each a Copy with first == PIECE but the last.
"""

from mqtt.parser import Parser

WAYS = ("whole", "byte by byte", "with a following packet")
PIECE = 1
_FOLLOWING = b"\xd0\x00"  # PINGRESP


class Copy:
    """What a parser gave up: first byte, body or piece, and what it says of an oversize one."""

    def __init__(self, first, parser):
        self.first = first
        self.oversize = parser.oversize
        self.headless = parser.headless
        self.length = parser.length
        self.packet_id = parser.packet_id
        self.offset = parser.offset if parser.oversize else 0
        self.body = b""
        if first > 0 and not parser.headless:
            n = parser.piece if parser.oversize else parser.length
            self.body = bytes(parser.buf[:n])


def joined(found):
    """The packets in `found` with their pieces put together: (first byte, body) each. The body of
    one whose head did not fit is not known: None."""
    packets = []
    body = b""
    for copy in found:
        assert copy.first < 0 or copy.headless or copy.offset == len(body), "pieces without a gap"
        body += copy.body
        if copy.first != PIECE:
            packets.append((copy.first, None if copy.headless and copy.first > 0 else body))
            body = b""
    return packets


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

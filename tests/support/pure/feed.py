"""Feeding a parser in several ways: whole, byte by byte, and beside other packets.

A packet larger than its buffer comes out in pieces, each a Copy with first == PIECE but the last.
What the parser leaves to its caller is done here as receiving.py does it: a packet that lies whole
in the stage is given up unlooked at, so that its first byte is judged here, and an oversize one is
over once its last piece was taken.
"""

from mqtt import MALFORMED
from mqtt.codec import FROM_SERVER
from mqtt.parser import STAGE, Parser, next_packet

WAYS = ("whole", "byte by byte", "with a following packet", "behind another")
PIECE = 1
_BESIDE = b"\xd0\x00"  # PINGRESP


class Copy:
    """What a parser gave up: first byte, body or piece, and what it says of an oversize one."""

    def __init__(self, first, parser):
        self.first = first
        self.oversize = parser.oversize
        self.offset = parser.offset if parser.oversize else 0
        self.body = bytes(parser.buf[parser.start : parser.end]) if first > 0 else b""
        self.length = parser.length if parser.oversize else len(self.body)
        self.staged = parser.buf is parser.stage


def may_come(first):
    """True for the first byte of a packet that a server may send."""
    return first & 6 != 6 if first >> 4 == 3 else first in FROM_SERVER


def joined(found):
    """The packets in `found` with their pieces put together: (first byte, body) each."""
    packets = []
    body = b""
    for copy in found:
        assert copy.first < 0 or copy.offset == len(body), "pieces without a gap"
        body += copy.body
        if copy.first != PIECE:
            packets.append((copy.first, body if copy.first > 0 else b""))
            body = b""
    return packets


def pour(parser, data, piece):
    """Every packet in `data`, read at most `piece` bytes at once, and a stage at the most; ends at
    the first error."""
    found = []
    at = 0
    while at < len(data):
        n = min(STAGE, piece, len(data) - at)
        parser.stage[:n] = data[at : at + n]
        parser.at = 0
        parser.have = n
        at += n
        if not _drain(parser, found):
            break
    return found


def _drain(parser, found):
    while True:
        first = next_packet(parser)
        if not first:
            assert parser.at == parser.have, "all that was read is parsed"
            return True
        if first > PIECE and not may_come(first):
            first = MALFORMED
        found.append(Copy(first, parser))
        if first < 0:
            return False
        if first != PIECE:
            parser.oversize = False


def feed(data, size=64, way="whole"):
    """The packets that a fresh Parser(size) finds in `data`, fed that way."""
    if way == "byte by byte":
        return pour(Parser(size), data, 1)
    if way == "whole":
        return pour(Parser(size), data, 1 << 20)
    if way == "behind another":
        return pour(Parser(size), _BESIDE + data, 1 << 20)[1:]
    found = pour(Parser(size), data + _BESIDE, 1 << 20)
    if found and found[-1].first == 0xD0:
        found.pop()
    return found

"""Topic names: what is valid, and which filter matches (MQTT 3.1.1, 1.5.3 and 4.7).

Everything works on ``(buffer, start, end)`` in place and allocates nothing. No state, no I/O.
"""

from mqtt._shim import const

_PLUS = const(0x2B)
_HASH = const(0x23)
_SLASH = const(0x2F)
_DOLLAR = const(0x24)


def text_ok(buf, start, end):
    """True if buf[start:end] is well-formed UTF-8 without U+0000 [MQTT-1.5.3-1, -2].

    No surrogates, no overlong forms, nothing above U+10FFFF; U+FEFF is an ordinary character.
    """
    i = start
    while i < end:
        c = buf[i]
        i += 1
        if c < 0x80:
            if not c:
                return False
        elif not 0xC1 < c < 0xF5:
            return False
        else:
            more = 1 if c < 0xE0 else 2 if c < 0xF0 else 3
            if i + more > end or not _tail_ok(buf, i, c, more):
                return False
            i += more
    return True


def _tail_ok(buf, i, c, more):
    # The lead byte and its continuation bytes make one character; it must need them all.
    c &= 0x3F >> more
    for k in range(more):
        if buf[i + k] & 0xC0 != 0x80:
            return False
        c = c << 6 | buf[i + k] & 0x3F
    return (0x80, 0x800, 0x10000)[more - 1] <= c < 0x110000 and not 0xD800 <= c < 0xE000


def topic_ok(buf, start, end):
    """True if buf[start:end] may be the topic of a PUBLISH: 1..65535 bytes of text, no wildcard."""
    return (
        0 < end - start < 65536
        and buf.find(b"+", start, end) < 0
        and buf.find(b"#", start, end) < 0
        and text_ok(buf, start, end)
    )


def matches(flt, buf, start, end):
    """True if the topic buf[start:end] matches the valid filter ``flt`` (bytes).

    ``#`` also takes the parent level; a leading wildcard takes no topic that begins with ``$``
    [MQTT-4.7.2-1].
    """
    f = 0
    stop = len(flt)
    if buf[start] == _DOLLAR and flt[0] != _DOLLAR:
        return False
    while f < stop:
        c = flt[f]
        if c == _HASH:
            return True
        if c == _PLUS:
            start = _level_end(buf, start, end)
        elif start < end and buf[start] == c:
            start += 1
        else:
            # "sport/#" takes "sport": the topic ended where the filter has "/#" left.
            return start == end and c == _SLASH and f + 2 == stop and flt[f + 1] == _HASH
        f += 1
    return start == end


def _level_end(buf, start, end):
    k = buf.find(b"/", start, end)
    return end if k < 0 else k

"""node.command: what a relay may be told, and how everything else is refused."""

from check import eq
from node import command
from node.command import Command

EMPTY = "empty"
TOO_LONG = "over 96 bytes"
NOT_TEXT = "not ASCII text"
UNKNOWN = "not ON, OFF or TOGGLE"
NOT_JSON = 'not like {"state":"ON","for":30}'
BAD_FOR = "for must be 1..2592000 whole seconds, with state ON"


def parse(payload, before=b"topic", after=b"ON}"):
    """(state, seconds) of the payload, or why it is refused; parsed inside a larger buffer whose
    rest must not matter."""
    reader = Command()
    buf = bytearray(before + payload + after)
    code = reader.parse(buf, len(before), len(before) + len(payload))
    return (reader.state, reader.seconds) if code == 0 else reader.why(code)


def test_plain_words_are_states():
    eq(parse(b"ON"), (command.ON, 0))
    eq(parse(b"OFF"), (command.OFF, 0))
    eq(parse(b"TOGGLE"), (command.TOGGLE, 0))
    eq(parse(b" \t ON \r\n"), (command.ON, 0))


def test_an_object_gives_state_and_time_in_either_order():
    eq(parse(b'{"state":"ON"}'), (command.ON, 0))
    eq(parse(b'{"state":"OFF"}'), (command.OFF, 0))
    eq(parse(b'{"state":"TOGGLE"}'), (command.TOGGLE, 0))
    eq(parse(b'{"state":"ON","for":30}'), (command.ON, 30))
    eq(parse(b'{"for":1,"state":"ON"}'), (command.ON, 1))
    eq(parse(b' {\n "for" : 2592000 ,\t"state" : "ON" } \n'), (command.ON, 2592000))


def test_an_empty_payload_is_told_as_empty():
    eq(parse(b""), EMPTY)
    eq(parse(b" \n\t"), EMPTY)


def test_a_huge_payload_is_refused_before_it_is_read():
    eq(parse(b" " * 97), TOO_LONG)
    eq(parse(b"ON" + b" " * 94), (command.ON, 0))


def test_bytes_that_are_no_text_are_refused():
    for payload in (b"\xff\xfe", b"ON\x00", b"\xc3\xb6N", b"ON\x7f", b"\x1bON", b"\xed\xa0\x80"):
        eq(parse(payload), NOT_TEXT, payload)


def test_other_words_are_refused():
    for payload in (b"on", b"ONE", b"ON OFF", b"O", b"1", b"true", b'"ON"', b"TOGGLES", b"O N"):
        eq(parse(payload), UNKNOWN, payload)


def test_objects_that_are_not_the_two_members_are_refused():
    for payload in (
        b"{",
        b"{}",
        b'{"state"}',
        b'{"state":ON}',
        b'{"state":"on"}',
        b'{"state":" ON"}',
        b'{"state":"ON "}',
        b'{"state":"ON"',
        b'{"state":"ON",}',
        b'{"state":"ON"}}',
        b'{"state":"ON"} x',
        b'{"state":"ON","fro":30}',
        b'{"state":"ON","state":"OFF"}',
        b'{"state":"ON","for":30,"for":40}',
        b'{"state":"ON","for":1.5}',
        b'{"state":"ON","for":1e3}',
        b'{"state":"ON" "for":3}',
        b'{"for":30}',
        b'{"State":"ON"}',
        b"[]",
    ):
        eq(parse(payload) in (NOT_JSON, UNKNOWN), True, payload)


def test_a_time_that_is_no_whole_number_of_seconds_in_range_is_refused():
    for value in (b"0", b"-5", b"030", b'"30"', b"null", b"2592001", b"99999999999999999999", b""):
        eq(parse(b'{"state":"ON","for":' + value + b"}"), BAD_FOR, value)


def test_a_time_goes_with_on_only():
    eq(parse(b'{"state":"OFF","for":30}'), BAD_FOR)
    eq(parse(b'{"for":30,"state":"TOGGLE"}'), BAD_FOR)


def test_every_truncation_of_a_command_is_refused_without_reading_behind_it():
    whole = b'{"state":"ON","for":30}'
    for n in range(len(whole)):
        eq(isinstance(parse(whole[:n], after=whole[n:]), str), True, whole[:n])


def test_every_single_changed_byte_is_survived():
    whole = b'{"state":"ON","for":30}'
    for at in range(len(whole)):
        for value in range(256):
            changed = whole[:at] + bytes((value,)) + whole[at + 1 :]
            parse(changed)  # raises nothing
            parse(changed, b"", b"")

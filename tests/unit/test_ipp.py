"""IPP messages: what is written reads the same, and rubbish is refused without harm."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.printing.ipp import (
    Field,
    Group,
    IppMalformedError,
    Operation,
    Tag,
    parse,
    request,
)

NAMES = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=20)
NUMBERS = st.integers(-(2**31), 2**31 - 1)


def fields() -> st.SearchStrategy[Field]:
    """Make attributes of every kind that is sent."""
    values = st.one_of(
        st.tuples(st.just(Tag.INTEGER), st.lists(NUMBERS, min_size=1, max_size=4)),
        st.tuples(st.just(Tag.BOOLEAN), st.lists(st.booleans(), min_size=1, max_size=1)),
        st.tuples(
            st.just(Tag.RANGE), st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=3)
        ),
        st.tuples(
            st.sampled_from([Tag.NAME, Tag.KEYWORD, Tag.URI, Tag.TEXT]),
            st.lists(st.text(max_size=60), min_size=1, max_size=4),
        ),
    )
    return st.tuples(NAMES, values).map(lambda made: Field(made[0], made[1][0], made[1][1]))


@given(st.lists(fields(), max_size=6, unique_by=lambda field: field.name))
def test_round_trip(sent: list[Field]) -> None:
    """Every attribute that is written is read back with its name and values."""
    data = request(Operation.SET_JOB_ATTRIBUTES, 7, (), ((Group.JOB, sent),))
    message = parse(data + b"document")

    assert message.code == Operation.SET_JOB_ATTRIBUTES
    assert message.rest == b"document"
    assert message.first_of(Group.JOB) == {field.name: list(field.values) for field in sent}


@given(st.binary(max_size=400))
def test_rubbish(data: bytes) -> None:
    """Any bytes are a message or refused in words; nothing else is raised."""
    with suppress(IppMalformedError):
        parse(data)


@given(st.data())
def test_cut_short(data: st.DataObject) -> None:
    """A message cut anywhere is refused, never read as a shorter one."""
    target = (Field.one("printer-uri", Tag.URI, "ipp://localhost/"),)
    whole = request(Operation.GET_JOBS, 1, target)
    with pytest.raises(IppMalformedError):
        parse(whole[: data.draw(st.integers(0, len(whole) - 1))])


def attribute(tag: int, name: bytes, value: bytes) -> bytes:
    """Write one attribute by hand."""
    head = bytes([tag]) + struct.pack(">H", len(name)) + name
    return head + struct.pack(">H", len(value)) + value


def test_values_a_printer_sends() -> None:
    """Collections, names with a language, out-of-band values and unknown syntaxes are read."""
    data = struct.pack(">BBHI", 2, 0, 0, 1) + bytes([Group.JOB])
    data += attribute(0x12, b"job-impressions", b"")  # unknown
    data += attribute(0x36, b"job-name", b"\0\2en\0\4Name")
    data += attribute(0x31, b"date-time-at-creation", b"0123456789a")
    data += attribute(0x34, b"media-col", b"")
    data += attribute(0x4A, b"", b"media-size") + attribute(0x34, b"", b"")
    data += attribute(0x4A, b"", b"x-dimension") + attribute(0x21, b"", struct.pack(">i", 21000))
    data += attribute(0x37, b"", b"") + attribute(0x37, b"", b"")
    data += attribute(0x21, b"copies", struct.pack(">i", 2)) + bytes([Group.END])

    assert parse(data).first_of(Group.JOB) == {
        "job-impressions": [None],
        "job-name": ["Name"],
        "date-time-at-creation": [b"0123456789a"],
        "media-col": [{"media-size": [{"x-dimension": [21000]}]}],
        "copies": [2],
    }


def test_value_of_a_wrong_kind() -> None:
    """What cannot be written is refused before anything is sent."""
    with pytest.raises(IppMalformedError, match="INTEGER"):
        request(Operation.GET_JOBS, 1, (Field.one("limit", Tag.INTEGER, "many"),))
    with pytest.raises(IppMalformedError, match="too long"):
        request(Operation.GET_JOBS, 1, (Field.one("job-name", Tag.NAME, "x" * 40_000),))

"""IPP messages: what pycups writes reads the same, and rubbish is refused without harm."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.printing.ipp import Field, Group, IppMalformedError, Operation, Tag, parse
from edge.printing.pycups import Library, load, written
from tests.unit.ipp_bytes import BEYOND_PYCUPS, attribute, integer, message

NAMES = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=20)
NUMBERS = st.integers(-(2**31), 2**31 - 1)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


@pytest.fixture(scope="module")
def pycups() -> Library:
    """Return pycups, or leave the test out."""
    pytest.importorskip("cups")
    return load()


def fields() -> st.SearchStrategy[Field]:
    """Make attributes of every kind that is sent."""
    values = st.one_of(
        st.tuples(st.just(Tag.INTEGER), st.lists(NUMBERS, min_size=1, max_size=4)),
        st.tuples(st.just(Tag.BOOLEAN), st.lists(st.booleans(), min_size=1, max_size=1)),
        st.tuples(
            st.sampled_from([Tag.NAME, Tag.KEYWORD, Tag.URI]),
            st.lists(TEXTS, min_size=1, max_size=4),
        ),
    )
    return st.tuples(NAMES, values).map(lambda made: Field(made[0], made[1][0], made[1][1]))


@given(st.lists(fields(), max_size=6, unique_by=lambda field: field.name))
def test_round_trip(pycups: Library, sent: list[Field]) -> None:
    """Every attribute that is written is read back with its name and values."""
    data = written(pycups, Operation.SET_JOB_ATTRIBUTES, (), ((Group.JOB, sent),))
    read = parse(data + b"document")

    assert read.code == Operation.SET_JOB_ATTRIBUTES
    assert read.rest == b"document"
    assert read.first_of(Group.JOB) == {field.name: list(field.values) for field in sent}


@given(st.binary(max_size=400))
def test_rubbish(data: bytes) -> None:
    """Any bytes are a message or refused in words; nothing else is raised."""
    with suppress(IppMalformedError):
        parse(data)


@given(st.data())
def test_cut_short(data: st.DataObject) -> None:
    """A message cut anywhere is refused, never read as a shorter one."""
    whole = message(Group.JOB, [attribute(Tag.URI, b"job-uri", b"ipp://localhost/jobs/1")])
    with pytest.raises(IppMalformedError):
        parse(whole[: data.draw(st.integers(0, len(whole) - 1))])


def test_values_a_printer_sends() -> None:
    """Collections, names with a language, out-of-band values and unknown syntaxes are read."""
    said = [value for name, value in BEYOND_PYCUPS.items() if name != "unknown"]

    assert parse(message(Group.JOB, [*said, integer(b"copies", 2)])).first_of(Group.JOB) == {
        "job-impressions-completed": [None],
        "job-name": ["Name"],
        "date-time-at-creation": [b"0123456789a"],
        "media-col": [{"media-size": [{"x-dimension": [21000]}]}],
        "copies": [2],
    }


@pytest.mark.parametrize(
    ("field", "why"),
    [
        (Field.one("limit", Tag.INTEGER, "many"), "INTEGER"),
        (Field.one("limit", Tag.INTEGER, 2**31), "INTEGER"),
        # pycups leaves a text out without a word, and cuts a name at its first zero
        (Field.one("printer-info", Tag.TEXT, "words"), "TEXT"),
        (Field.one("page-ranges", Tag.RANGE, 1), "RANGE"),
        (Field.one("job-name", Tag.NAME, "one\0two"), "NAME"),
        # ends the process
        (Field.one("job-name", Tag.NAME, "\udc80"), "NAME"),
        (Field.one("job-name", Tag.NAME, "x" * 40_000), "too long"),
    ],
)
def test_value_of_a_wrong_kind(pycups: Library, field: Field, why: str) -> None:
    """What cannot be written is refused before anything is sent."""
    with pytest.raises(IppMalformedError, match=why):
        written(pycups, Operation.SET_JOB_ATTRIBUTES, (), ((Group.JOB, (field,)),))

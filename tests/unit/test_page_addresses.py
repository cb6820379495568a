"""What the addresses of lists say is read, and what they cannot mean is left aside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest

from central.web.pages.addresses import BIGGEST, before, cut, day, day_after
from central.web.pages.lists import Query

PARIS = ZoneInfo("Europe/Paris")


def query(after: str, limit: int) -> Query:
    """Ask for a page of a list."""
    return Query(MappingProxyType({}), "", descending=False, after=after, limit=limit, sites=None)


@pytest.mark.parametrize(
    ("cursor", "number"),
    [
        ("17", 17),
        ("", None),  # the first page
        ("-1", None),
        ("²", None),  # a digit to Python, and no number
        ("٣", None),  # likewise, and one
        ("9" * 40, BIGGEST),  # more than the books can hold
    ],
)
def test_a_cursor_is_a_number_that_the_books_can_hold(cursor: str, number: int | None) -> None:
    """Whatever a browser sends, the books are asked for a number of theirs or for the newest."""
    assert before(cursor) == number


def test_pages_of_a_list_are_all_of_it_once() -> None:
    """From cursor to cursor each row comes once, in order, and the last page leads no further."""
    rows, after = list(range(7)), ""
    seen: list[int] = []
    while True:
        some, after = cut(rows, query(after, 3))
        seen.extend(some)
        if not after:
            break
    assert seen == rows


def test_a_page_behind_the_last_is_empty() -> None:
    """An old address of a list that became shorter shows nothing, and fails in nothing."""
    assert cut([1, 2], query("9" * 40, 3)) == ([], "")


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("2026-03-29", datetime(2026, 3, 29, tzinfo=PARIS)),
        ("", None),
        ("2026-02-30", None),
        ("0001-01-01", None),  # cannot be written in every zone
        ("9999-12-31", None),
    ],
)
def test_a_day_begins_by_the_clocks_of_its_zone(text: str, begins: datetime | None) -> None:
    """A day is told from what is none before any list is searched by it."""
    assert day(text, PARIS) == begins


def test_a_day_ends_at_midnight_where_the_clocks_change() -> None:
    """A day of 23 or 25 hours is all of that day, and nothing of the next."""
    for text, hours in (("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)):
        begins, ends = day(text, PARIS), day_after(text, PARIS)
        assert begins is not None
        assert ends is not None
        assert (ends.astimezone(UTC) - begins.astimezone(UTC)) == timedelta(hours=hours)
    assert day_after("tomorrow", PARIS) is None

"""Promises of cursors: what a page gives as `next` leads on from its last row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from central.web.paging import KeyPage, NumberPage, page_of


class Named(BaseModel):
    """What a page shows in these tests."""

    name: str


NAMES = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=255)


def show(name: str) -> Named:
    """Show a name."""
    return Named(name=name)


@given(NAMES, NAMES)
def test_a_cursor_stands_for_the_last_name_shown(first: str, second: str) -> None:
    """Any name comes back out of the cursor as it went in."""
    page = page_of([first, second], 1, show=show, key=str)
    assert [item.name for item in page.items] == [first]
    assert KeyPage.model_validate({"after": page.next}).after == first


@given(st.integers(min_value=1, max_value=2**63 - 1))
def test_a_cursor_stands_for_the_last_number_shown(number: int) -> None:
    """Any number that a row may have comes back out of the cursor as it went in."""
    page = page_of([number, 0], 1, show=lambda n: show(str(n)), key=lambda n: n)
    assert NumberPage.model_validate({"after": page.next}).after == number


@given(st.lists(NAMES, max_size=5), st.integers(min_value=5, max_value=500))
def test_there_is_no_cursor_after_the_end(names: list[str], limit: int) -> None:
    """A page with no row left over says that it is the last."""
    assert page_of(names, limit, show=show, key=str).next is None


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """A text that no page gave is refused, or is the one way to write what it stands for."""
    for shape in (KeyPage, NumberPage):
        try:
            asked = shape.model_validate({"after": text})
        except ValidationError as error:
            assert "no cursor" in str(error)  # noqa: PT017  either outcome is right
        else:
            after = asked.model_dump()["after"]
            page = page_of([after, after], 1, show=lambda n: show(str(n)), key=lambda n: n)
            assert page.next == text


@pytest.mark.parametrize(
    "cursor",
    [
        "AA",  # NUL, which PostgreSQL cannot keep
        "YW5h=",  # padded, which ours never are
        "YW5hx",  # bits left over
        "_w",  # not UTF-8
        "YQ" * 1001,  # longer than any name
    ],
)
def test_what_no_page_gives_is_refused(cursor: str) -> None:
    """Cursors that were cut, padded or made up are refused."""
    with pytest.raises(ValidationError, match="no cursor"):
        KeyPage.model_validate({"after": cursor})

"""Lists, a page at a time: how many, after what, and the cursor of the next page.

A cursor says after which row to go on, not how many rows to leave out: what is entered meanwhile
makes no row come twice.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Annotated, Final, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: A text without the one character that PostgreSQL cannot keep.
TEXT: Final = r"^[^\x00]*$"
#: What the numbers of rows fit in.
_NUMBERS: Final = 2**63
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
#: Characters of a cursor: the longest name, in UTF-8, in base64, is shorter.
_LONGEST: Final = 2000
_NO_CURSOR: Final = "this is no cursor; take `next` of the page before, or leave it out"

Item = TypeVar("Item", bound=BaseModel)
Row = TypeVar("Row")


def _key(cursor: object) -> object:
    """Read a cursor that stands for a text."""
    if not isinstance(cursor, str):
        return cursor
    try:
        key = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError as error:
        raise ValueError(_NO_CURSOR) from error
    if len(cursor) > _LONGEST or cursor != _cursor(key) or "\0" in key:
        raise ValueError(_NO_CURSOR)
    return key


def _number(cursor: object) -> object:
    """Read a cursor that stands for a row's number."""
    if not isinstance(cursor, str):
        return cursor
    key = str(_key(cursor))
    number = int(key) if _NUMBER.fullmatch(key) else _NUMBERS
    if number >= _NUMBERS:
        raise ValueError(_NO_CURSOR)
    return number


def cursor(number: int | None) -> str | None:
    """Return the cursor of a row's number; None: there is no next page."""
    return None if number is None else _cursor(str(number))


def _cursor(key: str) -> str:
    return urlsafe_b64encode(key.encode()).decode().rstrip("=")


#: The document's words replace all that would be derived, the docstrings below too.
_AS_TEXT = WithJsonSchema(
    {
        "type": "string",
        "maxLength": _LONGEST,
        "description": "`next` of the page before; without it, the first page.",
    }
)


class Asked(BaseModel):
    """What a request may ask; other parameters are refused, since they would be typing errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class PageAsked(Asked):
    """What every list understands."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    """How many items at most."""


class KeyPage(PageAsked):
    """A page of things that have names, by name."""

    # by a factory: the document would show the first page's value as if it were a cursor
    after: Annotated[str, BeforeValidator(_key), _AS_TEXT] = Field(default_factory=str)
    """The last name of the page before."""


class NumberPage(PageAsked):
    """A page of things that have numbers, in the order in which they were entered."""

    after: Annotated[int, BeforeValidator(_number), _AS_TEXT] = Field(default_factory=int)
    """The last number of the page before."""


class Page(BaseModel, Generic[Item]):
    """A part of a list."""

    model_config = ConfigDict(frozen=True)

    # not by docstrings: pydantic would look for the source of each list of something, in seconds
    items: tuple[Item, ...] = Field(description="What was asked for, in the list's order.")
    next: str | None = Field(
        description="Give it as `after` to get the page that follows; null: this is the last one."
    )


def paged(item: type[Item]) -> type[Page[Item]]:
    """Return the shape of a page of something, for a table of routes.

    In a call of several lines pydantic could not read the source around `Page[…]`, which it does
    to find docstrings.
    """
    return Page[item]  # type: ignore[valid-type]  # it is a value


def page_of(
    rows: Sequence[Row],
    limit: int,
    *,
    show: Callable[[Row], Item],
    key: Callable[[Row], str | int],
) -> Page[Item]:
    """Return the page of rows that were read with a limit of one more than asked."""
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(
        items=tuple(show(row) for row in shown), next=_cursor(str(key(shown[-1]))) if more else None
    )

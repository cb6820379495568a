"""Lists as tools: columns, filters in the address, sorting, pages by cursor, sums, files.

A subject declares a `ListOf` once; `view` makes of it what a page shows and `file` what is
downloaded, both by the same address. The reading function gets what was asked and the sites that
whoever asks may see; it returns one page of rows and the cursor of the next.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeAlias, TypeVar

from starlette.responses import Response, StreamingResponse

from central.web.export import Column as Head
from central.web.export import Kind, csv_of, xlsx_of
from central.web.pages.guarding import FRESH
from central.web.pages.views import Choice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from central.rights import Right
    from central.store.books import Transaction
    from central.web.export import Value
    from central.web.pages.views import Chip, Empty, SiteChip
    from central.web.pages.visit import Visit

Row = TypeVar("Row")

FilterKind: TypeAlias = Literal["text", "choice", "day", "switch"]

#: Rows of a page; of a file they are read so many at once, each time at a moment of its own.
LIMIT: Final = 50
_FILE_SLICE: Final = 1000
_LIMITS: Final = (25, 50, 100, 200)
_CURSOR_MOST: Final = 2000
_ASKED_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a table."""

    text: str = ""
    """Written down, in the reader's language."""
    note: str = ""
    """Small, below."""
    href: str = ""
    chip: Chip | None = None
    site: SiteChip | None = None
    when: datetime | None = None
    """In the organisation's zone: written as people say it, with the exact one on hover."""
    key: str = ""
    """Of a live value; empty: it is not."""


# no slots: Python 3.11 cannot make frozen, slotted instances of Column[Row]
@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column."""

    key: str
    """In the address, for sorting, and in files."""
    label: str
    """Marked for translators; with the unit, if it has one."""
    show: Callable[[Row, Visit], Cell]
    plain: Callable[[Row], Value]
    """The same for files: not written down in any language."""
    kind: Kind = Kind.TEXT
    """In files."""
    number: bool = False
    """Figures, to the right."""
    sort: bool = False
    """The reading function can sort by it."""
    wide: bool = False
    """Left out on phones."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One way to see less."""

    key: str
    label: str
    """Marked for translators."""
    kind: FilterKind = "text"
    choices: Callable[[Visit], tuple[Choice, ...]] | None = None
    """For `choice`."""
    hint: str = ""
    """Marked; shown in the empty field."""


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked of a list."""

    filters: Mapping[str, str]
    """Those that are set."""
    sort: str
    descending: bool
    after: str
    """The cursor of the page before; empty: the first page."""
    limit: int
    sites: frozenset[str] | None
    """At which sites whoever asks may look; None: all."""


# no slots: Python 3.11 cannot make frozen, slotted instances of Column[Row]
@dataclass(frozen=True)
class Rows(Generic[Row]):
    """One page of a list."""

    rows: tuple[Row, ...]
    next: str = ""
    """Cursor of the page after it; empty: this is the last."""
    total: int | None = None
    """How many there are with these filters, where that is cheap to know."""
    sums: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Of all that is filtered, written down, by column."""


# no slots: Python 3.11 cannot make frozen, slotted instances of Column[Row]
@dataclass(frozen=True)
class ListOf(Generic[Row]):
    """A list, declared."""

    name: str
    """Of its files."""
    columns: tuple[Column[Row], ...]
    read: Callable[[Transaction, Query], Rows[Row]]
    right: Right
    """Whose sites bound it."""
    filters: tuple[Filter, ...] = ()
    sort: str = ""
    """Column it is sorted by unless asked otherwise."""
    descending: bool = False
    limit: int = LIMIT
    link: Callable[[Row], str] | None = None
    """Where a row leads, from its first cell."""


# ── what templates get ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class HeadView:
    """The head of a column."""

    label: str
    number: bool
    wide: bool
    href: str
    """Sorts by it, or the other way round; empty: it cannot be sorted by."""
    sorted: Literal["", "ascending", "descending"]


@dataclass(frozen=True, slots=True)
class FilterView:
    """A filter with what is set."""

    key: str
    label: str
    kind: FilterKind
    value: str
    choices: tuple[Choice, ...]
    hint: str


@dataclass(frozen=True, slots=True)
class RowView:
    """One row."""

    cells: tuple[Cell, ...]
    href: str


@dataclass(frozen=True, slots=True)
class ListView:
    """A page of a list, to be shown by `parts.table`."""

    heads: tuple[HeadView, ...]
    rows: tuple[RowView, ...]
    filters: tuple[FilterView, ...]
    kept: tuple[tuple[str, str], ...]
    """What else of the address the filter's form sends along: the sorting."""
    filtered: bool
    """Something is set."""
    clear: str
    """The address without filters."""
    first: str
    """The address of the first page; empty: this is it."""
    next: str
    """The address of the next page; empty: this is the last."""
    total: int | None
    sums: tuple[str, ...]
    """By column; empty where there is none. Empty as a whole: no sums."""
    files: tuple[tuple[str, str], ...]
    """Kind and address of each file that it can be had as."""
    empty: Empty | None = None


async def view(visit: Visit, what: ListOf[Row], *, empty: Empty | None = None) -> ListView:
    """Return a page of a list, as the address asks.

    Args:
        visit: the request.
        what: the list.
        empty: what stands there when it has nothing at all, filters or not.
    """
    query = query_of(visit, what)
    found = await visit.read(lambda tx: what.read(tx, query))
    return shown(visit, what, query, found, empty=empty)


def shown(
    visit: Visit, what: ListOf[Row], query: Query, found: Rows[Row], *, empty: Empty | None = None
) -> ListView:
    """Return what a page shows of rows that were read already, with other things perhaps."""
    kept = tuple((k, v) for k, v in (("sort", visit.asked("sort")), ("n", visit.asked("n"))) if v)
    sums = tuple(found.sums.get(each.key, "") for each in what.columns)
    reset = {each.key: None for each in what.filters}
    return ListView(
        heads=tuple(_head(visit, each, query) for each in what.columns),
        rows=tuple(_row(visit, what, each) for each in found.rows),
        filters=tuple(_filter(visit, each, query) for each in what.filters),
        kept=kept,
        filtered=bool(query.filters),
        clear=visit.here(**reset, after=None),
        first=visit.here(after=None) if query.after else "",
        next=visit.here(after=_packed(found.next)) if found.next else "",
        total=found.total,
        sums=sums if any(sums) else (),
        files=tuple((each.upper(), visit.here(**{"as": each, "after": None})) for each in FILES),
        empty=empty if not found.rows and not query.filters and not query.after else None,
    )


def query_of(visit: Visit, what: ListOf[Row]) -> Query:
    """Return what an address asks of a list; what it does not know is left aside."""
    return query_from(visit.request.query_params, what, visit.sites(what.right))


def query_from(asked: Mapping[str, str], what: ListOf[Row], sites: frozenset[str] | None) -> Query:
    """Return the same from parameters of an address, for whoever may see these sites."""
    given = _plain(asked, "sort")
    wish, descending = given.removeprefix("-"), given.startswith("-")
    if wish not in {each.key for each in what.columns if each.sort}:
        wish, descending = what.sort, what.descending
    number = _plain(asked, "n")
    limit = int(number) if number in {str(each) for each in _LIMITS} else what.limit
    filters = {each.key: _plain(asked, each.key) for each in what.filters}
    return Query(
        MappingProxyType({key: value for key, value in filters.items() if value}),
        wish,
        descending,
        _unpacked(asked.get("after", "")[:_CURSOR_MOST]),
        limit,
        sites,
    )


def _plain(asked: Mapping[str, str], name: str) -> str:
    return asked.get(name, "").replace("\0", "").strip()[:_ASKED_MOST]


def _head(visit: Visit, column: Column[Row], query: Query) -> HeadView:
    mine = query.sort == column.key
    href = ""
    if column.sort:
        turned = mine and not query.descending
        href = visit.here(sort=f"-{column.key}" if turned else column.key, after=None)
    direction: Literal["", "ascending", "descending"] = ""
    if mine and column.sort:
        direction = "descending" if query.descending else "ascending"
    return HeadView(visit.say(column.label), column.number, column.wide, href, direction)


def _row(visit: Visit, what: ListOf[Row], row: Row) -> RowView:
    cells = tuple(each.show(row, visit) for each in what.columns)
    return RowView(cells, what.link(row) if what.link is not None else "")


def _filter(visit: Visit, each: Filter, query: Query) -> FilterView:
    value = query.filters.get(each.key, "")
    choices = tuple(
        Choice(one.value, one.label, chosen=one.value == value)
        for one in (each.choices(visit) if each.choices is not None else ())
    )
    hint = visit.say(each.hint) if each.hint else ""
    return FilterView(each.key, visit.say(each.label), each.kind, value, choices, hint)


def _packed(cursor: str) -> str:
    return urlsafe_b64encode(cursor.encode()).decode().rstrip("=")


def _unpacked(text: str) -> str:
    """Return a cursor; the first page for what is none."""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().replace("\0", "")
    except ValueError:
        return ""


# ── files ───────────────────────────────────────────────────────────────────────────────────

FILES: Final = ("csv", "xlsx")
_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def file(visit: Visit, what: ListOf[Row]) -> Response | None:
    """Return all that is filtered as a file, where the address asks for one (`as=csv`).

    It is read slice by slice while it is sent: each row is as it was at its moment.

    Raises:
        TooBusy: others are fetching files.
    """
    kind = visit.asked("as")
    if kind not in FILES:
        return None
    query = replace(query_of(visit, what), after="", limit=_FILE_SLICE)
    columns = [Head(visit.say(each.label), each.kind) for each in what.columns]
    rows = _every(visit, what, query)
    zone = visit.centre.zone
    if kind == "csv":
        pieces = csv_of(rows, columns, zone=zone)
    else:
        pieces = xlsx_of(rows, columns, sheet=what.name, zone=zone)
    day = visit.now.date().isoformat()
    headers = {
        "content-disposition": f'attachment; filename="{what.name}-{day}.{kind}"',
        "cache-control": FRESH,
    }
    return StreamingResponse(
        visit.centre.downloads.bounded(pieces), media_type=_TYPES[kind], headers=headers
    )


def _every(visit: Visit, what: ListOf[Row], query: Query) -> Iterator[tuple[Value, ...]]:
    """Yield all rows; this runs in a thread, which holds no transaction while it writes."""
    while True:
        with visit.centre.books.read() as tx:
            found = what.read(tx, query)
        for row in found.rows:
            yield tuple(each.plain(row) for each in what.columns)
        if not found.next:
            return
        query = replace(query, after=found.next)

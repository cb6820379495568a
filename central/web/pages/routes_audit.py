"""The audit: who did what, when, from where; before and after; and whether the chain holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import ndiff
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from starlette.exceptions import HTTPException

from central.rights import Right
from central.store import audit, audit_chain
from central.store.audit import Act, Which
from central.web.export import Kind
from central.web.pages import addresses, lists, sentences
from central.web.pages.job_words import person_of
from central.web.pages.lists import Cell, Column, Filter, ListOf, Query, Rows
from central.web.pages.sentences import mark
from central.web.pages.table import Nav, Page
from central.web.pages.views import Empty

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from starlette.responses import Response

    from central.store.audit_chain import Broken, Head
    from central.store.books import Transaction
    from central.web.pages.lists import ListView
    from central.web.pages.visit import Visit

_FACES: Final = {
    "web": mark("at these pages"),
    "cli": mark("by the command line"),
    "api": mark("through the interface"),
}
#: Acts that are hashed for one page: a few hundredths of a second.
_AT_ONCE: Final = 2000
#: Places at which the chain is broken, as far as they are shown.
_BROKEN: Final = 20
#: Longer texts are shown one after the other instead of line by line.
_LINES: Final = 400
How: TypeAlias = Literal["same", "gone", "new"]


@dataclass(frozen=True, slots=True)
class AuditPage:
    """The page."""

    list: ListView
    acts: int
    """How many are kept."""
    pruned: int


@dataclass(frozen=True, slots=True)
class ActPage:
    """One act."""

    act: Act
    who: str
    face: str
    at: datetime
    detail: tuple[tuple[str, str], ...]
    diff: tuple[tuple[How, str], ...]
    one: How
    """There is only this: what was, or what is."""


@dataclass(frozen=True, slots=True)
class ChainPage:
    """What hashing all of it came to."""

    head: Head
    broken: tuple[Broken, ...]
    acts: int
    """How many there are."""
    upto: int
    """The last one that was hashed again, while there are more; 0: all were."""
    next: str
    """Where the next ones are hashed; empty: all were."""


def _which(query: Query, zone: ZoneInfo) -> Which:
    asked = query.filters
    return Which(
        author=asked.get("author"),
        person=asked["person"].lower() if "person" in asked else None,
        target=asked.get("target"),
        act=asked.get("act"),
        since=addresses.day(asked.get("since", ""), zone),
        until=addresses.day_after(asked.get("until", ""), zone),
    )


def _read_in(zone: ZoneInfo) -> Any:  # noqa: ANN401  what lists read by
    def read(tx: Transaction, query: Query) -> Rows[Act]:
        before = addresses.before(query.after)
        found = audit.search(tx, _which(query, zone), before=before, limit=query.limit + 1)
        shown = found[: query.limit]
        more = str(shown[-1].n) if len(found) > query.limit else ""
        return Rows(tuple(shown), more)

    return read


def _text(value: object) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _face(author: str) -> str:
    return _FACES.get(author.partition(":")[0], "") if ":" in author else ""


def _who(row: Act, visit: Visit) -> Cell:
    face = _face(row.author)
    return Cell(person_of(row.author) or row.author, visit.say(face) if face else "")


COLUMNS: Final = (
    Column[Act](
        "n", mark("Number"), lambda row, _: Cell(str(row.n)), lambda row: row.n, kind=Kind.NUMBER
    ),
    Column[Act](
        "at",
        mark("When"),
        lambda row, visit: Cell(when=visit.local(row.at)),
        lambda row: row.at,
        kind=Kind.MOMENT,
    ),
    Column[Act]("author", mark("Who"), _who, lambda row: row.author),
    Column[Act]("act", mark("What"), lambda row, _: Cell(row.act), lambda row: row.act),
    Column[Act]("target", mark("To what"), lambda row, _: Cell(row.target), lambda row: row.target),
    Column[Act](
        "address",
        mark("From where"),
        lambda row, _: Cell(row.address),
        lambda row: row.address,
        wide=True,
    ),
)
_IN_FILES: Final = (
    Column[Act](
        "detail", mark("Detail"), lambda _row, _: Cell(), lambda row: _text(dict(row.detail))
    ),
    Column[Act]("before", mark("Before"), lambda _row, _: Cell(), lambda row: _text(row.before)),
    Column[Act]("after", mark("After"), lambda _row, _: Cell(), lambda row: _text(row.after)),
    Column[Act]("hash", mark("Hash"), lambda _row, _: Cell(), lambda row: row.hash),
)
FILTERS: Final = (
    Filter("author", mark("Done by"), hint=mark("user name")),
    Filter("person", mark("About a person"), hint=mark("user name")),
    Filter("act", mark("What"), hint="card add"),
    Filter("target", mark("To what"), hint="user:ana"),
    Filter("since", mark("From"), "day"),
    Filter("until", mark("To"), "day"),
)


def _list(visit: Visit, columns: tuple[Column[Act], ...] = COLUMNS) -> ListOf[Act]:
    return ListOf(
        "audit",
        columns,
        _read_in(visit.centre.zone),
        Right.SEE_AUDIT,
        filters=FILTERS,
        link=lambda row: f"/audit/{row.n}",
    )


async def show(visit: Visit) -> Response:
    """Find acts."""
    if (fetched := lists.file(visit, _list(visit, (*COLUMNS, *_IN_FILES)))) is not None:
        return fetched
    what = _list(visit)
    query = lists.query_of(visit, what)
    head, rows = await visit.read(lambda tx: (audit_chain.head(tx), what.read(tx, query)))
    empty = Empty(
        "audit",
        visit.say(mark("What people change will stand here")),
        visit.say(mark("Each act of the staff is written down, and none can be taken out.")),
    )
    table = lists.shown(visit, what, query, rows, empty=empty)
    return visit.page("audit.html", AuditPage(table, head.n - head.pruned, head.pruned))


async def show_one(visit: Visit) -> Response:
    """Show one act: before and after, line by line."""
    text = visit.path("n")
    if not (text.isascii() and text.isdigit() and len(text) < 20):  # noqa: PLR2004  digits
        raise HTTPException(404, sentences.NO_PAGE)
    number = min(int(text), addresses.BIGGEST)
    act = await visit.read(lambda tx: audit.find(tx, number))
    if act is None:
        raise HTTPException(404, sentences.NO_PAGE)
    face = _face(act.author)
    one: How = "new" if act.before is None else "gone" if act.after is None else "same"
    page = ActPage(
        act,
        person_of(act.author) or act.author,
        visit.say(face) if face else "",
        visit.local(act.at),
        tuple((key, _plain(value)) for key, value in sorted(act.detail.items())),
        differences(act.before, act.after),
        one,
    )
    return visit.page("audit-act.html", page)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def differences(before: object, after: object) -> tuple[tuple[How, str], ...]:
    """Return what was and what is, line by line: what stayed, what is gone, what is new."""
    old, new = _lines(before), _lines(after)
    if len(old) + len(new) > _LINES:
        return (*(("gone", line) for line in old), *(("new", line) for line in new))
    how: dict[str, How] = {"- ": "gone", "+ ": "new", "  ": "same"}
    return tuple((how[line[:2]], line[2:]) for line in ndiff(old, new) if line[:2] in how)


def _lines(value: object) -> list[str]:
    if value is None:
        return []
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2).splitlines()


async def show_chain(visit: Visit) -> Response:
    """Hash every act again and say whether the chain holds: so many at once, then go on."""
    after = visit.asked("after", 18)
    behind = int(after) if after.isascii() and after.isdigit() else 0

    def look(tx: Transaction) -> ChainPage:
        done = audit_chain.look(tx, after=behind, most=_AT_ONCE)
        upto = 0 if done.whole else done.upto
        following = visit.here(after=str(upto)) if upto else ""
        head = audit_chain.head(tx)
        kept = head.n - head.pruned
        return ChainPage(head, done.broken[:_BROKEN], kept, upto, following)

    page = await visit.read(look)
    answer = visit.page("audit-chain.html", page)
    if page.next and not page.broken:
        answer.headers["refresh"] = f"0;url={page.next}"
    return answer


PAGES: Final = (
    Page("/audit", show, Right.SEE_AUDIT, nav=Nav(mark("Audit"), "audit", 700)),
    Page("/audit/~chain", show_chain, Right.SEE_AUDIT),
    Page("/audit/{n}", show_one, Right.SEE_AUDIT),
)

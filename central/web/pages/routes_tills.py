"""All tills: those that are open, those that were, and opening one with what is in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from central.acts import till as acts
from central.rights import Right
from central.store import till
from central.store.ledger import Refused
from central.store.till import Session
from central.web.export import Kind
from central.web.pages import lists
from central.web.pages.job_words import person_of
from central.web.pages.lists import Cell, Column, ListOf, Query, Rows
from central.web.pages.sentences import mark
from central.web.pages.table import Nav, Page
from config.policy.money import Money

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.till import Sums
    from central.web.pages.forms import Wrong
    from central.web.pages.lists import ListView
    from central.web.pages.visit import Visit

from central.web.pages.till_views import cash_of, money_of, number_of

_NONE: Final = "\N{EN DASH}"


# ── all tills ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class OpenTill:
    """A till that is open."""

    name: str
    since: datetime
    by: str
    inside: Money


@dataclass(frozen=True, slots=True)
class Tills:
    """The page."""

    open: tuple[OpenTill, ...]
    list: ListView
    currency: str
    for_: str
    """The account that cash is for; empty: not known yet."""
    name: str
    opening: str
    wrong: Wrong = field(default_factory=dict)


def _sessions(tx: Transaction, query: Query) -> Rows[Session]:
    found = till.sessions(tx, before=number_of(query.after), limit=query.limit + 1)
    shown = found[: query.limit]
    return Rows(tuple(shown), str(shown[-1].n) if len(found) > query.limit else "")


SESSIONS: Final = ListOf(
    "tills",
    (
        Column[Session]("till", mark("Till"), lambda row, _: Cell(row.till), lambda row: row.till),
        Column[Session](
            "opened",
            mark("Opened"),
            lambda row, visit: Cell(when=visit.local(row.opened_at), note=person_of(row.opened_by)),
            lambda row: row.opened_at,
            kind=Kind.MOMENT,
        ),
        Column[Session](
            "closed",
            mark("Closed"),
            lambda row, visit: (
                Cell(_NONE)
                if row.closed_at is None
                else Cell(when=visit.local(row.closed_at), note=person_of(row.closed_by or ""))
            ),
            lambda row: row.closed_at,
            kind=Kind.MOMENT,
        ),
        Column[Session](
            "counted",
            mark("Counted"),
            lambda row, visit: Cell(money_of(visit, row.counted, row.unit)),
            lambda row: row.counted,
            kind=Kind.MICROS,
            number=True,
        ),
        Column[Session](
            "difference",
            mark("Difference"),
            lambda row, visit: Cell(money_of(visit, row.difference, row.unit), note=row.note),
            lambda row: row.difference,
            kind=Kind.MICROS,
            number=True,
        ),
    ),
    _sessions,
    Right.TAKE_MONEY,
    limit=25,
    link=lambda row: f"/till/sessions/{row.n}",
)


async def show(visit: Visit) -> Response:
    """Show which tills are open, and those that were."""
    if (fetched := lists.file(visit, SESSIONS)) is not None:
        return fetched
    return await _show(visit, {}, 200)


async def _show(visit: Visit, wrong: Wrong, status: int) -> Response:
    query = lists.query_of(visit, SESSIONS)

    def look(tx: Transaction) -> tuple[list[tuple[Session, Sums]], Rows[Session], str]:
        found = [(each, till.sums(tx, each)) for each in till.open_sessions(tx)]
        return found, _sessions(tx, query), tx.identity.currency

    found, rows, currency = await visit.read(look)
    view = Tills(
        tuple(
            OpenTill(
                each.till,
                visit.local(each.opened_at),
                person_of(each.opened_by),
                Money(sums.expected, each.unit),
            )
            for each, sums in found
        ),
        lists.shown(visit, SESSIONS, query, rows),
        currency,
        visit.asked("for"),
        visit.form.text("name", 40),
        visit.form.text("opening", 40),
        wrong,
    )
    return visit.page("money-tills.html", view, status=status)


async def open_till(visit: Visit) -> Response:
    """Open a till with what is in it."""
    currency = await visit.read(lambda tx: tx.identity.currency)
    wrong: Wrong = {}
    name, opening = visit.form.text("name", 40).lower(), cash_of(visit, "opening", currency, wrong)
    if wrong:
        return await _show(visit, wrong, 422)
    done = await visit.write(lambda tx: acts.open_till(tx, visit.by, name, opening))
    if isinstance(done, Refused):
        return await _show(visit, {"name": done.reason}, 422)
    said = visit.told("good", mark("The till is open."))
    return visit.go(f"/till/at/{done.till}", said)


PAGES: Final = (
    Page("/till", show, Right.TAKE_MONEY, nav=Nav(mark("Till"), "till", 52)),
    Page("/till", open_till, Right.TAKE_MONEY, methods=("POST",)),
)

"""One's own jobs, newest first: what each was, where, what it cost and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from central.rights import Right
from central.store import directory, job_search, nodes
from central.web.export import Kind
from central.web.pages import addresses, lists, me_words
from central.web.pages.lists import Cell, Column, Filter, ListOf, Rows
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Choice, Empty
from config.policy.money import Money

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.lists import ListedJob
    from central.web.pages.lists import ListView, Query
    from central.web.pages.visit import Visit

_STATES: Final = {
    "completed": mark("printed"),
    "pending-held": mark("waits for you"),
    "processing": mark("is being printed"),
    "canceled": mark("deleted"),
    "aborted": mark("stopped"),
}
_NOTHING: Final = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Mine:
    """A job of one's own, with the names of its places."""

    listed: ListedJob
    site: str
    printer: str


# ── the list ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class History:
    """The page."""

    jobs: ListView


async def history(visit: Visit) -> Response:
    """Show what one printed and copied, newest first."""
    what = _list(visit.me.name, visit.centre.zone)
    if (file := lists.file(visit, what)) is not None:
        return file
    nothing = Empty(
        "jobs",
        visit.say(mark("You have printed nothing yet")),
        visit.say(mark("What you print and copy stands here, with what it cost and why.")),
    )
    return visit.page("me-history.html", History(await lists.view(visit, what, empty=nothing)))


def _list(name: str, zone: ZoneInfo) -> ListOf[Mine]:
    def read(tx: Transaction, query: Query) -> Rows[Mine]:
        return _read(tx, query, name, zone)

    return ListOf(
        name="my-printing",
        columns=(
            Column(
                "name",
                mark("Document"),
                lambda row, visit: Cell(me_words.name_of(visit, row.listed.job)),
                lambda row: row.listed.job.name,
            ),
            Column(
                "at",
                mark("When"),
                lambda row, visit: Cell(when=visit.local(_at(row.listed))),
                lambda row: _at(row.listed),
                Kind.MOMENT,
            ),
            Column(
                "where",
                mark("Where"),
                lambda row, _: Cell(row.printer or row.site, row.site if row.printer else ""),
                lambda row: row.printer or row.site,
                wide=True,
            ),
            Column(
                "pages",
                mark("Pages"),
                lambda row, visit: Cell(_number(visit, row.listed.job.impressions)),
                lambda row: row.listed.job.impressions,
                Kind.NUMBER,
                number=True,
                wide=True,
            ),
            Column(
                "cost",
                mark("Cost"),
                lambda row, visit: Cell(_cost(visit, row.listed)),
                lambda row: " + ".join(map(str, _paid(row.listed))),
                number=True,
            ),
            Column(
                "state",
                mark("What became of it"),
                lambda row, visit: Cell(chip=me_words.state_chip(visit, row.listed.job)),
                lambda row: row.listed.job.state,
            ),
        ),
        read=read,
        right=Right.OWN,
        filters=(
            Filter("q", mark("Document"), hint=mark("part of its name")),
            Filter("state", mark("What became of it"), "choice", _states),
            Filter("from", mark("From"), "day"),
            Filter("to", mark("To"), "day"),
        ),
        link=lambda row: f"/me/jobs/{row.listed.job.job}/why",
    )


def _read(tx: Transaction, query: Query, name: str, zone: ZoneInfo) -> Rows[Mine]:
    asked = query.filters
    state = asked.get("state")
    which = job_search.Which(
        user=name,
        state=state if state in _STATES else None,
        since=addresses.day(asked.get("from", ""), zone),
        until=addresses.day_after(asked.get("to", ""), zone),
        name=asked.get("q"),
    )
    before = addresses.before(query.after)
    found = job_search.search(tx, which, before=before, limit=query.limit)
    sites = nodes.called(tx)
    devices = {each.job.printer for each in found.jobs if each.job.printer}
    named = directory.some(tx, "printer", sorted(devices))
    rows = tuple(
        Mine(
            each,
            sites.get(each.job.node, each.job.node),
            str((named.get(each.job.printer or "") or {}).get("name") or each.job.printer or ""),
        )
        for each in found.jobs
    )
    return Rows(rows, "" if found.before is None else str(found.before))


def _states(visit: Visit) -> tuple[Choice, ...]:
    return tuple(Choice(key, visit.say(label)) for key, label in _STATES.items())


def _at(listed: ListedJob) -> datetime:
    return listed.job.received_at or listed.updated_at


def _number(visit: Visit, number: int | None) -> str:
    return _NOTHING if number is None else visit.words.number(number)


def _paid(listed: ListedJob) -> tuple[Money, ...]:
    sums: dict[str, int] = {}
    for each in listed.paid:
        sums[each["unit"]] = sums.get(each["unit"], 0) + each["micros"]
    return tuple(Money(micros, unit) for unit, micros in sums.items())


def _cost(visit: Visit, listed: ListedJob) -> str:
    paid = _paid(listed)
    if not paid and listed.job.impressions is None:
        return _NOTHING
    return visit.words.moneys(paid)


# ── one job ─────────────────────────────────────────────────────────────────────────────────


async def one(visit: Visit) -> Response:
    """Lead to the page of one job, for whoever kept this address."""
    job = visit.uuid("job")
    return visit.go(f"/me/jobs/{job}/why")


PAGES: Final = (
    Page("/me/history", history, Right.OWN),
    Page("/me/history/{job}", one, Right.OWN),
)

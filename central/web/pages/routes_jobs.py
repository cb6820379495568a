"""Finding jobs among all there are: filters in the address, sums of what is found, files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo

from central.rights import Right
from central.store import directory, job_search, nodes
from central.web.export import Kind
from central.web.pages import addresses, job_words, lists
from central.web.pages.lists import Cell, Column, Filter, ListOf, Query, Rows
from central.web.pages.sentences import mark
from central.web.pages.table import Nav, Page
from central.web.pages.views import Choice, Empty
from config.policy.money import Money, MoneyError

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.job_search import Totals
    from central.store.lists import ListedJob
    from central.web.pages.lists import ListView
    from central.web.pages.visit import Visit

_UTC: Final = ZoneInfo("UTC")
_NONE: Final = "\N{EN DASH}"
#: Beside IPP's states: what people look for.
_MORE_STATES: Final = {
    "flagged": mark("to be looked at"),
    "refused": mark("refused"),
}
_SERVICES: Final = {"print": mark("prints"), "copy": mark("copies")}


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job as the list has it."""

    listed: ListedJob
    site: str
    printer: str
    cost: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Jobs:
    """The page."""

    list: ListView
    totals: Totals
    cost: tuple[Money, ...]
    goes_on: bool
    """So many were looked at that the page came back before it was full."""


def which_of(query: Query, zone: ZoneInfo, currency: str) -> job_search.Which:
    """Return what a list's filters ask for, within the sites that whoever asks may see."""
    asked = query.filters
    site = asked.get("site")
    sites = query.sites if site is None else frozenset({site})
    if site is not None and query.sites is not None:
        sites = frozenset({site}) & query.sites
    state = asked.get("state", "")
    return job_search.Which(
        user=asked["user"].lower() if "user" in asked else None,
        nodes=sites,
        printer=asked.get("printer"),
        state=state if state in job_words.STATES else None,
        service=_service(asked.get("service", "")),
        since=addresses.day(asked.get("since", ""), zone),
        until=addresses.day_after(asked.get("until", ""), zone),
        flagged=state == "flagged",
        refused=state == "refused",
        name=asked.get("q"),
        cost_from=_micros(asked.get("cost", ""), currency),
        unit=currency,
    )


def _service(text: str) -> Literal["print", "copy"] | None:
    return "print" if text == "print" else "copy" if text == "copy" else None


def _micros(text: str, unit: str) -> int | None:
    try:
        return Money.parse(text.replace(",", "."), unit).micros if text else None
    except MoneyError:
        return None


def rows_of(tx: Transaction, found: tuple[ListedJob, ...]) -> tuple[JobRow, ...]:
    """Return jobs with the names of their sites and printers."""
    sites = nodes.called(tx) if found else {}
    devices = sorted({each.job.printer for each in found if each.job.printer})
    rows = directory.some(tx, "printer", devices)
    printers = {each: str(rows.get(each, {}).get("name") or each) for each in devices}
    return tuple(
        JobRow(
            each,
            sites.get(each.job.node, each.job.node),
            printers.get(each.job.printer or "", ""),
            _cost(each),
        )
        for each in found
    )


def _cost(each: ListedJob) -> tuple[Money, ...]:
    sums: dict[str, int] = {}
    for part in each.paid:
        sums[part["unit"]] = sums.get(part["unit"], 0) + part["micros"]
    return tuple(Money(micros, unit) for unit, micros in sorted(sums.items()))


def _read(tx: Transaction, query: Query, zone: ZoneInfo = _UTC) -> Rows[JobRow]:
    which = which_of(query, zone, tx.identity.currency)
    found = job_search.search(tx, which, before=addresses.before(query.after), limit=query.limit)
    return Rows(rows_of(tx, found.jobs), "" if found.before is None else str(found.before))


def _states(visit: Visit) -> tuple[Choice, ...]:
    states = {state: word for state, (_, word) in job_words.STATES.items()}
    return tuple(Choice(key, visit.say(word)) for key, word in (_MORE_STATES | states).items())


def _sites(visit: Visit) -> tuple[Choice, ...]:
    found: tuple[Choice, ...] = getattr(visit.request.state, "sites", ())
    return found


def _services(visit: Visit) -> tuple[Choice, ...]:
    return tuple(Choice(key, visit.say(word)) for key, word in _SERVICES.items())


def named(row: JobRow, visit: Visit) -> str:
    """Return what a job is called."""
    job = row.listed.job
    if job.service == "copy":
        return visit.say(mark("Copies"))
    return job.name or visit.say(mark("without a name"))


def _at(row: JobRow) -> datetime:
    return row.listed.job.received_at or row.listed.updated_at


def _id(row: JobRow) -> str:
    return str(row.listed.job.job)


COLUMNS: Final = (
    Column[JobRow](
        "name",
        mark("Document"),
        lambda row, visit: Cell(named(row, visit), note=row.listed.job.user),
        lambda row: row.listed.job.name,
    ),
    Column[JobRow](
        "site",
        mark("Site"),
        lambda row, _: Cell(row.site, note=row.printer),
        lambda row: row.site,
        wide=True,
    ),
    Column[JobRow](
        "state",
        mark("State"),
        lambda row, visit: Cell(
            chip=job_words.state_chip(
                visit, row.listed.job.state, row.listed.job.flag, row.listed.job.refused
            )
        ),
        lambda row: row.listed.job.state,
    ),
    Column[JobRow](
        "pages",
        mark("Pages"),
        lambda row, visit: Cell(
            _NONE
            if row.listed.job.impressions is None
            else visit.words.number(row.listed.job.impressions)
        ),
        lambda row: row.listed.job.impressions,
        kind=Kind.NUMBER,
        number=True,
    ),
    Column[JobRow](
        "cost",
        mark("Paid"),
        lambda row, visit: Cell(visit.words.moneys(row.cost) if row.cost else _NONE),
        lambda row: " + ".join(map(str, row.cost)),
        number=True,
    ),
    Column[JobRow](
        "at",
        mark("Came in"),
        lambda row, visit: Cell(when=visit.local(_at(row))),
        _at,
        kind=Kind.MOMENT,
        number=True,
        wide=True,
    ),
)

_FILE_COLUMNS: Final = (
    Column[JobRow]("job", mark("Job"), lambda row, _: Cell(str(row.listed.job.job)), _id),
    *COLUMNS[:1],
    Column[JobRow](
        "user",
        mark("Person"),
        lambda row, _: Cell(row.listed.job.user),
        lambda row: row.listed.job.user,
    ),
    *COLUMNS[1:2],
    Column[JobRow](
        "printer", mark("Printer"), lambda row, _: Cell(row.printer), lambda r: r.printer
    ),
    *COLUMNS[2:],
)


FILTERS: Final = (
    Filter("q", mark("Document"), hint=mark("in its name")),
    Filter("user", mark("Person"), hint=mark("user name")),
    Filter("site", mark("Site"), "choice", _sites),
    Filter("state", mark("State"), "choice", _states),
    Filter("service", mark("Kind"), "choice", _services),
    Filter("since", mark("From"), "day"),
    Filter("until", mark("To"), "day"),
    Filter("cost", mark("Cost at least"), hint="0.50"),
    Filter("printer", mark("Printer"), hint=mark("its id")),
)

_BY_LINK: Final = frozenset({"service", "printer"})

JOBS: Final = ListOf(
    "jobs",
    COLUMNS,
    _read,
    Right.SEE_JOBS,
    filters=FILTERS,
    link=lambda row: f"/jobs/{row.listed.job.job}",
)


async def show(visit: Visit) -> Response:
    """Find jobs."""
    zone = visit.centre.zone

    def read(tx: Transaction, query: Query) -> Rows[JobRow]:
        return _read(tx, query, zone)

    # what links ask for stands there only while it is asked for: the bar stays short
    shown = tuple(each for each in FILTERS if each.key not in _BY_LINK or visit.asked(each.key))
    what = replace(JOBS, filters=shown)
    in_file = replace(JOBS, columns=_FILE_COLUMNS, read=read)
    if (fetched := lists.file(visit, in_file)) is not None:
        return fetched
    query = lists.query_of(visit, what)

    def look(tx: Transaction) -> tuple[tuple[Choice, ...], Rows[JobRow], Totals]:
        choices = tuple(
            Choice(node_id, site)
            for node_id, site in nodes.sites_called(tx).items()
            if query.sites is None or node_id in query.sites
        )
        totals = job_search.totals(tx, which_of(query, zone, tx.identity.currency))
        return choices, _read(tx, query, zone), totals

    visit.request.state.sites, rows, totals = await visit.read(look)
    cost = tuple(Money(micros, unit) for unit, micros in sorted(totals.cost.items()) if micros)
    sums = {
        "pages": visit.words.number(totals.impressions),
        "cost": visit.words.moneys(cost) if cost else _NONE,
    }
    rows = replace(
        rows,
        total=totals.jobs if totals.whole else None,
        sums=sums if totals.whole and rows.rows else {},
    )
    empty = Empty(
        "jobs",
        visit.say(mark("Jobs will stand here")),
        visit.say(mark("Each site tells of its jobs as they come in. Print something at a site.")),
    )
    table = lists.shown(visit, what, query, rows, empty=empty)
    goes_on = bool(rows.next) and len(rows.rows) < query.limit
    return visit.page("money-jobs.html", Jobs(table, totals, cost, goes_on))


PAGES: Final = (Page("/jobs", show, Right.SEE_JOBS, nav=Nav(mark("Jobs"), "jobs", 40, phone=True)),)

"""Sites: each one's line, what waits there and what it may come to; the list of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from central.figures.asking import Ask, By, Figures, Table, Where
from central.figures.periods import Days, Period
from central.rights import Right
from central.store import figures_of, overview
from central.web.export import Kind
from central.web.pages import addresses, fleet_views, lists
from central.web.pages.fleet_views import LINES, ROLES, Line
from central.web.pages.lists import Cell, Column, Filter, ListOf, Query, Rows
from central.web.pages.live import Audience, Live
from central.web.pages.routes_overview import PICTURE
from central.web.pages.sentences import mark
from central.web.pages.table import Nav, Page
from central.web.pages.views import Choice, Empty
from config.policy.money import Money

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.overview import SiteGlance
    from central.web.pages.lists import ListView
    from central.web.pages.visit import Visit

_NONE: Final = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Answer:
    """The page's first sentence, in numbers."""

    sites: int
    linked: int
    alone: int
    out: int
    parked: int
    new: int


@dataclass(frozen=True, slots=True)
class Row:
    """A site."""

    line: Line
    printers: int
    hands: int
    """Printers that need somebody."""
    impressions: int
    """Today."""
    cost: tuple[Money, ...]
    """Today."""


@dataclass(frozen=True, slots=True)
class Sites:
    """The page."""

    answer: Answer
    list: ListView
    may_add: bool


def answer_of(found: list[SiteGlance]) -> Answer:
    """Return how many sites are how."""
    by = {state: sum(each.state == state for each in found) for state in LINES}
    return Answer(len(found), by["linked"], by["alone"], by["out"], by["parked"], by["new"])


def today_by_site(tx: Transaction, zone: ZoneInfo, sites: tuple[str, ...]) -> dict[str, Figures]:
    """Return the figures of the day so far, by site."""
    if not sites:
        return {}
    day = Days(zone).today(tx.now)
    ask = Ask(Period(day, day), By.SITE, Where(nodes=sites), limit=1000, compare=False)
    found = figures_of.figures_of(tx, ask)
    return {each.key: each.figures for each in found.lines} if isinstance(found, Table) else {}


def costs(figures: Figures) -> tuple[Money, ...]:
    """Return what was paid, by unit."""
    return tuple(Money(each.cost, unit) for unit, each in figures.money.items() if each.cost)


def _page(tx: Transaction, query: Query, zone: ZoneInfo, found: list[SiteGlance]) -> Rows[Row]:
    text, state = query.filters.get("q", "").casefold(), query.filters.get("state")
    role = query.filters.get("role")
    kept = [
        each
        for each in found
        if (not text or text in f"{each.site} {each.node}".casefold())
        and (not state or each.state == state)
        and (not role or each.role == role)
    ]
    if query.sort == "line":
        order = list(LINES)
        kept.sort(key=lambda each: (-order.index(each.state), each.waiting), reverse=False)
    elif query.sort == "waiting":
        kept.sort(key=lambda each: each.waiting)
    if query.descending:
        kept.reverse()
    shown, following = addresses.cut(kept, query)
    names = {each.node for each in shown}
    printers: dict[str, int] = {}
    hands: dict[str, int] = {}
    for device in PICTURE.devices(tx, names):
        printers[device.node] = printers.get(device.node, 0) + 1
        hands[device.node] = hands.get(device.node, 0) + device.needs_hand
    today = today_by_site(tx, zone, tuple(sorted(names)))
    rows = []
    lines = fleet_views.lines_of(tx, shown, zone)
    for each, line in zip(shown, lines, strict=True):
        figures = today.get(each.node, Figures())
        rows.append(
            Row(
                line,
                printers.get(each.node, 0),
                hands.get(each.node, 0),
                figures.impressions,
                costs(figures),
            )
        )
    return Rows(tuple(rows), following, len(kept))


def _hands(row: Row, visit: Visit) -> Cell:
    if not row.hands:
        return Cell(visit.words.number(row.printers))
    return Cell(
        visit.words.number(row.printers),
        visit.say_of("%(num)s needs a hand", "%(num)s need a hand", row.hands),
    )


_COLUMNS: Final = (
    Column[Row](
        "site",
        mark("Site"),
        lambda row, _: Cell(
            row.line.glance.site,
            row.line.glance.node if row.line.glance.node != row.line.glance.site else "",
        ),
        lambda row: row.line.glance.site,
        sort=True,
    ),
    Column[Row](
        "line",
        mark("Line to the centre"),
        lambda row, visit: Cell(
            chip=fleet_views.line_chip(visit, row.line),
            note=fleet_views.line_note(visit, row.line),
            key=f"line/{row.line.glance.node}",
        ),
        lambda row: row.line.glance.state,
        sort=True,
    ),
    Column[Row](
        "role",
        mark("Role"),
        lambda row, visit: Cell(visit.say(ROLES.get(row.line.glance.role, row.line.glance.role))),
        lambda row: row.line.glance.role,
        wide=True,
    ),
    Column[Row](
        "waiting",
        mark("Events waiting"),
        lambda row, visit: Cell(visit.words.number(row.line.glance.waiting)),
        lambda row: row.line.glance.waiting,
        Kind.NUMBER,
        number=True,
        sort=True,
        wide=True,
    ),
    Column[Row](
        "printers",
        mark("Printers"),
        _hands,
        lambda row: row.printers,
        Kind.NUMBER,
        number=True,
    ),
    Column[Row](
        "pages",
        mark("Pages today"),
        lambda row, visit: Cell(visit.words.number(row.impressions)),
        lambda row: row.impressions,
        Kind.NUMBER,
        number=True,
        wide=True,
    ),
    Column[Row](
        "paid",
        mark("Paid today"),
        lambda row, visit: Cell(visit.words.moneys(row.cost) if row.cost else _NONE),
        lambda row: " + ".join(map(str, row.cost)),
        number=True,
        wide=True,
    ),
)


def _list(zone: ZoneInfo) -> ListOf[Row]:
    return ListOf(
        "sites",
        _COLUMNS,
        lambda tx, query: _page(tx, query, zone, overview.sites(tx, query.sites)),
        Right.SEE_FLEET,
        filters=(
            Filter("q", mark("Search"), hint=mark("name or id")),
            Filter("state", mark("Line to the centre"), "choice", _state_choices),
            Filter("role", mark("Role"), "choice", _role_choices),
        ),
        sort="site",
        link=lambda row: f"/sites/{row.line.glance.node}",
    )


def _state_choices(visit: Visit) -> tuple[Choice, ...]:
    return tuple(Choice(key, visit.say(word)) for key, (_, word) in LINES.items())


def _role_choices(visit: Visit) -> tuple[Choice, ...]:
    return tuple(Choice(key, visit.say(word)) for key, word in ROLES.items())


async def show(visit: Visit) -> Response:
    """Show all sites."""
    zone = visit.centre.zone
    what = _list(zone)
    if (fetched := lists.file(visit, what)) is not None:
        return fetched
    query = lists.query_of(visit, what)

    def look(tx: Transaction) -> tuple[Answer, Rows[Row]]:
        found = overview.sites(tx, query.sites)
        return answer_of(found), _page(tx, query, zone, found)

    answer, rows = await visit.read(look)
    may_add = visit.sites(Right.RUN_FLEET) is None and visit.may(Right.RUN_FLEET)
    empty = Empty(
        "site",
        visit.say(mark("Your sites will stand here")),
        visit.say(
            mark(
                "A site is a place with printers and one small machine, the edge, that looks after "
                "them."
            )
        ),
        "/nodes/~add" if may_add else "",
        visit.say(mark("Add a site")),
        "printmesh central node add edge-library --site Library --out edge.toml",
    )
    table = lists.shown(visit, what, query, rows, empty=empty)
    return visit.page("fleet-sites.html", Sites(answer, table, may_add))


def _follow(tx: Transaction, audience: Audience, zone: ZoneInfo) -> dict[str, object]:
    found = overview.sites(tx, audience.sites)
    query = lists.query_from(dict(audience.asked), _list(zone), audience.sites)
    rows = _page(tx, query, zone, found).rows
    lines = {f"line/{row.line.glance.node}": row.line for row in rows}
    return {"sites": answer_of(found), **lines}


LIVES: Final = (Live("sites", Right.SEE_FLEET, _follow, "fleet-live.html"),)

PAGES: Final = (Page("/sites", show, Right.SEE_FLEET, nav=Nav(mark("Sites"), "site", 20)),)

"""Printers: all of them, found by name, site and state, with the pages of the day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from central.figures.periods import Days
from central.rights import Right
from central.store import overview
from central.store.meters import Place
from central.store.printer_figures import impressions_on
from central.web.export import Kind
from central.web.pages import addresses, fleet_views, lists
from central.web.pages.lists import Cell, Column, Filter, ListOf, Query, Rows
from central.web.pages.live import Audience, Live
from central.web.pages.overview_table import (
    PICTURE,
    TONES,
    State,
    name_cell,
    seen_cell,
    state_cell,
    state_of,
    supply_cell,
)
from central.web.pages.sentences import mark
from central.web.pages.table import Nav, Page
from central.web.pages.views import Choice, Empty

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.overview import DeviceGlance, SiteGlance
    from central.web.pages.lists import ListView
    from central.web.pages.visit import Visit

#: Behind all that are known.
_NEVER: Final = 10_000
#: What can be asked for → what is so.
_STATES: Final = {
    "hand": mark("needs a hand"),
    "silent": mark("does not answer"),
    "warned": mark("has a warning"),
    "week": mark("a supply ends within a week"),
    "printing": mark("printing"),
    "ready": mark("ready"),
    "stopped": mark("stopped"),
    "unknown": mark("not known"),
}
_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Row:
    """A printer."""

    device: DeviceGlance
    site: str
    impressions: int
    """Today."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The page's first sentence, in numbers."""

    printers: int
    hands: int
    silent: int
    week: int
    """A supply ends within a week."""


@dataclass(frozen=True, slots=True)
class Printers:
    """The page."""

    answer: Answer
    list: ListView


def answer_of(found: list[DeviceGlance]) -> Answer:
    """Return how many printers are how."""
    return Answer(
        len(found),
        sum(each.needs_hand for each in found),
        sum(_is(each, "silent") for each in found),
        sum(_is(each, "week") for each in found),
    )


def _is(each: DeviceGlance, state: str) -> bool:
    match state:
        case "hand":
            return each.needs_hand
        case "silent":
            return each.answers is False
        case "warned":
            return bool(each.troubles)
        case "week":
            return each.supply_days is not None and each.supply_days <= _WEEK
        case _:
            return state_of(each)[1] == _STATES.get(state)


def _kept(found: list[DeviceGlance], query: Query) -> list[DeviceGlance]:
    text = query.filters.get("q", "").casefold()
    site, state = query.filters.get("site"), query.filters.get("state")
    kept = [
        each
        for each in found
        if (not text or text in f"{each.name} {each.device}".casefold())
        and (not site or each.node == site)
        and (not state or _is(each, state))
    ]
    if query.sort == "supplies":
        kept.sort(key=lambda each: _NEVER if each.supply_days is None else each.supply_days)
    elif query.sort == "state":
        kept.sort(key=lambda each: TONES[state_of(each)[0]])
    return kept


def _page(
    tx: Transaction,
    query: Query,
    zone: ZoneInfo,
    found: list[DeviceGlance],
    sites: list[SiteGlance],
) -> Rows[Row]:
    """Return a page of what is small enough to be sorted here."""
    called = {each.node: each.site for each in sites}
    kept = _kept(found, query)
    if query.sort == "site":
        kept.sort(key=lambda each: overview.natural(called.get(each.node, each.node)))
    if query.descending:
        kept.reverse()
    shown, following = addresses.cut(kept, query)
    places = [Place(each.node, each.device) for each in shown]
    today = impressions_on(tx, Days(zone).today(tx.now), places)
    rows = tuple(
        Row(each, called.get(each.node, each.node), today.get(place, 0))
        for each, place in zip(shown, places, strict=True)
    )
    return Rows(rows, following, len(kept))


_COLUMNS: Final = (
    Column[Row](
        "printer",
        mark("Printer"),
        lambda row, _: name_cell(row.device),
        lambda row: row.device.name,
        sort=True,
    ),
    Column[Row](
        "site",
        mark("Site"),
        lambda row, _: Cell(row.site, href=f"/sites/{row.device.node}"),
        lambda row: row.site,
        sort=True,
    ),
    Column[Row](
        "state",
        mark("State"),
        lambda row, visit: state_cell(visit, row.device),
        lambda row: row.device.state,
        sort=True,
    ),
    Column[Row](
        "supplies",
        mark("Runs out first"),
        lambda row, visit: supply_cell(visit, row.device),
        lambda row: row.device.supply_days,
        Kind.NUMBER,
        number=True,
        sort=True,
        wide=True,
    ),
    Column[Row](
        "pages",
        mark("Pages today"),
        lambda row, visit: Cell(visit.words.number(row.impressions)),
        lambda row: row.impressions,
        Kind.NUMBER,
        number=True,
    ),
    Column[Row](
        "seen",
        mark("Seen"),
        lambda row, visit: seen_cell(visit, row.device),
        lambda row: row.device.updated_at,
        Kind.MOMENT,
        number=True,
        wide=True,
    ),
)


def _state_choices(visit: Visit) -> tuple[Choice, ...]:
    return tuple(Choice(key, visit.say(word)) for key, word in _STATES.items())


def _list(zone: ZoneInfo) -> ListOf[Row]:
    def read(tx: Transaction, query: Query) -> Rows[Row]:
        sites = overview.sites(tx, query.sites)
        return _page(tx, query, zone, PICTURE.devices(tx, query.sites), sites)

    return ListOf(
        "printers",
        _COLUMNS,
        read,
        Right.SEE_FLEET,
        filters=(
            Filter("q", mark("Search"), hint=mark("name or id")),
            Filter("site", mark("Site"), "choice", fleet_views.site_choices),
            Filter("state", mark("State"), "choice", _state_choices),
        ),
        sort="printer",
        link=lambda row: f"/printers/{row.device.node}/{row.device.device}",
    )


async def show(visit: Visit) -> Response:
    """Show all printers."""
    zone = visit.centre.zone
    what = _list(zone)
    if (fetched := lists.file(visit, what)) is not None:
        return fetched
    query = lists.query_of(visit, what)

    def look(tx: Transaction) -> tuple[Answer, list[SiteGlance], Rows[Row]]:
        found, sites = PICTURE.devices(tx, query.sites), overview.sites(tx, query.sites)
        return answer_of(found), sites, _page(tx, query, zone, found, sites)

    answer, sites, rows = await visit.read(look)
    fleet_views.keep_choices(visit, sites)
    empty = Empty(
        "release",
        visit.say(mark("Printers will stand here")),
        visit.say(
            mark(
                "A site tells of its printers as soon as it is linked. Run there, this finds them:"
            )
        ),
        command="printmesh edge discover",
    )
    return visit.page(
        "fleet-printers.html",
        Printers(answer, lists.shown(visit, what, query, rows, empty=empty)),
    )


def _follow(tx: Transaction, audience: Audience, zone: ZoneInfo) -> dict[str, object]:
    found = PICTURE.devices(tx, audience.sites)
    query = lists.query_from(dict(audience.asked), _list(zone), audience.sites)
    sites = overview.sites(tx, audience.sites) if query.sort == "site" else []
    rows = _page(tx, query, zone, found, sites).rows
    states = {}
    for row in rows:
        tone, word = state_of(row.device)
        note = row.device.troubles[0].detail if row.device.troubles else ""
        states[f"printer/{row.device.node}/{row.device.device}"] = State(tone, word, note)
    return {"printers": answer_of(found), **states}


LIVES: Final = (Live("printers", Right.SEE_FLEET, _follow, "fleet-live.html"),)

PAGES: Final = (Page("/printers", show, Right.SEE_FLEET, nav=Nav(mark("Printers"), "release", 30)),)

"""The overview: how the fleet is, what needs a hand, today's figures, every printer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from central.figures.asking import Ask, Table, Where
from central.figures.periods import Days, Period
from central.rights import Right
from central.store import figures_of, overview, site_terminals
from central.store.exposure import worst_of
from central.web.pages import lists
from central.web.pages.live import Audience, Live
from central.web.pages.overview_table import (
    FLEET,
    PICTURE,
    Fleet,
    State,
    live_state,
    page_of,
    state_chip,
    state_of,
)
from central.web.pages.sentences import mark
from central.web.pages.table import Nav, Page
from central.web.pages.views import Empty
from config.policy.money import Money

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.overview import DeviceGlance, SiteGlance
    from central.web.pages.lists import ListView, Rows
    from central.web.pages.visit import Visit

__all__ = ["LIVES", "PAGES", "PICTURE", "State", "state_chip", "state_of", "today_at"]

#: What needs a hand is listed up to here; the table has all.
_HANDS: Final = 12
#: So many sites' worst cases are worked out for one look.
_WORST: Final = 12


@dataclass(frozen=True, slots=True)
class Answer:
    """The page's first sentence, in numbers."""

    sites: int
    linked: int
    alone: int
    """Work without the centre."""
    out: int
    """Agents without the centre: nothing is released there."""
    parked: int
    new: int
    printers: int
    hands: int
    """Printers that need somebody."""


@dataclass(frozen=True, slots=True)
class Site:
    """A site in the strip."""

    glance: SiteGlance
    worst: tuple[Money, ...]
    """The worst case there; empty: nothing, or it is linked."""
    unlimited: bool
    """The worst case has no bound."""
    terminals: int = 0
    """Its edge told of so many; of a site that is not linked, the last time."""
    off: int = 0
    """Of these, off line."""


@dataclass(frozen=True, slots=True)
class Hand:
    """Something that needs somebody."""

    node: str
    device: str
    name: str
    site: str
    code: str
    detail: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Hands:
    """What needs somebody."""

    shown: tuple[Hand, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Strip:
    """All sites."""

    sites: tuple[Site, ...]


@dataclass(frozen=True, slots=True)
class Today:
    """The day so far, and the same hours of days before."""

    jobs: int
    impressions: int
    color: int
    sheets: int
    cost: tuple[Money, ...]
    before: int | None
    """Impressions of the day before; None: there is nothing to compare."""
    refused: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The page."""

    answer: Answer
    strip: Strip
    hands: Hands
    today: Today
    list: ListView
    troubles: tuple[str, ...]
    """What is wrong with the coordinator."""


@dataclass(frozen=True, slots=True)
class _Looked:
    """All of the fleet that the page is made of."""

    answer: Answer
    strip: Strip
    hands: Hands
    today: Today
    devices: list[DeviceGlance]


def _read(
    tx: Transaction, picture: overview.Picture, zone: ZoneInfo, sites: frozenset[str] | None
) -> _Looked:
    found = overview.sites(tx, sites)
    devices = picture.devices(tx, sites)
    called = {each.node: each.site for each in found}
    needing = [each for each in devices if each.needs_hand]
    hands = tuple(
        Hand(
            each.node,
            each.device,
            each.name,
            called.get(each.node, each.node),
            each.troubles[0].code,
            each.troubles[0].detail,
            None if each.troubles[0].since is None else each.troubles[0].since.astimezone(zone),
        )
        for each in needing[:_HANDS]
    )
    by = {state: sum(each.state == state for each in found) for state in _STATES}
    answer = Answer(
        len(found),
        by["linked"],
        by["alone"],
        by["out"],
        by["parked"],
        by["new"],
        len(devices),
        len(needing),
    )
    return _Looked(
        answer,
        Strip(tuple(_with_worst(tx, found, zone))),
        Hands(hands, max(0, len(needing) - _HANDS)),
        today_at(tx, zone, sites),
        devices,
    )


_STATES: Final = ("linked", "alone", "out", "parked", "new")


def _with_worst(tx: Transaction, found: list[SiteGlance], zone: ZoneInfo) -> list[Site]:
    # some questions each: with the line of a whole town down, those of the first say enough
    apart = [each.node for each in found if each.state in {"alone", "parked"}][:_WORST]
    at = worst_of(tx, apart)
    terminals = site_terminals.counts(tx)
    shown = []
    for each in found:
        since = None if each.since is None else each.since.astimezone(zone)
        here = at.get(each.node)
        worst: tuple[Money, ...] = ()
        unlimited = False
        if here is not None and each.state in {"alone", "parked"}:
            unlimited = any(micros is None for micros in here.values())
            worst = tuple(Money(micros, unit) for unit, micros in here.items() if micros)
        shown.append(
            Site(replace(each, since=since), worst, unlimited, *terminals.get(each.node, (0, 0)))
        )
    return shown


def today_at(tx: Transaction, zone: ZoneInfo, sites: frozenset[str] | None) -> Today:
    """Return the day so far at some sites; None: at all."""
    day = Days(zone).today(tx.now)
    where = Where(nodes=None if sites is None else tuple(sorted(sites)))
    found = figures_of.figures_of(tx, Ask(Period(day, day), where=where))
    if not isinstance(found, Table):
        return Today(0, 0, 0, 0, (), None, 0)
    total = found.total
    refusals = figures_of.refused(tx, Period(day, day), where)
    return Today(
        total.jobs,
        total.impressions,
        total.color,
        total.sheets,
        tuple(Money(each.cost, unit) for unit, each in total.money.items() if each.cost),
        None if found.before is None else found.before.impressions,
        sum(count for _, count in refusals) if isinstance(refusals, list) else 0,
    )


# ── the page ────────────────────────────────────────────────────────────────────────────────


async def show(visit: Visit) -> Response:
    """Show the overview, to staff."""
    if (fetched := lists.file(visit, FLEET)) is not None:
        return fetched
    sites, zone = visit.sites(Right.SEE_FLEET), visit.centre.zone
    query = lists.query_of(visit, FLEET)

    def look(tx: Transaction) -> tuple[_Looked, Rows[Fleet]]:
        found = _read(tx, PICTURE, zone, sites)
        at = {each.glance.node: each.glance for each in found.strip.sites}
        return found, page_of([Fleet(each, at.get(each.node)) for each in found.devices], query)

    found, rows = await visit.read(look)
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
    table = lists.shown(visit, FLEET, query, rows, empty=empty)
    troubles = tuple(visit.centre.troubles())
    view = Overview(found.answer, found.strip, found.hands, found.today, table, troubles)
    return visit.page("overview.html", view)


def _follow(tx: Transaction, audience: Audience, zone: ZoneInfo) -> dict[str, object]:
    """Return what of the page is live, for who looks at the same part of the table."""
    found = _read(tx, PICTURE, zone, audience.sites)
    query = lists.query_from(dict(audience.asked), FLEET, audience.sites)
    rows = page_of([Fleet(each, None) for each in found.devices], query).rows
    states = {
        f"printer/{row.device.node}/{row.device.device}": live_state(row.device) for row in rows
    }
    views = {"answer": found.answer, "strip": found.strip, "hands": found.hands}
    return {**views, "today": found.today, **states}


LIVES: Final = (Live("overview", Right.SEE_FLEET, _follow, "overview-live.html"),)

PAGES: Final = (
    Page("/", show, Right.STAFF, nav=Nav(mark("Overview"), "overview", 10, phone=True)),
)

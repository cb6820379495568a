"""The overview: how the fleet is, what needs a hand, today's figures, every printer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from central.figures.asking import Ask, Table, Where
from central.figures.periods import Days, Period
from central.rights import Right
from central.store import figures_of, overview
from central.store.exposure import at_sites
from central.web.pages import lists
from central.web.pages.lists import Cell, Column, Filter, ListOf, Query, Rows
from central.web.pages.live import Audience, Live
from central.web.pages.sentences import mark
from central.web.pages.table import Nav, Page
from central.web.pages.views import Chip, Choice, Empty
from config.policy.money import Money

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.overview import DeviceGlance, SiteGlance
    from central.web.pages.lists import ListView
    from central.web.pages.views import Tone
    from central.web.pages.visit import Visit

#: What needs a hand is listed up to here; the table has all.
_HANDS: Final = 12
#: So many sites' worst cases are worked out for one look.
_WORST: Final = 12
_IDLE: Final = mark("ready")
_PROCESSING: Final = mark("printing")
_STOPPED: Final = mark("stopped")
_SILENT: Final = mark("does not answer")
_UNKNOWN: Final = mark("not known")
_HAND: Final = mark("needs a hand")


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
    worst: str
    """The worst case there, as money without a language; empty: nothing, or it is linked."""
    unlimited: bool
    """The worst case has no bound."""


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
    at = at_sites(tx, apart)
    shown = []
    for each in found:
        since = None if each.since is None else each.since.astimezone(zone)
        here = at.get(each.node)
        worst, unlimited = "", False
        if here is not None and each.state in {"alone", "parked"}:
            sums = [(unit, figures.worst) for unit, figures in here.units.items()]
            unlimited = any(micros is None for _, micros in sums)
            worst = ", ".join(str(Money(micros, unit)) for unit, micros in sums if micros)
        shown.append(Site(replace(each, since=since), worst, unlimited))
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


# ── the table ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Fleet:
    """A printer as the table has it."""

    device: DeviceGlance
    site: SiteGlance | None


@dataclass(frozen=True, slots=True)
class State:
    """A printer's state, as it is live."""

    tone: Tone
    word: str
    """Marked."""
    note: str


def _state(each: DeviceGlance) -> State:
    tone, word = state_of(each)
    return State(tone, word, each.troubles[0].detail if each.troubles else "")


def state_chip(visit: Visit, each: DeviceGlance) -> Chip:
    """Return a printer's state in a word."""
    tone, word = state_of(each)
    return Chip(tone, visit.say(word))


def state_of(each: DeviceGlance) -> tuple[Tone, str]:
    """Return tone and marked word of a printer's state."""
    if each.needs_hand:
        return "trouble", _HAND
    if each.answers is False:
        return "trouble", _SILENT
    match each.state:
        case "idle":
            return "good", _IDLE
        case "processing":
            return "good", _PROCESSING
        case "stopped":
            return "waiting", _STOPPED
        case "unknown":
            return "unknown", _UNKNOWN


def _fleet(picture: overview.Picture, tx: Transaction, query: Query) -> Rows[Fleet]:
    sites = {each.node: each for each in overview.sites(tx, query.sites)}
    rows = [Fleet(each, sites.get(each.node)) for each in picture.devices(tx, query.sites)]
    return _page(rows, query)


def _page(rows: list[Fleet], query: Query) -> Rows[Fleet]:
    """Return a page of what is small enough to be sorted here."""
    text = query.filters.get("q", "").casefold()
    site, state = query.filters.get("site"), query.filters.get("state")
    kept = [
        each
        for each in rows
        if (not text or text in f"{each.device.name} {each.device.device}".casefold())
        and (not site or each.device.node == site)
        and (not state or state_of(each.device)[1] == _WORDS.get(state))
    ]
    if query.sort == "site":
        kept.sort(
            key=lambda each: overview.natural(each.site.site if each.site else each.device.node)
        )
    elif query.sort == "supplies":
        kept.sort(
            key=lambda each: _DAYS if each.device.supply_days is None else each.device.supply_days
        )
    elif query.sort == "state":
        kept.sort(key=lambda each: _TONES[state_of(each.device)[0]])
    if query.descending:
        kept.reverse()
    begin = int(query.after) if query.after.isascii() and query.after.isdigit() else 0
    shown = kept[begin : begin + query.limit]
    more = begin + query.limit < len(kept)
    return Rows(tuple(shown), str(begin + query.limit) if more else "", len(kept))


_DAYS: Final = 10_000
_TONES: Final[Mapping[Tone, int]] = {"trouble": 0, "waiting": 1, "unknown": 2, "good": 3}
_WORDS: Final = {
    "hand": _HAND,
    "silent": _SILENT,
    "ready": _IDLE,
    "printing": _PROCESSING,
    "stopped": _STOPPED,
    "unknown": _UNKNOWN,
}


def _state_choices(visit: Visit) -> tuple[Choice, ...]:
    return tuple(Choice(key, visit.say(word)) for key, word in _WORDS.items())


def _supplies(row: Fleet, visit: Visit) -> Cell:
    days = row.device.supply_days
    if days is None:
        return Cell("\N{EN DASH}")
    text = visit.say_of("%(num)s day", "%(num)s days", days)
    return Cell(text, note=row.device.supply)


_COLUMNS: Final = (
    Column[Fleet](
        "printer",
        mark("Printer"),
        lambda row, _: Cell(
            row.device.name, note=row.device.device if row.device.device != row.device.name else ""
        ),
        lambda row: row.device.name,
        sort=True,
    ),
    Column[Fleet](
        "site",
        mark("Site"),
        lambda row, _: Cell(row.site.site if row.site else row.device.node),
        lambda row: row.site.site if row.site else row.device.node,
        sort=True,
    ),
    Column[Fleet](
        "state",
        mark("State"),
        lambda row, visit: Cell(
            chip=state_chip(visit, row.device),
            note=row.device.troubles[0].detail if row.device.troubles else "",
            key=f"printer/{row.device.node}/{row.device.device}",
        ),
        lambda row: row.device.state,
        sort=True,
    ),
    Column[Fleet](
        "supplies",
        mark("First supply"),
        _supplies,
        lambda row: row.device.supply_days,
        number=True,
        sort=True,
        wide=True,
    ),
    Column[Fleet](
        "seen",
        mark("Seen"),
        lambda row, visit: (
            Cell("\N{EN DASH}")
            if row.device.updated_at is None
            else Cell(when=visit.local(row.device.updated_at))
        ),
        lambda row: row.device.updated_at,
        number=True,
        wide=True,
    ),
)

#: One for the process: what edges told of printers is parsed once.
PICTURE: Final = overview.Picture()

FLEET: Final = ListOf(
    "printers",
    _COLUMNS,
    partial(_fleet, PICTURE),
    Right.SEE_FLEET,
    filters=(
        Filter("q", mark("Search"), hint=mark("name or id")),
        Filter("state", mark("State"), "choice", _state_choices),
    ),
    sort="printer",
    limit=25,
    link=lambda row: f"/printers/{row.device.node}/{row.device.device}",
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
        return found, _page([Fleet(each, at.get(each.node)) for each in found.devices], query)

    found, rows = await visit.read(look)
    empty = Empty(
        "release",
        visit.say(mark("Printers will stand here")),
        visit.say(mark("Each edge tells of the printers in its settings as soon as it is linked.")),
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
    rows = _page([Fleet(each, None) for each in found.devices], query).rows
    states = {f"printer/{row.device.node}/{row.device.device}": _state(row.device) for row in rows}
    views = {"answer": found.answer, "strip": found.strip, "hands": found.hands}
    return {**views, "today": found.today, **states}


LIVES: Final = (Live("overview", Right.SEE_FLEET, _follow, "overview-live.html"),)

PAGES: Final = (
    Page("/", show, Right.STAFF, nav=Nav(mark("Overview"), "overview", 10, phone=True)),
)

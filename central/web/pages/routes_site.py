"""A site's page: its line, its money and exposure, today, its printers, and its node's day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from central.rights import Right
from central.store import in_flight, node_day, node_streams, nodes, site_terminals
from central.store.exposure import at_site
from central.web.pages import fleet_views, node_words
from central.web.pages.live import Audience, Live
from central.web.pages.routes_overview import PICTURE, Hand, Hands, State, state_of, today_at
from central.web.pages.table import Page
from config.policy.money import Money

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.nodes import NodeRecord
    from central.store.overview import DeviceGlance
    from central.web.pages.fleet_views import Line
    from central.web.pages.routes_overview import Today
    from central.web.pages.views import Step
    from central.web.pages.visit import Visit

#: Printers that a site's page shows; the list has all.
_PRINTERS: Final = 60
_HANDS: Final = 12
_DAY: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Standing:
    """The page's first sentence and what is under it."""

    line: Line
    born_at: datetime | None
    """When it came on line last."""
    printers: int
    hands: int


@dataclass(frozen=True, slots=True)
class Stake:
    """What sits at a site, and what it may come to."""

    sits: tuple[Money, ...]
    """People's money there: no exposure."""
    owed: tuple[Money, ...]
    """Charged past it, not collected yet."""
    aside: tuple[Money, ...]
    """Claimed past it by events that are put aside."""
    more: tuple[Money, ...]
    """Could still be charged past it."""
    unlimited: bool
    worst: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Under:
    """What is under way."""

    waiting: int
    """Events that are not committed here."""
    aside: int
    """Events that were put aside."""
    printing: int
    held: int


@dataclass(frozen=True, slots=True)
class Printer:
    """A printer of the site."""

    device: str
    name: str
    state: State
    supply_days: int | None
    supply: str
    seen: datetime | None


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal of the site."""

    name: str
    online: bool
    since: datetime
    """Since when it is so."""


@dataclass(frozen=True, slots=True)
class Terminals:
    """All of them, those that are off line first."""

    known: bool
    """Its edge tells of them; older ones do not."""
    all: tuple[Terminal, ...] = ()
    off: int = 0


@dataclass(frozen=True, slots=True)
class Site:
    """The page."""

    node: str
    record: NodeRecord
    standing: Standing
    stake: Stake
    under: Under
    hands: Hands
    today: Today
    printers: tuple[Printer, ...]
    more: int
    """Printers that are not shown."""
    terminals: Terminals
    steps: tuple[Step, ...]


def stake_of(tx: Transaction, known: NodeRecord) -> Stake:
    """Return what sits at a site, and what it may come to."""
    units = at_site(tx, known).units.items()
    return Stake(
        tuple(Money(each.allocated, unit) for unit, each in units if each.allocated),
        tuple(Money(each.owed, unit) for unit, each in units if each.owed),
        tuple(Money(each.quarantined, unit) for unit, each in units if each.quarantined),
        tuple(Money(each.more, unit) for unit, each in units if each.more),
        any(each.more is None for _, each in units),
        tuple(Money(each.worst, unit) for unit, each in units if each.worst),
    )


def _printer(each: DeviceGlance, zone: ZoneInfo) -> Printer:
    tone, word = state_of(each)
    note = each.troubles[0].detail if each.troubles else ""
    seen = None if each.updated_at is None else each.updated_at.astimezone(zone)
    state = State(tone, word, note)
    return Printer(each.device, each.name, state, each.supply_days, each.supply, seen)


def _hands(found: list[DeviceGlance], site: str, zone: ZoneInfo) -> Hands:
    needing = [each for each in found if each.needs_hand]
    shown = []
    for each in needing[:_HANDS]:
        worst = each.troubles[0]
        since = None if worst.since is None else worst.since.astimezone(zone)
        shown.append(Hand(each.node, each.device, each.name, site, worst.code, worst.detail, since))
    return Hands(tuple(shown), max(0, len(needing) - _HANDS))


@dataclass(frozen=True, slots=True)
class _Looked:
    """What of the page is live."""

    known: NodeRecord
    standing: Standing
    stake: Stake
    under: Under
    hands: Hands
    today: Today
    printers: list[DeviceGlance]
    terminals: Terminals


def _look(tx: Transaction, node: str, zone: ZoneInfo) -> _Looked:
    known = fleet_views.edge(tx, node)
    glance = fleet_views.glance_at(tx, node)
    line = fleet_views.line_of(tx, glance, zone)
    printers = PICTURE.devices(tx, {node})
    born = None if known.born_at is None else known.born_at.astimezone(zone)
    standing = Standing(line, born, len(printers), sum(each.needs_hand for each in printers))
    aside = sum(node_streams.aside(tx, (node,)).get(node, {}).values())
    printing, held = in_flight.jobs_at(tx, node)
    return _Looked(
        known,
        standing,
        stake_of(tx, known),
        Under(glance.waiting, aside, printing, held),
        _hands(printers, glance.site, zone),
        today_at(tx, zone, frozenset({node})),
        printers,
        terminals_at(tx, node, zone),
    )


def terminals_at(tx: Transaction, node: str, zone: ZoneInfo) -> Terminals:
    """Return the terminals of a site as its edge told last."""
    told = site_terminals.at(tx, node)
    if told is None:
        return Terminals(known=False)
    ordered = sorted(told.terminals, key=lambda each: (each.online, each.terminal))
    found = tuple(
        Terminal(each.terminal, each.online, each.since.astimezone(zone)) for each in ordered
    )
    return Terminals(known=True, all=found, off=sum(not each.online for each in found))


async def show(visit: Visit) -> Response:
    """Show a site."""
    node, zone = visit.path("node"), visit.centre.zone
    visit.check(Right.SEE_FLEET, node)
    acts = visit.may(Right.RUN_FLEET, node) or visit.may(Right.SEE_AUDIT)
    since = visit.now - _DAY

    def look(tx: Transaction) -> tuple[_Looked, list[node_day.Moment]]:
        found = _look(tx, node, zone)
        silent = found.standing.line.glance.state != "linked"
        return found, node_day.of(tx, node, since, silent=silent, acts=acts)

    found, moments = await visit.read(look)
    view = Site(
        node,
        found.known,
        found.standing,
        found.stake,
        found.under,
        found.hands,
        found.today,
        tuple(_printer(each, zone) for each in found.printers[:_PRINTERS]),
        max(0, len(found.printers) - _PRINTERS),
        found.terminals,
        node_words.steps(visit, moments),
    )
    return visit.page(
        "fleet-site.html",
        view,
        may_run=visit.may(Right.RUN_FLEET, node),
        may_jobs=visit.may(Right.SEE_JOBS, node),
    )


def _follow(tx: Transaction, audience: Audience, zone: ZoneInfo) -> dict[str, object]:
    node = dict(audience.asked).get("at", "")
    known = nodes.find(tx, node)
    hidden = audience.sites is not None and node not in audience.sites
    if hidden or known is None or known.kind != "edge":
        return {}
    found = _look(tx, node, zone)
    states = {f"printer/{node}/{each.device}": _printer(each, zone) for each in found.printers}
    views = {key: each.state for key, each in states.items()}
    return {
        "standing": found.standing,
        "stake": found.stake,
        "under": found.under,
        "hands": found.hands,
        "today": found.today,
        "terminals": found.terminals,
        **views,
    }


LIVES: Final = (Live("site", Right.SEE_FLEET, _follow, "fleet-live.html"),)

PAGES: Final = (Page("/sites/{node}", show, Right.SEE_FLEET),)

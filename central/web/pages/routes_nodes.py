"""Nodes: all that have an identity of their own; one's page, and entering a new one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from central.presence import is_linked
from central.rights import EVERYWHERE, Right
from central.store import aside_list, closures, in_flight, node_day, node_streams, nodes, terms
from central.web.export import Kind
from central.web.pages import addresses, fleet_views, link_views, lists, node_words, sentences
from central.web.pages.fleet_views import LINES, ROLES
from central.web.pages.lists import Cell, Column, Filter, ListOf, Query, Rows
from central.web.pages.live import Audience, Live
from central.web.pages.sentences import mark
from central.web.pages.table import Nav, Page
from central.web.pages.views import Chip, Choice, Empty
from config.policy.money import Money

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from starlette.responses import Response

    from central.store.aside_list import Listed
    from central.store.books import Transaction
    from central.store.closures import Closure
    from central.store.node_streams import Wired
    from central.store.nodes import NodeRecord
    from central.web.pages.fleet_views import Line
    from central.web.pages.link_views import LinkView
    from central.web.pages.lists import ListView
    from central.web.pages.views import Step
    from central.web.pages.visit import Visit

_DAY: Final = timedelta(hours=24)
_ASIDE: Final = 5
_NONE: Final = "\N{EN DASH}"
KINDS: Final = {"edge": mark("edge"), "dashboard": mark("dashboard")}


@dataclass(frozen=True, slots=True)
class Row:
    """A node."""

    record: NodeRecord
    state: str
    """As `LINES` has it."""
    since: datetime | None
    """When it was heard last, if it is not linked."""
    aside: int
    """Events that were put aside."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The page's first sentence, in numbers."""

    nodes: int
    waiting: int
    """Were never heard: their code waits."""
    parked: int
    aside: int
    """Events that were put aside."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """The list."""

    answer: Answer
    list: ListView
    may_add: bool


@dataclass(frozen=True, slots=True)
class Streams:
    """What is live of a node's page."""

    wired: Wired
    held: int
    printing: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The page's first sentence."""

    id: str
    site: str
    line: Line | None
    """None: it is no edge."""
    born_at: datetime | None
    seen_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Node:
    """One node's page."""

    record: NodeRecord
    standing: Standing
    streams: Streams
    money: tuple[Money, ...]
    accounts: int
    role: str
    """Marked."""
    wished: str
    """Another role it is to take; marked; empty: none."""
    aside: tuple[Listed, ...]
    """The first of those that were put aside."""
    closed: tuple[Closure, ...]
    """Its journals that are closed or about to be, the newest first."""
    steps: tuple[Step, ...]
    link: LinkView | None
    """When it was cut off; None: it is no edge, or nothing is known yet."""
    may: dict[str, bool] = field(default_factory=dict)


def _state(each: NodeRecord, now: datetime) -> str:
    if each.state != "active":
        return "parked"
    if is_linked(linked=each.linked, seen_at=each.seen_at, now=now):
        return "linked"
    if each.seen_at is None:
        return "new"
    return "out" if each.role == "agent" else "alone"


def _rows(tx: Transaction, sites: frozenset[str] | None, zone: ZoneInfo) -> list[Row]:
    aside = node_streams.aside(tx, sites)
    found = []
    for each in nodes.every(tx):
        # dashboards are at no site: who is confined to some sees none
        if sites is not None and each.id not in sites:
            continue
        state = _state(each, tx.now)
        seen = None if each.seen_at is None or state == "linked" else each.seen_at.astimezone(zone)
        found.append(Row(each, state, seen, sum(aside.get(each.id, {}).values())))
    return found


def _page(rows: list[Row], query: Query) -> Rows[Row]:
    text, kind = query.filters.get("q", "").casefold(), query.filters.get("kind")
    state, aside = query.filters.get("state"), query.filters.get("aside")
    kept = [
        each
        for each in rows
        if (not text or text in f"{each.record.id} {each.record.site}".casefold())
        and (not kind or each.record.kind == kind)
        and (not state or each.state == state)
        and (not aside or each.aside)
    ]
    if query.sort == "aside":
        kept.sort(key=lambda each: each.aside)
    elif query.sort == "software":
        kept.sort(key=lambda each: each.record.software)
    elif query.sort == "site":
        kept.sort(key=lambda each: each.record.site.casefold())
    if query.descending:
        kept.reverse()
    shown, following = addresses.cut(kept, query)
    return Rows(tuple(shown), following, len(kept))


def _line(row: Row, visit: Visit) -> Cell:
    if row.record.kind != "edge":
        return Cell(_NONE)
    tone, word = LINES[row.state]
    note = "" if row.since is None else visit.words.when(row.since, visit.now)
    return Cell(chip=Chip(tone, visit.say(word), row.state), note=row.record.reason or note)


def _role(row: Row, visit: Visit) -> Cell:
    name = ROLES.get(row.record.role) if row.record.kind == "edge" else KINDS["dashboard"]
    return Cell(visit.say(name or row.record.role))


_COLUMNS: Final = (
    Column[Row](
        "node",
        mark("Node"),
        lambda row, _: Cell(row.record.id),
        lambda row: row.record.id,
        sort=True,
    ),
    Column[Row](
        "site",
        mark("Site"),
        lambda row, _: Cell(row.record.site),
        lambda row: row.record.site,
        sort=True,
    ),
    Column[Row]("line", mark("Line to the centre"), _line, lambda row: row.state),
    Column[Row]("role", mark("Role"), _role, lambda row: row.record.role, wide=True),
    Column[Row](
        "software",
        mark("Version"),
        lambda row, _: Cell(row.record.software or _NONE),
        lambda row: row.record.software,
        sort=True,
        wide=True,
    ),
    Column[Row](
        "aside",
        mark("Put aside"),
        lambda row, visit: Cell(visit.words.number(row.aside)),
        lambda row: row.aside,
        Kind.NUMBER,
        number=True,
        sort=True,
    ),
)


def _list(zone: ZoneInfo) -> ListOf[Row]:
    def choices(visit: Visit) -> tuple[Choice, ...]:
        return tuple(Choice(key, visit.say(word)) for key, (_, word) in LINES.items())

    def kinds(visit: Visit) -> tuple[Choice, ...]:
        return tuple(Choice(key, visit.say(word)) for key, word in KINDS.items())

    return ListOf(
        "nodes",
        _COLUMNS,
        lambda tx, query: _page(_rows(tx, query.sites, zone), query),
        Right.SEE_FLEET,
        filters=(
            Filter("q", mark("Search"), hint=mark("name or id")),
            Filter("state", mark("Line to the centre"), "choice", choices),
            Filter("kind", mark("Kind"), "choice", kinds),
            Filter("aside", mark("With events put aside"), "switch"),
        ),
        sort="node",
        link=lambda row: f"/nodes/{row.record.id}",
    )


def may_add(visit: Visit) -> bool:
    """Say whether somebody may enter nodes: only who runs the whole fleet."""
    return visit.may(Right.RUN_FLEET, EVERYWHERE)


async def show(visit: Visit) -> Response:
    """Show all nodes."""
    zone = visit.centre.zone
    what = _list(zone)
    if (fetched := lists.file(visit, what)) is not None:
        return fetched
    query = lists.query_of(visit, what)
    found = await visit.read(lambda tx: _rows(tx, query.sites, zone))
    answer = Answer(
        len(found),
        sum(each.state == "new" and each.record.kind == "edge" for each in found),
        sum(each.state == "parked" for each in found),
        sum(each.aside for each in found),
    )
    empty = Empty(
        "node",
        visit.say(mark("Your nodes will stand here")),
        visit.say(mark("An edge looks after one site; a dashboard only looks on.")),
        "/nodes/~add" if may_add(visit) else "",
        visit.say(mark("Add a node")),
        "printmesh central node add edge-library --site Library --out edge.toml",
    )
    table = lists.shown(visit, what, query, _page(found, query), empty=empty)
    return visit.page("fleet-nodes.html", Nodes(answer, table, may_add(visit)))


def known_node(tx: Transaction, visit: Visit, right: Right = Right.SEE_FLEET) -> NodeRecord:
    """Return the node an address names, if whoever asks has a right to it.

    Raises:
        HTTPException: 404.
    """
    found = nodes.find(tx, visit.path("node"))
    if found is None:
        raise HTTPException(404, sentences.NO_PAGE)
    visit.check(right, found.id)
    return found


async def one(visit: Visit) -> Response:
    """Show a node."""
    visit.check(Right.SEE_FLEET, visit.path("node"))
    return visit.page("fleet-node.html", await visit.read(lambda tx: _one(tx, visit)))


def _one(tx: Transaction, visit: Visit) -> Node:
    known = known_node(tx, visit)
    money, accounts = nodes.sums_at(tx, known.id)
    may_run = visit.may(Right.RUN_FLEET, known.id)
    acts = may_run or visit.may(Right.SEE_AUDIT)
    standing = _standing(tx, known, visit.centre.zone)
    silent = standing.line is not None and standing.line.glance.state != "linked"
    moments = node_day.of(tx, known.id, visit.now - _DAY, silent=silent, acts=acts)
    wished = terms.wished_role(tx, known.id) if known.kind == "edge" else None
    return Node(
        known,
        standing,
        _streams(tx, known.id),
        tuple(Money(micros, unit) for unit, micros in money.items()),
        accounts,
        ROLES.get(known.role, known.role) if known.kind == "edge" else KINDS["dashboard"],
        "" if wished is None else ROLES.get(wished, wished),
        tuple(aside_list.page(tx, {known.id}, limit=_ASIDE)),
        tuple(reversed(closures.of(tx, known.id))),
        node_words.steps(visit, moments),
        link_views.link_view(tx, visit, known.id) if known.kind == "edge" else None,
        {"run": may_run},
    )


def _standing(tx: Transaction, known: NodeRecord, zone: ZoneInfo) -> Standing:
    line = None
    if known.kind == "edge":
        line = fleet_views.line_of(tx, fleet_views.glance_at(tx, known.id), zone)
    return Standing(
        known.id,
        known.site,
        line,
        None if known.born_at is None else known.born_at.astimezone(zone),
        None if known.seen_at is None else known.seen_at.astimezone(zone),
        known.reason,
    )


def _streams(tx: Transaction, node: str) -> Streams:
    printing, held = in_flight.jobs_at(tx, node)
    return Streams(node_streams.of(tx, node), held, printing)


def _follow(tx: Transaction, audience: Audience, zone: ZoneInfo) -> dict[str, object]:
    node = dict(audience.asked).get("at", "")
    known = nodes.find(tx, node)
    if known is None or (audience.sites is not None and node not in audience.sites):
        return {}
    return {"node": _standing(tx, known, zone), "streams": _streams(tx, node)}


LIVES: Final = (Live("node", Right.SEE_FLEET, _follow, "fleet-live.html"),)

PAGES: Final = (
    Page("/nodes", show, Right.SEE_FLEET, nav=Nav(mark("Nodes"), "node", 600)),
    Page("/nodes/{node}", one, Right.SEE_FLEET),
)

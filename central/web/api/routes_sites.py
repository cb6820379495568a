"""Sites at a glance: their link, what it could come to, their streams, terminals."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import AwareDatetime  # noqa: TC002  it reads it at run time

from central.acts import nodes as acts
from central.rights import Right
from central.store import exposure, node_streams, overview, site_terminals
from central.store.ledger import Refused
from central.web.answers import Answer
from central.web.api.table import Call, Example, Route
from central.web.paging import Asked, KeyPage, Page, page_of, paged
from central.web.problems import NotFound
from config.ids import NodeId  # noqa: TC001  pydantic reads it at run time

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.nodes import NodeRecord


class Site(Answer):
    """A site's line."""

    node: NodeId
    """Its edge."""
    site: str
    """What people call it."""
    role: str
    """agent, tracker or remote."""
    state: Literal["linked", "alone", "out", "parked", "new"]
    """`alone`: it goes on without the centre; `out`: an agent without it; `parked`: parked or
    frozen; `new`: its edge was never heard."""
    since: AwareDatetime | None
    """When it was last heard, if it is not linked."""
    waiting: int
    """Events it has told of that are not committed here."""
    reason: str
    """Why it is parked or frozen."""


class Worst(Answer):
    """What a site may come to, in one unit; micros."""

    allocated: int
    """People's money that sits there to be spent: no exposure."""
    owed: int
    """Charged past the allocation and not collected yet."""
    quarantined: int
    """Claimed past the allocation by events that are put aside."""
    more: int | None
    """Could still be charged past the allocation; null: without limit."""
    worst: int | None
    """What the house may have to bear at most; null: without limit."""


class Exposure(Answer):
    """The worst case of one site."""

    node: NodeId
    """Its edge."""
    site: str
    """What people call it."""
    role: str
    """As its own word has it."""
    wished: str | None
    """Another role that it was told to take and has not taken yet."""
    linked: bool
    """As last stored."""
    seen_at: AwareDatetime | None
    """When it was heard last."""
    units: dict[str, Worst]
    """By unit."""


class Stream(Answer):
    """One stream of a node's journal."""

    direction: Literal["up", "down"]
    """`up`: the node tells; `down`: it is told."""
    name: str
    """Of the stream."""
    sent: int
    """The last event that is known to be written."""
    applied: int
    """The last one that the other end has."""
    waiting: int
    """Events that the other end does not have."""
    aside: int
    """Events that were put aside."""


class Streams(Answer):
    """What a node said of itself at its last birth."""

    streams: tuple[Stream, ...]
    """Of the journal that the books go on with."""
    replica: int | None
    """The version of the directory that it had; 0: none; null: it was never born."""
    directory: int | None
    """The version of the books, likewise."""
    resync_at: AwareDatetime | None
    """Somebody wished that it gets all of the directory again; null: it was sent."""


class Terminal(Answer):
    """A terminal of a site."""

    terminal: NodeId
    """Its name there."""
    online: bool
    """It is on line there."""
    since: AwareDatetime
    """Since when it is so."""


class Terminals(Answer):
    """Terminals of a site, as its edge told last."""

    items: tuple[Terminal, ...]
    """By name."""
    updated_at: AwareDatetime | None
    """When they were so; null: the edge told of none."""


def every(tx: Transaction, call: Call[None, KeyPage]) -> Page[Site]:
    """List sites with the state of their line, by their edge's name."""
    page = call.asked
    rows = sorted(
        (each for each in overview.sites(tx, call.sites) if each.node > page.after),
        key=lambda each: each.node,
    )
    return page_of(
        rows,
        page.limit,
        show=lambda row: Site.model_validate(asdict(row)),
        key=lambda row: row.node,
    )


def worst(tx: Transaction, call: Call[None, Asked]) -> Exposure:
    """Say what a site could come to at most: what is owed, and what could still be charged."""
    told = exposure.at_site(tx, _known(tx, call))
    units = {unit: asdict(each) | {"worst": each.worst} for unit, each in told.units.items()}
    return Exposure.model_validate(asdict(told) | {"units": units})


def streams(tx: Transaction, call: Call[None, Asked]) -> Streams:
    """Show a node's streams: written, applied, waiting, put aside."""
    told = node_streams.of(tx, _known(tx, call).id)
    replica = told.replica
    return Streams(
        streams=tuple(
            Stream.model_validate(asdict(each) | {"waiting": each.waiting}) for each in told.streams
        ),
        replica=None if replica is None else replica.there,
        directory=None if replica is None else replica.here,
        resync_at=None if replica is None else replica.asked_at,
    )


def terminals(tx: Transaction, call: Call[None, Asked]) -> Terminals:
    """List the terminals of a site: copiers' panels, card readers, pop-ups."""
    told = site_terminals.at(tx, _known(tx, call).id)
    if told is None:
        return Terminals(items=(), updated_at=None)
    items = tuple(Terminal.model_validate(each.model_dump()) for each in told.terminals)
    return Terminals(items=items, updated_at=told.updated_at)


def _known(tx: Transaction, call: Call[Any, Any]) -> NodeRecord:
    """Return the edge of the address, at whose site the caller has the right."""
    name = call.path["node"]
    missing = f"There is no site {name}; /api/v1/sites lists those there are."
    call.check(name, missing)
    found = acts.find(tx, name)
    if isinstance(found, Refused) or found.kind != "edge":
        raise NotFound(missing)
    return found


_SITE: Final = {
    "node": "north",
    "site": "Library",
    "role": "remote",
    "state": "alone",
    "since": "2026-11-22T12:04:00Z",
    "waiting": 214,
    "reason": "",
}
_WORST: Final = {
    "allocated": 12_000_000,
    "owed": 0,
    "quarantined": 0,
    "more": 5_000_000,
    "worst": 5_000_000,
}
_EXPOSURE: Final = {
    "node": "north",
    "site": "Library",
    "role": "remote",
    "wished": None,
    "linked": False,
    "seen_at": "2026-11-22T12:04:00Z",
    "units": {"EUR": _WORST},
}
_STREAM: Final = {
    "direction": "up",
    "name": "ledger",
    "sent": 614,
    "applied": 400,
    "waiting": 214,
    "aside": 0,
}
_STREAMS: Final = {"streams": [_STREAM], "replica": 80, "directory": 84, "resync_at": None}
_TERMINAL: Final = {"terminal": "north-panel", "online": True, "since": "2026-11-22T08:00:00Z"}
_ONE: Final = "/nodes/{node}"

ROUTES: Final = (
    Route(
        method="GET",
        path="/sites",
        right=Right.SEE_FLEET,
        do=every,
        asks=KeyPage,
        gives=paged(Site),
        example=Example({"items": [_SITE], "next": None}),
    ),
    Route(
        method="GET",
        path=f"{_ONE}/exposure",
        right=Right.SEE_FLEET,
        do=worst,
        gives=Exposure,
        example=Example(_EXPOSURE),
    ),
    Route(
        method="GET",
        path=f"{_ONE}/streams",
        right=Right.SEE_FLEET,
        do=streams,
        gives=Streams,
        example=Example(_STREAMS),
    ),
    Route(
        method="GET",
        path=f"{_ONE}/terminals",
        right=Right.SEE_FLEET,
        do=terminals,
        gives=Terminals,
        example=Example({"items": [_TERMINAL], "updated_at": "2026-11-22T08:00:09Z"}),
    ),
)

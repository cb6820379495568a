"""A forked journal: both branches, what booking them would come to, and doing it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from central.acts import nodes as acts
from central.rights import Right
from central.store import forks
from central.store.ledger import Refused
from central.web.pages import fleet_views, node_words
from central.web.pages.routes_nodes import known_node
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Notice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.closures import Closure
    from central.store.forks import Branches
    from central.store.nodes import NodeRecord
    from central.web.pages.visit import Visit

#: What a plan or a result has → in words.
_WORDS: Final = {
    "charges": mark("charges of the edge's own branch"),
    "booked": mark("their sum"),
    "loss": mark("of it paid by the house"),
    "known": mark("events that the other branch had"),
    "quarantined": mark("events put aside"),
    "returned": mark("back to the accounts"),
    "written_off": mark("made good to people"),
    "given_back": mark("left over of it, back to the house"),
}
_STEPS: Final = {
    "open": mark("Nothing is under way."),
    "looking": mark("The edge is asked for its own branch; it answers as soon as it is linked."),
    "stopping": mark("The edge stops taking jobs and settles those that run."),
    "collecting": mark("The edge tells its own branch."),
    "booking": mark("Both branches are booked."),
    "draining": mark("What is left there comes back."),
    "archiving": mark("The edge puts its journal away and begins a new one."),
    "done": mark("It is done."),
}


@dataclass(frozen=True, slots=True)
class Fork:
    """The page."""

    node: str
    site: str
    step: str = ""
    """Marked; empty: nobody has looked at it yet."""
    frozen: bool = False
    """Nothing happens by itself: it can be asked for, or booked."""
    done: bool = False
    detail: str = ""
    collected: bool = False
    """Its own branch is here."""
    branches: tuple[Branches, ...] = ()
    figures: tuple[tuple[str, str], ...] = field(default_factory=tuple)
    """What was, or would be, booked: in words, and how much."""
    none: bool = False
    """Nothing has forked here."""


def _edge(tx: Transaction, visit: Visit) -> NodeRecord:
    known_node(tx, visit, Right.RUN_FLEET)
    return fleet_views.edge(tx, visit.path("node"))


async def show(visit: Visit) -> Response:
    """Show both branches, and what booking them would come to."""

    def look(tx: Transaction) -> tuple[NodeRecord, Closure | None, tuple[Branches, ...]]:
        known = _edge(tx, visit)
        found = acts.forked(tx, known.id)
        if isinstance(found, Refused):
            return known, None, ()
        return known, found, tuple(forks.branches(tx, found))

    known, closed, branches = await visit.read(look)
    if closed is None:
        frozen = known.state == "frozen"
        view = Fork(known.id, known.site, frozen=frozen, detail=known.reason, none=not frozen)
        return visit.page("fleet-fork.html", view)
    # tried in a transaction that is undone: it holds the books as any act does
    plan = await asyncio.to_thread(acts.rehearse_fork, visit.centre.books, closed)
    done = closed.step == "done"
    view = Fork(
        known.id,
        known.site,
        step=_STEPS[closed.step],
        frozen=closed.step in {"open", "looking"},
        done=done,
        detail=closed.detail,
        collected="whole ledger" in closed.heads,
        branches=branches,
        figures=_figures(visit, closed.result if done else plan),
    )
    return visit.page("fleet-fork.html", view)


def _figures(visit: Visit, sums: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    found = []
    for key, word in _WORDS.items():
        value = sums.get(key)
        if value is None:
            continue
        text = (
            node_words.sums(visit, value) if isinstance(value, dict) else visit.words.number(value)
        )
        found.append((visit.say(word), text))
    return tuple(found)


async def look_at(visit: Visit) -> Response:
    """Ask the edge for its own branch."""
    node = visit.path("node")

    def act(tx: Transaction) -> Closure | Refused:
        _edge(tx, visit)
        return acts.ask_fork(tx, visit.by, node)

    done = await visit.write(act)
    return _on(visit, done, mark("The edge is asked for its own branch."))


async def resolve(visit: Visit) -> Response:
    """Book both branches."""
    node, without = visit.path("node"), visit.form.ticked("without")

    def act(tx: Transaction) -> Closure | Refused:
        _edge(tx, visit)
        return acts.resolve_fork(tx, visit.by, node, without_branch=without)

    done = await visit.write(act)
    return _on(visit, done, mark("It goes on by itself from here; this page shows how far."))


def _on(visit: Visit, done: Closure | Refused, sentence: str) -> Response:
    back = f"/nodes/{visit.path('node')}/fork"
    if isinstance(done, Refused):
        said = visit.say(mark("Nothing has forked there. Nothing was changed."))
        return visit.go(back, Notice("waiting", said))
    return visit.go(back, Notice("good", visit.say(sentence)))


PAGES: Final = (
    Page("/nodes/{node}/fork", show, Right.RUN_FLEET),
    Page("/nodes/{node}/fork/look", look_at, Right.RUN_FLEET, methods=("POST",)),
    Page("/nodes/{node}/fork/resolve", resolve, Right.RUN_FLEET, methods=("POST",)),
)

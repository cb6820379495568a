"""Forked journals: which there are, both branches, what booking them comes to, and doing it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import AwareDatetime, Field

from central.acts import nodes as acts
from central.rights import Right
from central.store import closures, forks, nodes
from central.store.ledger import Refused
from central.web.answers import Answer
from central.web.api.table import Call, Example, Given, Route, act
from central.web.paging import Asked, KeyPage, Page, page_of, paged
from central.web.problems import NotFound
from config.ids import NodeId  # noqa: TC001  pydantic reads it at run time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from central.store.books import Transaction
    from central.store.closures import Closure
    from central.store.nodes import NodeRecord

_Step = Literal[
    "new", "open", "looking", "stopping", "collecting", "booking", "draining", "archiving", "done"
]


class Frozen(Answer):
    """A site whose journal has forked."""

    node: NodeId
    """Its edge."""
    step: _Step
    """How far its end is; `new`: nobody has looked at it; `open`: nothing is under way."""
    reason: str
    """Why it is frozen; empty: it is not any more."""


class Parted(Answer):
    """Where two branches of one stream part."""

    name: str
    """Of the stream."""
    common: int
    """The last event that both have, as far as is known."""
    ours: int
    """Where that of the books ends."""
    theirs: int
    """Where the edge's ends, as far as it was collected."""


class Sums(Answer):
    """What was booked, or would be; counts, and micros by unit."""

    charges: int = 0
    """Charges of the edge's own branch."""
    booked: dict[str, int] = Field(default_factory=dict)
    """Their sum."""
    loss: dict[str, int] = Field(default_factory=dict)
    """Of it paid by the house."""
    known: int = 0
    """Events that the other branch had."""
    quarantined: int = 0
    """Events put aside."""
    returned: dict[str, int] = Field(default_factory=dict)
    """Back to the accounts."""
    written_off: dict[str, int] = Field(default_factory=dict)
    """Made good to people."""
    given_back: dict[str, int] = Field(default_factory=dict)
    """Left over of it, back to the house."""


class Fork(Frozen):
    """A forked journal, as far as it is known here."""

    detail: str
    """Why it does not go on, for people."""
    at: AwareDatetime | None
    """When its end was entered; null: nobody has looked at it."""
    author: str
    """By whom."""
    collected: bool
    """The edge's own branch is here."""
    branches: tuple[Parted, ...]
    """Where they part, by stream."""
    result: Sums
    """What was booked so far."""


class Resolving(Given):
    """How a fork is resolved."""

    without_branch: bool = False
    """Book what is known here; the edge stays frozen for its own."""


def every(tx: Transaction, call: Call[None, KeyPage]) -> Page[Frozen]:
    """List sites whose journal has forked and is not resolved yet."""
    page = call.asked
    # few enough to be read whole, as nodes are
    ended = {each.node: each for each in closures.forks_open(tx)}
    rows = sorted(
        (
            each
            for each in nodes.every(tx)
            if (each.state == "frozen" or each.id in ended)
            and each.id > page.after
            and call.reaches(each.id)
        ),
        key=lambda each: each.id,
    )
    return page_of(
        rows,
        page.limit,
        show=lambda row: _frozen(row, ended.get(row.id)),
        key=lambda row: row.id,
    )


def one(tx: Transaction, call: Call[None, Asked]) -> Fork:
    """Show a forked journal: its branches, how far its end is, and what was booked."""
    known, closed = _known(tx, call)
    return _fork(tx, known, closed)


def look(tx: Transaction, call: Call[None, Asked]) -> Fork | Refused:
    """Ask the edge for its own branch; it comes as the edge answers."""
    known, _ = _known(tx, call)
    done = acts.ask_fork(tx, call.by, known.id)
    return done if isinstance(done, Refused) else _fork(tx, known, done)


def rehearse(tx: Transaction, call: Call[None, Asked]) -> Sums | Refused:
    """Say what booking both branches would come to; it is tried and undone."""
    known, closed = _known(tx, call)
    if closed is None:
        return Refused(f"nobody has looked at the fork of {known.id} yet")
    return _sums(acts.would_book(tx, closed))


def resolve(tx: Transaction, call: Call[Resolving, Asked]) -> Fork | Refused:
    """Book both branches, give back what is left, have the edge begin anew; it goes on by itself.

    GET shows how far it is.
    """
    known, _ = _known(tx, call)
    done = acts.resolve_fork(tx, call.by, known.id, without_branch=call.body.without_branch)
    return done if isinstance(done, Refused) else _fork(tx, known, done)


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _known(tx: Transaction, call: Call[Any, Any]) -> tuple[NodeRecord, Closure | None]:
    """Return the edge of the address and the end of its journal, if it has forked."""
    name = call.path["node"]
    missing = f"Nothing has forked at {name}; /api/v1/forks lists where something has."
    call.check(name, missing)
    known, closed = acts.find(tx, name), acts.forked(tx, name)
    if isinstance(known, Refused):
        raise NotFound(missing)
    if isinstance(closed, Refused):
        if known.state != "frozen":
            raise NotFound(missing)
        return known, None
    return known, closed


def _frozen(known: NodeRecord, closed: Closure | None) -> Frozen:
    step = "new" if closed is None else closed.step
    return Frozen.model_validate({"node": known.id, "step": step, "reason": known.reason})


def _fork(tx: Transaction, known: NodeRecord, closed: Closure | None) -> Fork:
    told: dict[str, object] = {
        **dict(_frozen(known, closed)),
        "detail": "",
        "at": None,
        "author": "",
        "collected": False,
        "branches": (),
        "result": Sums(),
    }
    if closed is not None:
        told |= {
            "detail": closed.detail,
            "at": closed.at,
            "author": closed.author,
            "collected": "whole ledger" in closed.heads,
            "branches": [asdict(each) for each in forks.branches(tx, closed)],
            "result": _sums(closed.result),
        }
    return Fork.model_validate(told)


def _sums(result: Mapping[str, Any]) -> Sums:
    return Sums.model_validate(dict(result))


_FROZEN: Final = {"node": "north", "step": "open", "reason": "two branches follow event 4"}
_SUMS: Final = {
    "charges": 2,
    "booked": {"EUR": 8_000_000},
    "loss": {"EUR": 1_000_000},
    "known": 0,
    "quarantined": 0,
    "returned": {"EUR": 2_000_000},
    "written_off": {},
    "given_back": {},
}
_FORK: Final = {
    **_FROZEN,
    "detail": "",
    "at": "2026-11-22T08:00:00Z",
    "author": "api:watch",
    "collected": True,
    "branches": [{"name": "ledger", "common": 4, "ours": 5, "theirs": 6}],
    "result": _SUMS,
}
_ONE: Final = "/nodes/{node}/fork"

ROUTES: Final = (
    Route(
        method="GET",
        path="/forks",
        right=Right.SEE_FLEET,
        do=every,
        asks=KeyPage,
        gives=paged(Frozen),
        example=Example({"items": [_FROZEN], "next": None}),
    ),
    Route(
        method="GET", path=_ONE, right=Right.SEE_FLEET, do=one, gives=Fork, example=Example(_FORK)
    ),
    act(f"{_ONE}/look", Right.RUN_FLEET, look, Example(_FORK), gives=Fork),
    Route(
        method="POST",
        path=f"{_ONE}/rehearse",
        right=Right.RUN_FLEET,
        do=rehearse,
        tries=True,
        gives=Sums,
        example=Example(_SUMS),
    ),
    act(
        f"{_ONE}/resolve",
        Right.RUN_FLEET,
        resolve,
        Example({**_FORK, "step": "stopping"}, {"without_branch": False}),
        takes=Resolving,
        gives=Fork,
    ),
)

"""The audit: every administrative act, and nothing of it can be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AwareDatetime, Field, StringConstraints

from central.rights import Right
from central.store import audit, audit_chain
from central.store.audit import Which
from central.web.answers import Answer
from central.web.api.table import Call, Example, Route
from central.web.paging import TEXT, Asked, NumberPage, Page, page_of, paged
from central.web.problems import NotFound

if TYPE_CHECKING:
    from central.store.books import Transaction

#: Acts that are hashed for one answer: a few hundredths of a second.
_AT_ONCE: Final = 5000
_Word = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=TEXT)]


class Act(Answer):
    """One administrative act."""

    n: int
    """Its number; ascends by one."""
    at: AwareDatetime
    """When."""
    author: str
    """Who: `cli:root`, `web:ana`, `api:till-1`, `coordinator`."""
    act: str
    """What, in a word or two."""
    target: str
    """To what."""
    detail: dict[str, Any]
    """What explains it."""
    address: str
    """The address it came from; empty: the centre's machine, or not known."""
    before: Any
    """What was, where the act replaced something."""
    after: Any
    """What is now."""
    hash: str
    """Of the chain of acts, up to here."""


class Chain(Answer):
    """Whether acts follow one another as they were written."""

    acts: int
    """How many there are."""
    pruned: int
    """How many were deleted when their time was over."""
    upto: int
    """The last act that was looked at: give it as `after` to go on."""
    whole: bool
    """There is nothing to look at behind it."""
    broken: tuple[str, ...]
    """Where it does not hold, for people."""


class ChainAsked(Asked):
    """From where on."""

    after: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """The last act that was looked at before; 0: none."""


class ActsAsked(NumberPage):
    """Which acts; filters that are left out let all through."""

    author: _Word | None = None
    """A login name, through whatever face, or an author as it is kept."""
    person: _Word | None = None
    """Done by them, or to them."""
    target: _Word | None = None
    """To what, exactly."""
    act: _Word | None = None
    """`card add`, or all that begin with a word: `card`."""
    since: AwareDatetime | None = None
    """Not earlier."""
    until: AwareDatetime | None = None
    """Earlier."""


def every(tx: Transaction, call: Call[None, ActsAsked]) -> Page[Act]:
    """List acts, newest first."""
    asked = call.asked
    which = Which(asked.author, asked.person, asked.target, asked.act, asked.since, asked.until)
    rows = audit.search(tx, which, before=asked.after or None, limit=asked.limit + 1)
    return page_of(rows, asked.limit, show=_shown, key=lambda row: row.n)


def one(tx: Transaction, call: Call[None, Asked]) -> Act:
    """Show one act."""
    found = audit.find(tx, call.path["n"])
    if found is None:
        raise NotFound(f"There is no act {call.path['n']}; /api/v1/audit lists them.")
    return _shown(found)


def chain(tx: Transaction, call: Call[None, ChainAsked]) -> Chain:
    """Hash acts again, five thousand at once, and say whether anything was changed or removed."""
    head, done = audit_chain.head(tx), audit_chain.look(tx, after=call.asked.after, most=_AT_ONCE)
    return Chain(
        acts=head.n - head.pruned,
        pruned=head.pruned,
        upto=done.upto,
        whole=done.whole,
        broken=tuple(f"{each.where}: {each.detail}" for each in done.broken),
    )


def _shown(row: audit.Act) -> Act:
    return Act(
        n=row.n,
        at=row.at,
        author=row.author,
        act=row.act,
        target=row.target,
        detail=dict(row.detail),
        address=row.address,
        before=row.before,
        after=row.after,
        hash=row.hash,
    )


_ACT: Final = {
    "n": 17,
    "at": "2026-11-22T08:00:00Z",
    "author": "api:till-1",
    "act": "topup",
    "target": "user:ana",
    "detail": {"micros": 5_000_000, "unit": "EUR", "note": "cash", "entry": 42},
    "address": "192.0.2.7",
    "before": "0.00 EUR",
    "after": "5.00 EUR",
    "hash": "9f2c41d07ab39f2c41d07ab39f2c41d07ab39f2c41d07ab39f2c41d07ab39f2c",
}

ROUTES: Final = (
    Route(
        method="GET",
        path="/audit",
        right=Right.SEE_AUDIT,
        do=every,
        asks=ActsAsked,
        gives=paged(Act),
        example=Example({"items": [_ACT], "next": None}, asked={"act": "topup"}),
    ),
    Route(
        method="GET",
        path="/audit/chain",
        right=Right.SEE_AUDIT,
        do=chain,
        asks=ChainAsked,
        gives=Chain,
        example=Example(
            {"acts": 840, "pruned": 0, "upto": 840, "whole": True, "broken": []},
            asked={"after": "0"},
        ),
    ),
    Route(
        method="GET",
        path="/audit/{n}",
        right=Right.SEE_AUDIT,
        do=one,
        gives=Act,
        example=Example(_ACT),
    ),
)

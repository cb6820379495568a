"""Finding jobs among millions, newest first: filters, cursors, and totals of what is filtered.

Numbers ascend as the books hear of jobs. What narrows most is looked up by its index; the rest is
looked at row by row, so many at most in one call: a search for something rare comes back with what
it has so far and a cursor to go on from, never late.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from sqlalchemy import func, select, text

from central.store import lists
from central.store.tables import charge, instant, job, job_span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row, Select, TextClause

    from central.store.books import Transaction
    from central.store.lists import ListedJob
    from config.policy.money import Unit

    _Condition: TypeAlias = ColumnElement[bool] | TextClause

#: Rows that one call looks at, where there is more to ask than an index answers.
LOOK: Final = 10_000
#: The same where each has to be looked up with what was paid.
LOOK_AT_COST: Final = 2_000
#: Microseconds.
_DAY: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Which:
    """Which jobs; None, or nothing, is any."""

    user: str | None = None
    """job-originating-user-name."""
    nodes: frozenset[str] | None = None
    """Only of these edges: a site, or all that somebody may see."""
    printer: str | None = None
    """Device id of the last release."""
    state: str | None = None
    """IPP job-state."""
    service: Literal["print", "copy"] | None = None
    since: datetime | None = None
    """Came in not earlier."""
    until: datetime | None = None
    """Came in earlier."""
    flagged: bool = False
    """Only those that somebody should look at."""
    refused: bool = False
    """Only those that were refused, and not released since."""
    name: str | None = None
    """In the document's name, in capitals or not; a hash is found by the whole of it."""
    cost_from: int | None = None
    """Cost so many micros of `unit` or more, all accounts together."""
    cost_to: int | None = None
    """Cost no more."""
    unit: Unit = ""
    """Of these; empty: the currency of the books."""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of jobs."""

    jobs: tuple[ListedJob, ...]
    """Newest first."""
    before: int | None
    """Go on below this number; None: there is no more."""
    whole: bool
    """The page is as full as it can be; False: so many were looked at, go on to see the rest."""


@dataclass(slots=True)
class Totals:
    """Of all that is filtered."""

    jobs: int = 0
    impressions: int = 0
    """Billed."""
    cost: dict[Unit, int] = field(default_factory=dict)
    """Micros by unit, as charged; refunds are not taken off."""
    whole: bool = True
    """False: these are of the newest ones only; figures of so many are in the rolled-up facts."""


@dataclass(frozen=True, slots=True)
class _Lane:
    """One index that is followed."""

    conditions: tuple[_Condition, ...] = ()


@dataclass(slots=True)
class _Looked:
    """How far was looked."""

    down_to: int = 0
    """All above it was looked at; 0: everything was."""


def search(
    tx: Transaction, which: Which, *, before: int | None = None, limit: int = 50, look: int = LOOK
) -> Found:
    """Return a page of jobs.

    Args:
        tx: any transaction.
        which: jobs.
        before: only those of lower numbers: `before` of the page before.
        limit: at most so many.
        look: rows to look at, at most, where an index does not answer.
    """
    looked = _Looked()
    numbers = [
        row.n for row in islice(_rows(tx, which, before, limit + 1, look, looked), limit + 1)
    ]
    shown = lists.numbered(tx, numbers[:limit])
    if len(numbers) > limit:
        return Found(tuple(shown), numbers[limit - 1], whole=True)
    if looked.down_to:
        return Found(tuple(shown), looked.down_to, whole=False)
    return Found(tuple(shown), None, whole=True)


def totals(tx: Transaction, which: Which, *, at_most: int = LOOK_AT_COST) -> Totals:
    """Add up what is filtered: all of it, or the newest ones where there are more."""
    looked, found = _Looked(), Totals()
    rows = list(
        islice(_rows(tx, which, None, at_most + 1, at_most, looked, sums=True), at_most + 1)
    )
    some = rows[:at_most]
    found.jobs = len(some)
    found.impressions = sum(row.impressions or 0 for row in some)
    # read as one: a thousand small texts take far longer
    for parts in json.loads(f"[{','.join([row.paid for row in some if row.paid])}]"):
        for part in parts:
            unit, micros = part["unit"], part["micros"]
            found.cost[unit] = found.cost.get(unit, 0) + micros
    found.whole = len(rows) <= at_most and not looked.down_to
    return found


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _rows(
    tx: Transaction,
    which: Which,
    before: int | None,
    limit: int,
    look: int,
    looked: _Looked,
    *,
    sums: bool = False,
) -> Iterator[Row[Any]]:
    """Yield what is found, newest first, from all lanes."""
    lanes, rest = _lanes(which)
    priced = which.cost_from is not None or which.cost_to is not None
    room = min(look, LOOK_AT_COST) if priced else look
    found: list[list[Row[Any]]] = []
    for lane in lanes:
        rows, down_to = _along(tx, which, lane, rest, before, limit, room, with_paid=priced or sums)
        looked.down_to = max(looked.down_to, down_to)
        found.append(rows)
    # what one lane has not looked at yet cannot be told of by another
    for row in found[0] if len(found) == 1 else merge(*found, key=lambda row: -row.n):
        if row.n < looked.down_to:
            return
        yield row


def _along(
    tx: Transaction,
    which: Which,
    lane: _Lane,
    rest: tuple[_Condition, ...],
    before: int | None,
    limit: int,
    room: int,
    *,
    with_paid: bool,
) -> tuple[list[Row[Any]], int]:
    """Follow one lane down; return what is found, and how far it was looked at (0: to its end)."""
    found: list[Row[Any]] = []
    priced = which.cost_from is not None or which.cost_to is not None
    asks_more = bool(rest) or priced
    for first, last in _runs(tx, which, before):
        low, seen = first, 0
        if asks_more:
            low, seen = _window(tx, lane, first, last, room)
        query: Select[Any] = select(job.c.n)
        if with_paid:
            paid = charge.c.charge == job.c.charge
            query = select(job.c.n, job.c.impressions, charge.c.paid).outerjoin(charge, paid)
        # one bound on each side: of two, SQLite may take the wider one for its index
        within = (*lane.conditions, job.c.n >= low, job.c.n <= last)
        rows = tx.sql.execute(
            query.where(*within, *rest).order_by(job.c.n.desc()).limit(None if priced else limit)
        )
        fit = (row for row in rows.all() if _costs(tx, which, row)) if priced else rows.all()
        found += islice(fit, limit - len(found))
        if len(found) >= limit:
            return found, 0
        room -= seen
        if low > first:
            return found, low
        if asks_more and room <= 0 and first > 1:
            return found, first
    return found, 0


def _window(tx: Transaction, lane: _Lane, first: int, last: int, room: int) -> tuple[int, int]:
    """Return the lowest number to look at, and how many there are from it on."""
    if not lane.conditions:
        low = max(first, last - room + 1)
        return low, last - low + 1
    within = (*lane.conditions, job.c.n >= first, job.c.n <= last)
    at = select(job.c.n).where(*within).order_by(job.c.n.desc()).limit(room).subquery()
    low, count = tx.sql.execute(select(func.min(at.c.n), func.count())).one()
    return (first, count) if low is None or count < room else (int(low), int(count))


def _lanes(which: Which) -> tuple[list[_Lane], tuple[_Condition, ...]]:
    """Return the indexes to follow, and what else is to be asked of each row."""
    indexed = list(_indexed(which))
    rest = [each for conditions in indexed[1:] for each in conditions]
    rest += _unindexed(which)
    if indexed:
        if which.nodes is not None:
            rest.append(job.c.node.in_(sorted(which.nodes)))
        return [_Lane(indexed[0])], tuple(rest)
    if which.nodes is not None:
        return [_Lane((job.c.node == each,)) for each in sorted(which.nodes)], tuple(rest)
    return [_Lane()], tuple(rest)


def _indexed(which: Which) -> Iterator[tuple[_Condition, ...]]:
    """Yield what an index answers, what narrows most first; partial ones by their own words."""
    if which.user is not None:
        yield (job.c.user == which.user,)
    if which.printer is not None:
        yield job.c.printer == which.printer, text("job.printer IS NOT NULL")
    if which.flagged:
        yield (text("job.flag IS NOT NULL"),)
    if which.refused:
        yield (text("job.refused IS NOT NULL"),)
    if which.state not in {None, "completed"}:
        yield job.c.state == which.state, text("job.state <> 'completed'")
    if which.service == "copy":
        yield (text("job.queue = ''"),)


def _unindexed(which: Which) -> Iterator[_Condition]:
    if which.state == "completed":
        yield job.c.state == which.state
    if which.service == "print":
        yield job.c.queue != ""
    if which.name:
        yield job.c.name.icontains(which.name, autoescape=True)
    if which.since is not None:
        yield job.c.received_at >= which.since
    if which.until is not None:
        yield job.c.received_at < which.until


def _runs(tx: Transaction, which: Which, before: int | None) -> Sequence[tuple[int, int]]:
    """Return the runs of numbers in which jobs of the wanted days are, newest first."""
    newest = tx.sql.execute(select(func.max(job.c.n))).scalar() or 0
    top = newest if before is None else min(newest, before - 1)
    if which.since is None and which.until is None:
        return [(1, top)] if top else []
    query = select(job_span.c.first, job_span.c.last).where(job_span.c.first <= top)
    if which.since is not None:
        query = query.where(job_span.c.day >= instant(which.since) // _DAY)
    if which.until is not None:
        query = query.where(job_span.c.day <= instant(which.until) // _DAY)
    runs: list[tuple[int, int]] = []
    for first, last in sorted((row.first, min(row.last, top)) for row in tx.sql.execute(query)):
        if runs and first <= runs[-1][1] + 1:
            runs[-1] = runs[-1][0], max(last, runs[-1][1])
        else:
            runs.append((first, last))
    return runs[::-1]


def _costs(tx: Transaction, which: Which, row: Row[Any]) -> bool:
    """Say whether a job cost what was asked for."""
    if which.cost_from is None and which.cost_to is None:
        return True
    unit = which.unit or tx.identity.currency
    cost = sum(p["micros"] for p in json.loads(row.paid or "[]") if p["unit"] == unit)
    if which.cost_from is not None and cost < which.cost_from:
        return False
    return which.cost_to is None or cost <= which.cost_to

"""What people and the API list: jobs, entries, quarantined events; always a page at a time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import bindparam, select, text

from central.store.accounts import Balance
from central.store.jobs import record_of
from central.store.tables import charge, entry, event, location, posting, stream
from central.store.tables import job as job_table

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from central.job_fold import JobRecord
    from central.store.books import Transaction
    from config.policy.money import Unit


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs; None is any."""

    user: str | None = None
    node: str | None = None
    state: str | None = None
    nodes: frozenset[str] | None = None
    """Only of these edges: all that somebody may see."""


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job with what was paid for it."""

    n: int
    """The cursor after it."""
    job: JobRecord
    updated_at: datetime
    paid: tuple[dict[str, Any], ...]
    """{account, unit, micros} of each account; empty while nothing is booked."""


@dataclass(frozen=True, slots=True)
class ListedPosting:
    """One line of an entry."""

    account: str
    place: str
    unit: Unit
    micros: int


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """An entry with its postings."""

    n: int
    """The cursor after it."""
    id: UUID
    kind: str
    at: datetime
    reference: str
    note: str
    author: str
    postings: tuple[ListedPosting, ...]


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """An event that was kept without effect."""

    node: str
    stream: str
    seq: int
    reason: str
    at: datetime
    data: str | None


def jobs(
    tx: Transaction, which: JobFilter, *, after: int = 0, limit: int | None = None
) -> list[ListedJob]:
    """Return jobs in the order in which the books first heard of them."""
    query = _JOBS.where(job_table.c.n > after).order_by(job_table.c.n).limit(limit)
    for column, value in (
        (job_table.c.user, which.user),
        (job_table.c.node, which.node),
        (job_table.c.state, which.state),
    ):
        if value is not None:
            query = query.where(column == value)
    if which.state not in {None, "completed"}:
        # by its own words: the index of what did not go well is for these alone
        query = query.where(text("job.state <> 'completed'"))
    if which.nodes is not None:
        query = query.where(job_table.c.node.in_(sorted(which.nodes)))
    return [_listed(row) for row in tx.sql.execute(query)]


def numbered(tx: Transaction, numbers: Collection[int]) -> list[ListedJob]:
    """Return the jobs of these numbers, newest first."""
    query = _JOBS.where(job_table.c.n.in_(numbers)).order_by(job_table.c.n.desc())
    return [_listed(row) for row in tx.sql.execute(query)] if numbers else []


def job(tx: Transaction, id_: UUID) -> ListedJob | None:
    """Return one job, or None."""
    row = tx.sql.execute(_JOB, {"job_": str(id_)}).one_or_none()
    return None if row is None else _listed(row)


def balances(tx: Transaction, keys: Collection[str]) -> dict[str, list[Balance]]:
    """Return where the money of the named accounts sits; a key for each of them."""
    rows = tx.sql.execute(
        select(location)
        .where(location.c.account.in_(keys))
        .order_by(location.c.account, location.c.unit, location.c.place)
    )
    found: dict[str, list[Balance]] = {key: [] for key in keys}
    for row in rows:
        found[row.account].append(Balance(row.account, row.unit, row.place, row.micros))
    return found


def entries(
    tx: Transaction, *, account: str | None = None, after: int = 0, limit: int = 100
) -> list[ListedEntry]:
    """Return entries by number, all or those that touch an account."""
    query = select(entry).where(entry.c.n > after).order_by(entry.c.n).limit(limit)
    if account is not None:
        query = query.where(entry.c.n.in_(_touching(tx, account, after, limit)))
    return _with_postings(tx, tx.sql.execute(query).all())


def entries_numbered(tx: Transaction, numbers: Collection[int]) -> list[ListedEntry]:
    """Return the entries of these numbers, oldest first."""
    if not numbers:
        return []
    return _with_postings(tx, tx.sql.execute(_NUMBERED, {"numbers": list(numbers)}).all())


def _with_postings(tx: Transaction, rows: Sequence[Row[Any]]) -> list[ListedEntry]:
    lines: dict[int, list[ListedPosting]] = {row.n: [] for row in rows}
    for line in tx.sql.execute(_LINES, {"entries": list(lines)}):
        lines[line.entry].append(ListedPosting(line.account, line.place, line.unit, line.micros))
    return [
        ListedEntry(
            row.n,
            UUID(row.id),
            row.kind,
            row.at,
            row.reference,
            row.note,
            row.author,
            tuple(lines[row.n]),
        )
        for row in rows
    ]


# made once: pages of accounts and jobs ask for some, over and over
_NUMBERED: Final = (
    select(entry).where(entry.c.n.in_(bindparam("numbers", expanding=True))).order_by(entry.c.n)
)
_LINES: Final = (
    select(posting, location.c.account, location.c.place, location.c.unit)
    .join(location, location.c.id == posting.c.location)
    .where(posting.c.entry.in_(bindparam("entries", expanding=True)))
    .order_by(posting.c.entry, location.c.account, location.c.place)
)


def _touching(tx: Transaction, account: str, after: int, limit: int) -> list[int]:
    """Return the first entries after a number that touch an account.

    Place by place, each from its index: in one query, a page would cost as much as all that follow.
    """
    places = tx.sql.execute(select(location.c.id).where(location.c.account == account)).scalars()
    found: set[int] = set()
    for place in places.all():
        found.update(
            tx.sql.execute(
                select(posting.c.entry)
                .where(posting.c.location == place, posting.c.entry > after)
                .order_by(posting.c.entry)
                .limit(limit)
            ).scalars()
        )
    return sorted(found)[:limit]


def quarantined(tx: Transaction, *, node: str | None = None) -> list[ListedEvent]:
    """Return events that the books could not accept, by node and place."""
    query = (
        select(event, stream.c.node, stream.c.name)
        .join(stream, stream.c.id == event.c.stream)
        .where(event.c.state == "quarantined")
        .order_by(stream.c.node, stream.c.name, event.c.seq)
    )
    if node is not None:
        query = query.where(stream.c.node == node)
    return [
        ListedEvent(row.node, row.name, row.seq, row.reason, row.at, row.data)
        for row in tx.sql.execute(query)
    ]


_JOBS = select(job_table, charge.c.paid).outerjoin(charge, charge.c.charge == job_table.c.charge)
_JOB = _JOBS.where(job_table.c.job == bindparam("job_"))


def _listed(row: Row[Any]) -> ListedJob:
    paid = tuple(json.loads(row.paid or "[]"))
    return ListedJob(row.n, record_of(row), row.updated_at, paid)

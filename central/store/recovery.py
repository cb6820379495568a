"""Standing of restored books: what may be granted, what edges hand back, what is not known.

Restored without their second log, the books have forgotten grants that edges have applied. Until
every edge has told, or an administrator has accepted that some do not, nothing is granted: the
same money could be given twice. What has no known source comes from `suspense:restore`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from sqlalchemy import bindparam, delete, func, insert, select, update

from central.store.ledger import Refused
from central.store.tables import (
    adopted_collection,
    entry,
    location,
    meta,
    node,
    posting,
    recovery_edge,
    second_log,
    standing,
)

if TYPE_CHECKING:
    from datetime import datetime

    from central.store.books import Transaction
    from config.policy.money import Unit

#: Where money comes from whose source was lost with the books.
SUSPENSE: Final = "suspense:restore"
EdgeState = Literal["absent", "reported", "accepted"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether these books may give money away."""

    mode: Literal["normal", "recovery"]
    since: datetime | None
    """When recovery began."""
    fenced_by: int | None
    """A higher epoch that a node has met: these books are an old copy."""


@dataclass(frozen=True, slots=True)
class EdgeReport:
    """How far an edge is with telling."""

    node: str
    state: EdgeState
    """absent; reported; accepted: an administrator goes on without it."""
    at: datetime | None
    """Since when."""
    adopted: int
    """Events of ours that it handed back."""
    detail: str
    """For people."""


@dataclass(frozen=True, slots=True)
class FromSuspense:
    """Money of an account whose source is not known."""

    account: str
    unit: Unit
    micros: int
    """What suspense has advanced, less what came back to it."""
    nodes: tuple[str, ...]
    """The edges whose reports it rests on."""


# ── standing ────────────────────────────────────────────────────────────────────────────────


def find(tx: Transaction) -> Standing:
    """Return how these books stand."""
    row = tx.sql.execute(select(standing)).one()
    return Standing(row.mode, row.since, row.fenced_by)


def closed(tx: Transaction) -> str | None:
    """Say why nothing may be granted by these books at present; None when it may."""
    row = tx.sql.execute(_STANDS).one()
    if row.fenced_by is not None:
        return (
            f"these books are an old copy: epoch {row.fenced_by} exists; use the newer ones, or "
            "see `central recovery`"
        )
    if row.mode != "recovery":
        return None
    waiting = tx.sql.execute(
        select(func.count()).select_from(recovery_edge).where(recovery_edge.c.state == "absent")
    ).scalar_one()
    if not waiting:
        return None
    return f"these books are being recovered: {waiting} edges have not reported yet"


_STANDS: Final = select(standing.c.mode, standing.c.fenced_by)


def fence(tx: Transaction, epoch: int) -> None:
    """Note that a node has met books of a higher epoch."""
    tx.sql.execute(update(standing).values(fenced_by=epoch))


def unfence(tx: Transaction) -> None:
    """Forget that; an administrator knows better."""
    tx.sql.execute(update(standing).values(fenced_by=None))


def begin(tx: Transaction) -> int:
    """Begin recovery under the next epoch; the coordinator must not run. Return the epoch."""
    epoch = tx.identity.epoch + 1
    tx.sql.execute(update(meta).values(epoch=epoch))
    tx.sql.execute(update(second_log).values(directory=None, segment=0, end=0))
    tx.sql.execute(update(standing).values(mode="recovery", since=tx.now, fenced_by=None))
    tx.sql.execute(delete(recovery_edge))
    known = select(node.c.id).where(node.c.kind == "edge", node.c.incarnation.is_not(None))
    for name in tx.sql.execute(known).scalars().all():
        values = {"node": name, "state": "absent", "adopted": 0, "known_upto": 0, "detail": ""}
        tx.sql.execute(insert(recovery_edge).values(**values))
    return epoch


def edges(tx: Transaction) -> list[EdgeReport]:
    """Return how far every edge is, by name; empty when no recovery was ever begun."""
    rows = tx.sql.execute(select(recovery_edge).order_by(recovery_edge.c.node))
    return [EdgeReport(row.node, row.state, row.at, row.adopted, row.detail) for row in rows]


def awaited(tx: Transaction, node_id: str) -> bool:
    """Say whether an edge has still to tell; one that was given up may come late."""
    return node_id in all_awaited(tx)


def all_awaited(tx: Transaction) -> frozenset[str]:
    """Return the edges that have still to tell: to them nothing can be said."""
    return frozenset(tx.sql.execute(_AWAITED).scalars())


# statements that do not change are made once: making one takes longer than running it
_KNOWN_UPTO: Final = select(recovery_edge.c.known_upto).where(
    recovery_edge.c.node == bindparam("node")
)
_AWAITED: Final = select(recovery_edge.c.node).where(
    recovery_edge.c.state.in_(("absent", "accepted"))
)


def knew(tx: Transaction, node_id: str, upto: int) -> None:
    """Note how far the lost books may have taken an edge's ledger stream in, at most."""
    tx.sql.execute(
        update(recovery_edge)
        .where(recovery_edge.c.node == node_id, recovery_edge.c.known_upto < upto)
        .values(known_upto=upto)
    )


def known_upto(tx: Transaction, node_id: str) -> int:
    """Return how far that was; 0 when these books have lost nothing."""
    return tx.sql.execute(_KNOWN_UPTO, {"node": node_id}).scalar_one_or_none() or 0


def involved(tx: Transaction, node_id: str) -> bool:
    """Say whether these books were restored without all that they had said to this edge."""
    return (
        tx.sql.execute(
            select(recovery_edge.c.node).where(recovery_edge.c.node == node_id)
        ).scalar_one_or_none()
        is not None
    )


def reported(tx: Transaction, node_id: str) -> None:
    """Note that an edge has told everything."""
    _set(tx, node_id, "reported", "")


def stuck(tx: Transaction, node_id: str, why: str) -> None:
    """Note why an edge cannot tell."""
    tx.sql.execute(
        update(recovery_edge).where(recovery_edge.c.node == node_id).values(detail=why[:1000])
    )


def accept_absent(tx: Transaction, node_id: str, author: str) -> Refused | None:
    """Go on without an edge: what it may still have been granted is exposure without bound."""
    known = {each.node: each for each in edges(tx)}
    if node_id not in known:
        return Refused(f"{node_id} is not among the edges that have to report")
    if known[node_id].state == "reported":
        return Refused(f"{node_id} has reported; there is nothing to accept")
    _set(tx, node_id, "accepted", f"accepted as absent by {author}")
    return None


def finish(tx: Transaction) -> Refused | None:
    """End recovery."""
    if find(tx).mode != "recovery":
        return Refused("these books are not being recovered")
    if (why := closed(tx)) is not None:
        return Refused(why)
    tx.sql.execute(update(standing).values(mode="normal", since=None))
    return None


def from_suspense(tx: Transaction, account: str | None = None) -> list[FromSuspense]:
    """Return what came from suspense and did not go back, of one account or all."""
    query = (
        select(entry.c.note, location.c.unit, entry.c.reference, func.sum(posting.c.micros))
        .join(posting, posting.c.entry == entry.c.n)
        .join(location, location.c.id == posting.c.location)
        .where(location.c.account == SUSPENSE)
        .group_by(entry.c.note, location.c.unit, entry.c.reference)
    )
    if account is not None:
        query = query.where(entry.c.note == account)
    sums: dict[tuple[str, Unit], int] = {}
    where: dict[tuple[str, Unit], set[str]] = {}
    for key, unit, node_id, micros in tx.sql.execute(query):
        sums[key, unit] = sums.get((key, unit), 0) - micros
        where.setdefault((key, unit), set()).add(node_id)
    return [
        FromSuspense(key, unit, micros, tuple(sorted(where[key, unit])))
        for (key, unit), micros in sorted(sums.items())
        if micros
    ]


def use_collection(tx: Transaction, node_id: str, account: str, unit: Unit, most: int) -> int:
    """Match a debt that comes again with what the lost books had collected of it; return it."""
    mine = (
        (adopted_collection.c.node == node_id)
        & (adopted_collection.c.account == account)
        & (adopted_collection.c.unit == unit)
        & (adopted_collection.c.micros > 0)
    )
    used = 0
    rows = tx.sql.execute(select(adopted_collection).where(mine).order_by(adopted_collection.c.id))
    for row in rows.all():
        part = min(row.micros, most - used)
        used += part
        tx.sql.execute(
            update(adopted_collection)
            .where(adopted_collection.c.id == row.id)
            .values(micros=adopted_collection.c.micros - part)
        )
    return used


def _set(tx: Transaction, node_id: str, state: EdgeState, detail: str) -> None:
    values = {"state": state, "detail": detail, "at": tx.now}
    tx.sql.execute(update(recovery_edge).where(recovery_edge.c.node == node_id).values(**values))

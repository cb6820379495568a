"""People's requests for what a job cost: asked once, and settled once by somebody of the house."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import func, insert, select, text, update

from central.store import happenings
from central.store.tables import refund_request

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Row

    from central.store.books import Transaction

State: TypeAlias = Literal["open", "refunded", "declined", "withdrawn"]
Settling: TypeAlias = Literal["refunded", "declined", "withdrawn"]


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """One request."""

    n: int
    """The cursor after it."""
    id: UUID
    job: UUID
    """job-uuid."""
    node: str
    """At which site it was printed."""
    user: str
    """Who asks."""
    reason: str
    """In their own words."""
    asked_at: datetime
    state: State
    settled_at: datetime | None
    settled_by: str
    answer: str
    """What they are told."""


@dataclass(frozen=True, slots=True)
class Which:
    """Which requests; None is any."""

    state: State | None = None
    user: str | None = None
    nodes: frozenset[str] | None = None
    """Only about jobs at these sites."""


def enter(tx: Transaction, job: UUID, *, node: str, user: str, reason: str) -> RefundRequest:
    """Enter a request; whoever calls has looked that there is none open."""
    id_ = tx.mint()
    tx.sql.execute(
        insert(refund_request).values(
            id=str(id_),
            job=str(job),
            node=node,
            user=user,
            reason=reason,
            asked_at=tx.now,
            state="open",
            settled_by="",
            answer="",
        )
    )
    query = select(refund_request).where(refund_request.c.id == str(id_))
    made = _record(tx.sql.execute(query).one())
    _tell(tx, "refund.asked", made, {"user": user, "reason": reason})
    return made


def settle(tx: Transaction, id_: UUID, state: Settling, *, by: str, answer: str) -> bool:
    """Settle a request; return False when it is not open (any more)."""
    done = tx.sql.execute(
        update(refund_request)
        .where(refund_request.c.id == str(id_), refund_request.c.state == "open")
        .values(state=state, settled_at=tx.now, settled_by=by, answer=answer)
    )
    if done.rowcount != 1:
        return False
    settled = find(tx, id_)
    if settled is not None:
        _tell(tx, "refund.settled", settled, {"user": settled.user, "by": by, "answer": answer})
    return True


def find(tx: Transaction, id_: UUID) -> RefundRequest | None:
    """Return a request, or None."""
    query = select(refund_request).where(refund_request.c.id == str(id_))
    row = tx.sql.execute(query).one_or_none()
    return None if row is None else _record(row)


def beginning(tx: Transaction, digits: str, limit: int = 10) -> list[UUID]:
    """Return the requests whose id begins so, the first of them only."""
    at = refund_request.c.id
    query = select(at).where(at >= digits, at < digits + "g").order_by(at).limit(limit)
    return [UUID(id_) for id_ in tx.sql.execute(query).scalars()]


def of_job(tx: Transaction, job: UUID) -> list[RefundRequest]:
    """Return all requests about a job, oldest first."""
    rows = tx.sql.execute(
        select(refund_request).where(refund_request.c.job == str(job)).order_by(refund_request.c.n)
    )
    return [_record(row) for row in rows]


def every(
    tx: Transaction,
    which: Which,
    *,
    before: int | None = None,
    limit: int = 50,
    oldest: bool = False,
) -> list[RefundRequest]:
    """Return requests, newest first or oldest first, below a number."""
    order = refund_request.c.n.asc() if oldest else refund_request.c.n.desc()
    query = select(refund_request).order_by(order).limit(limit)
    if which.state is not None:
        query = query.where(refund_request.c.state == which.state)
    if which.user is not None:
        query = query.where(refund_request.c.user == which.user)
    if which.nodes is not None:
        query = query.where(refund_request.c.node.in_(sorted(which.nodes)))
    if before is not None:
        query = query.where(refund_request.c.n < before)
    return [_record(row) for row in tx.sql.execute(query)]


def waiting(tx: Transaction, nodes: Collection[str] | None = None) -> int:
    """Return how many are open, at these sites or at all."""
    query = select(func.count()).where(text("refund_request.state = 'open'"))
    query = query.select_from(refund_request)
    if nodes is not None:
        query = query.where(refund_request.c.node.in_(sorted(nodes)))
    return int(tx.sql.execute(query).scalar_one())


def _tell(tx: Transaction, kind: str, one: RefundRequest, people: dict[str, str]) -> None:
    data = {"request": str(one.id), "job": str(one.job), "node": one.node, "state": one.state}
    happenings.note(tx, kind, data, people=people)


def _record(row: Row[Any]) -> RefundRequest:
    return RefundRequest(
        n=row.n,
        id=UUID(row.id),
        job=UUID(row.job),
        node=row.node,
        user=row.user,
        reason=row.reason,
        asked_at=row.asked_at,
        state=row.state,
        settled_at=row.settled_at,
        settled_by=row.settled_by,
        answer=row.answer,
    )

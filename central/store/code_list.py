"""Courier codes as lists show them: never their digits, which `central.store.codes` makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from central.store.tables import code

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from central.store.books import Transaction
    from config.policy.money import Unit


@dataclass(frozen=True, slots=True)
class CodeRecord:
    """A code without its digits."""

    id: UUID
    node: str
    account: str
    unit: Unit
    micros: int
    user: str
    author: str
    at: datetime
    state: str
    """waiting, issued, redeemed, failed."""
    detail: str
    """Why it failed."""
    redeemed_at: datetime | None


def find(tx: Transaction, id_: UUID) -> CodeRecord | None:
    """Return a code, or None."""
    row = tx.sql.execute(select(code).where(code.c.id == str(id_))).one_or_none()
    return None if row is None else _listed(row)


def every(
    tx: Transaction,
    *,
    node_id: str | None = None,
    user: str | None = None,
    before: str = "",
    limit: int = 200,
) -> list[CodeRecord]:
    """Return codes, newest first; those before one, by its id."""
    query = select(code).order_by(code.c.id.desc()).limit(limit)
    if node_id is not None:
        query = query.where(code.c.node == node_id)
    if user is not None:
        query = query.where(code.c.user == user)
    if before:
        query = query.where(code.c.id < before)
    return [_listed(row) for row in tx.sql.execute(query)]


def _listed(row: Row[Any]) -> CodeRecord:
    return CodeRecord(
        UUID(row.id),
        row.node,
        row.account,
        row.unit,
        row.micros,
        row.user,
        row.author,
        row.at,
        row.state,
        row.detail,
        row.redeemed_at,
    )

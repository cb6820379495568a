"""The record of administrative acts: who did what to what, and when."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from central.store.tables import audit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from central.store.books import Transaction


@dataclass(frozen=True, slots=True)
class Act:
    """One administrative act."""

    n: int
    """Its number; ascends."""
    at: datetime
    """When."""
    author: str
    """Who."""
    act: str
    """What, in a word or two."""
    target: str
    """To what."""
    detail: Mapping[str, Any]
    """What explains it."""


def note(
    tx: Transaction, *, author: str, act: str, target: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Write an act down, in the transaction that does it; `detail` holds no secrets."""
    text = json.dumps(detail or {}, ensure_ascii=False, sort_keys=True, default=str)
    values = {"at": tx.now, "author": author, "act": act, "target": target, "detail": text}
    tx.sql.execute(insert(audit).values(**values))


def acts(
    tx: Transaction, *, target: str | None = None, after: int = 0, limit: int = 200
) -> list[Act]:
    """Return acts, oldest first: all, or those to one target."""
    query = select(audit).where(audit.c.n > after).order_by(audit.c.n).limit(limit)
    if target is not None:
        query = query.where(audit.c.target == target)
    rows = tx.sql.execute(query)
    return [
        Act(row.n, row.at, row.author, row.act, row.target, json.loads(row.detail)) for row in rows
    ]

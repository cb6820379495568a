"""Answers of the interface that are kept, so that an act asked for twice is done once.

An answer is written in the transaction of its act: there are both or neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, delete, insert, or_, select

from central.store.tables import api_answer

if TYPE_CHECKING:
    from central.store.books import Transaction

#: How long an answer is kept: who has not heard it by then looks what became of the act.
KEPT: Final = timedelta(hours=24)
#: Old ones that one act clears away.
_SLICE: Final = 20


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, and to what."""

    request: str
    """SHA-256 of the request."""
    sealed: str


def find(tx: Transaction, token: str, key: str) -> Kept | None:
    """Return what was answered to a token's act of that key; None: nothing, or it is long ago."""
    at = api_answer.c
    query = select(at.request, at.sealed).where(
        at.token == token, at.key == key, at.at >= tx.now - KEPT
    )
    row = tx.sql.execute(query).one_or_none()
    return None if row is None else Kept(row.request, row.sealed)


def keep(tx: Transaction, token: str, key: str, kept: Kept) -> None:
    """Keep an answer, and clear some away that are old."""
    at = api_answer.c
    old = select(at.token, at.key).where(at.at < tx.now - KEPT).order_by(at.at).limit(_SLICE)
    gone = [and_(at.token == row.token, at.key == row.key) for row in tx.sql.execute(old)]
    mine = and_(at.token == token, at.key == key)
    tx.sql.execute(delete(api_answer).where(or_(mine, *gone)))
    values = {
        "token": token,
        "key": key,
        "request": kept.request,
        "at": tx.now,
        "sealed": kept.sealed,
    }
    tx.sql.execute(insert(api_answer).values(**values))

"""People who ask to be let in as guests: kept until the desk has seen them, or for some days."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select

from central.store.tables import registration

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from central.store.books import Transaction


@dataclass(frozen=True, slots=True)
class Registration:
    """Somebody who asks."""

    n: int
    name: str
    """The user name that they will have."""
    display: str
    email: str
    password: str = field(repr=False)
    """Its hash."""
    language: str
    """ISO 639-1; empty: not said."""
    made_at: datetime
    ends_at: datetime


def put(
    tx: Transaction,
    *,
    mark: str,
    name: str,
    display: str,
    email: str,
    password: str,
    language: str,
    ends_at: datetime,
) -> None:
    """Keep somebody's wish; the name is nobody's, and asked for by nobody else."""
    values = {
        "mark": mark,
        "name": name,
        "display": display,
        "email": email,
        "password": password,
        "language": language,
        "made_at": tx.now,
        "ends_at": ends_at,
    }
    tx.sql.execute(insert(registration).values(**values))


def find(tx: Transaction, mark: str) -> Registration | None:
    """Return who has shown a code, by its keyed mark; None: nobody, or their time is over."""
    there = (registration.c.mark == mark) & (registration.c.ends_at > tx.now)
    row = tx.sql.execute(select(registration).where(there)).one_or_none()
    return None if row is None else _registration(row)


def named(tx: Transaction, name: str) -> bool:
    """Say whether a user name is asked for."""
    query = select(func.count()).where(registration.c.name == name)
    return tx.sql.execute(query).scalar_one() > 0


def waiting(tx: Transaction, *, before: int = 0, limit: int) -> list[Registration]:
    """Return who waits, whoever asked last first; 0: from the last on, else who asked before."""
    query = select(registration).where(registration.c.ends_at > tx.now)
    if before:
        query = query.where(registration.c.n < before)
    rows = tx.sql.execute(query.order_by(registration.c.n.desc()).limit(limit))
    return [_registration(row) for row in rows]


def count(tx: Transaction) -> int:
    """Return how many wait."""
    query = select(func.count()).where(registration.c.ends_at > tx.now)
    return tx.sql.execute(query).scalar_one()


def remove(tx: Transaction, n: int) -> bool:
    """Forget one; return False when there is none of that number."""
    return tx.sql.execute(delete(registration).where(registration.c.n == n)).rowcount == 1


def tidy(tx: Transaction) -> int:
    """Forget those whose time is over; return how many."""
    return tx.sql.execute(delete(registration).where(registration.c.ends_at <= tx.now)).rowcount


def _registration(row: Row[Any]) -> Registration:
    return Registration(
        n=row.n,
        name=row.name,
        display=row.display,
        email=row.email,
        password=row.password,
        language=row.language,
        made_at=row.made_at,
        ends_at=row.ends_at,
    )

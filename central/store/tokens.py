"""Tokens of the read API: the database knows only their SHA-256, which 256 random bits allow."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from central.store.tables import api_token

if TYPE_CHECKING:
    from datetime import datetime

    from central.store.books import Transaction


def add(tx: Transaction, name: str, secret: str) -> bool:
    """Let the holder of a secret read; return False when the name is taken."""
    if any(known == name for known, _ in every(tx)):
        return False
    values = {"digest": _digest(secret), "name": name, "created_at": tx.now}
    tx.sql.execute(insert(api_token).values(**values))
    return True


def remove(tx: Transaction, name: str) -> bool:
    """Take a token's right away; return False when there is none of that name."""
    return tx.sql.execute(delete(api_token).where(api_token.c.name == name)).rowcount == 1


def every(tx: Transaction) -> list[tuple[str, datetime]]:
    """Return names and days of birth."""
    rows = tx.sql.execute(select(api_token).order_by(api_token.c.name))
    return [(row.name, row.created_at) for row in rows]


def holder(tx: Transaction, secret: str) -> str | None:
    """Return whose secret it is, or None."""
    return tx.sql.execute(
        select(api_token.c.name).where(api_token.c.digest == _digest(secret))
    ).scalar_one_or_none()


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()

"""Tokens of the interface: what each may do, where and until when.

The database knows only their SHA-256, which 256 random bits allow.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from central.rights import EVERYWHERE, READS, Right, Scope
from central.store.tables import api_token

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from central.store.books import Transaction


@dataclass(frozen=True, slots=True)
class Token:
    """A token, without its secret."""

    name: str
    """What it is for."""
    scope: Scope
    created_at: datetime
    expires_at: datetime | None
    """It lets nobody in from then on; None: for ever."""


def add(
    tx: Transaction,
    name: str,
    secret: str,
    scope: Scope | None = None,
    *,
    expires_at: datetime | None = None,
) -> bool:
    """Let the holder of a secret in; return False when the name is taken.

    `scope` None: it reads, at all sites.
    """
    if any(known.name == name for known in every(tx)):
        return False
    given = scope or Scope()
    values = {
        "digest": digest_of(secret),
        "name": name,
        "created_at": tx.now,
        "rights": " ".join(sorted(given.rights)),
        "sites": " ".join(sorted(given.sites)),
        "expires_at": expires_at,
    }
    tx.sql.execute(insert(api_token).values(**values))
    return True


def remove(tx: Transaction, name: str) -> bool:
    """Take a token's right away; return False when there is none of that name."""
    return tx.sql.execute(delete(api_token).where(api_token.c.name == name)).rowcount == 1


def every(tx: Transaction) -> list[Token]:
    """Return all tokens by name, those that are over too."""
    return [_token(row) for row in tx.sql.execute(select(api_token).order_by(api_token.c.name))]


def holder(tx: Transaction, secret: str) -> Token | None:
    """Return the token that a secret is, over or not; None: it is none."""
    query = select(api_token).where(api_token.c.digest == digest_of(secret))
    row = tx.sql.execute(query).one_or_none()
    return None if row is None else _token(row)


def digest_of(secret: str) -> str:
    """Return what is kept of a secret."""
    return sha256(secret.encode()).hexdigest()


def _token(row: Row[Any]) -> Token:
    rights = READS if row.rights is None else frozenset(map(Right, row.rights.split()))
    sites = frozenset((row.sites or EVERYWHERE).split())
    return Token(row.name, Scope(rights, sites), row.created_at, row.expires_at)

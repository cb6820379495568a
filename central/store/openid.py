"""Who is whom at a provider of OpenID Connect: by what it calls them for ever, not by a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from central.store.tables import openid_subject

if TYPE_CHECKING:
    from datetime import datetime

    from central.store.books import Transaction


@dataclass(frozen=True, slots=True)
class Joined:
    """Somebody here who is somebody there."""

    issuer: str
    subject: str
    user: str
    made_at: datetime


def user_of(tx: Transaction, issuer: str, subject: str) -> str | None:
    """Return the user whom a provider calls so, None when nobody is known by it."""
    mine = (openid_subject.c.issuer == issuer) & (openid_subject.c.subject == subject)
    found: str | None = tx.sql.execute(select(openid_subject.c.user).where(mine)).scalar()
    return found


def of_user(tx: Transaction, user: str) -> list[Joined]:
    """Return who somebody is at providers; at each they are one."""
    query = select(openid_subject).where(openid_subject.c.user == user)
    rows = tx.sql.execute(query.order_by(openid_subject.c.issuer))
    return [Joined(row.issuer, row.subject, row.user, row.made_at) for row in rows]


def join(tx: Transaction, issuer: str, subject: str, user: str) -> None:
    """Note that somebody there is somebody here; neither may be anybody else already."""
    values = {"issuer": issuer, "subject": subject, "user": user, "made_at": tx.now}
    tx.sql.execute(insert(openid_subject).values(**values))


def part(tx: Transaction, user: str) -> int:
    """Forget who somebody is at providers; return at how many they were known."""
    return tx.sql.execute(delete(openid_subject).where(openid_subject.c.user == user)).rowcount

"""Who of the directory's people has which role, and at which sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from central.rights import Grant, Role
from central.store.tables import (
    openid_subject,
    recovery_code,
    second_factor,
    staff,
    web_session,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from central.store.books import Transaction


@dataclass(frozen=True, slots=True)
class Member:
    """A role that somebody has."""

    user: str
    """User name."""
    grant: Grant
    author: str
    """Who gave it."""
    at: datetime
    """When."""


def grants(tx: Transaction, user: str) -> tuple[Grant, ...]:
    """Return the roles of one person; none for most."""
    return tuple(_member(row).grant for row in tx.sql.execute(_ROLES, {"user_": user}))


# made once: each page asks
_ROLES: Final = select(staff).where(staff.c.user == bindparam("user_")).order_by(staff.c.role)


def every(tx: Transaction) -> list[Member]:
    """Return everybody with a role, by user and role; they are few."""
    rows = tx.sql.execute(select(staff).order_by(staff.c.user, staff.c.role))
    return [_member(row) for row in rows]


def anybody(tx: Transaction) -> bool:
    """Say whether there is an administrator for all sites: somebody who can make others staff."""
    query = select(func.count()).where(
        staff.c.role == Role.ADMINISTRATOR.value, staff.c.sites == "*"
    )
    return tx.sql.execute(query).scalar_one() > 0


def put(tx: Transaction, user: str, grant: Grant, *, author: str) -> None:
    """Give somebody a role, or another set of sites in it."""
    values = {"sites": " ".join(sorted(grant.sites)), "author": author, "at": tx.now}
    mine = (staff.c.user == user) & (staff.c.role == grant.role.value)
    if tx.sql.execute(update(staff).where(mine).values(**values)).rowcount == 0:
        tx.sql.execute(insert(staff).values(user=user, role=grant.role.value, **values))


def remove(tx: Transaction, user: str, role: Role | None = None) -> int:
    """Take one role of somebody away, or all; return how many there were."""
    query = delete(staff).where(staff.c.user == user)
    if role is not None:
        query = query.where(staff.c.role == role.value)
    return tx.sql.execute(query).rowcount


def forget(tx: Transaction, user: str) -> None:
    """Take all that a leaving person had here: roles, sessions, second factor.

    A namesake who is entered later must inherit none of it.
    """
    for table in (staff, web_session, second_factor, recovery_code, openid_subject):
        tx.sql.execute(delete(table).where(table.c.user == user))


def rename(tx: Transaction, user: str, new: str) -> None:
    """Let roles and sessions go on under another name; nobody may have had it.

    The authenticator's secret is sealed for the old name: a new one is set up.
    """
    forget(tx, new)
    for table in (second_factor, recovery_code):
        tx.sql.execute(delete(table).where(table.c.user == user))
    for table in (staff, web_session, openid_subject):
        tx.sql.execute(update(table).where(table.c.user == user).values(user=new))


def _member(row: Row[Any]) -> Member:
    return Member(row.user, Grant(Role(row.role), frozenset(row.sites.split())), row.author, row.at)

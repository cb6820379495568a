"""People's authenticators and recovery codes; what a code is worth is `central.second_factor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

from central.store.tables import recovery_code, second_factor

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from central.store.books import Transaction


@dataclass(frozen=True, slots=True)
class Factor:
    """Somebody's authenticator."""

    sealed: str
    """Its secret, for `central.sealing`."""
    confirmed: bool
    """A code of it was shown: it is set up."""
    step: int | None
    """The newest step of which a code was taken."""
    made_at: datetime


def find(tx: Transaction, user: str) -> Factor | None:
    """Return somebody's authenticator, also one that was never confirmed."""
    row = tx.sql.execute(select(second_factor).where(second_factor.c.user == user)).one_or_none()
    return None if row is None else Factor(row.sealed, row.confirmed, row.step, row.made_at)


def begin(tx: Transaction, user: str, sealed: str) -> None:
    """Keep the secret of an authenticator that is to be confirmed, in place of one before."""
    tx.sql.execute(delete(second_factor).where(second_factor.c.user == user))
    values = {"user": user, "sealed": sealed, "confirmed": False, "step": None, "made_at": tx.now}
    tx.sql.execute(insert(second_factor).values(**values))


def taken(tx: Transaction, user: str, step: int) -> bool:
    """Note that a code was taken; return False when one of that step was, meanwhile."""
    unused = second_factor.c.step.is_(None) | (second_factor.c.step < step)
    mine = (second_factor.c.user == user) & unused
    values = {"step": step, "confirmed": True}
    return tx.sql.execute(update(second_factor).where(mine).values(**values)).rowcount == 1


def forget(tx: Transaction, user: str) -> bool:
    """Take somebody's authenticator and recovery codes away; return False when there were none."""
    tx.sql.execute(delete(recovery_code).where(recovery_code.c.user == user))
    return tx.sql.execute(delete(second_factor).where(second_factor.c.user == user)).rowcount == 1


def put_recovery(tx: Transaction, user: str, digests: Iterable[str]) -> None:
    """Keep new recovery codes in place of those before."""
    tx.sql.execute(delete(recovery_code).where(recovery_code.c.user == user))
    for digest in digests:
        tx.sql.execute(insert(recovery_code).values(user=user, digest=digest))


def use_recovery(tx: Transaction, user: str, digest: str) -> bool:
    """Use a recovery code up; return False when there is none such, or no more."""
    mine = (
        (recovery_code.c.user == user)
        & (recovery_code.c.digest == digest)
        & recovery_code.c.used_at.is_(None)
    )
    return tx.sql.execute(update(recovery_code).where(mine).values(used_at=tx.now)).rowcount == 1


def recovery_left(tx: Transaction, user: str) -> int:
    """Return how many recovery codes are left."""
    query = select(func.count()).where(
        recovery_code.c.user == user, recovery_code.c.used_at.is_(None)
    )
    return tx.sql.execute(query).scalar_one()

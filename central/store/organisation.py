"""Whose centre this is, and the code that lets somebody set it up in a browser."""

from __future__ import annotations

import hmac
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from sqlalchemy import delete, insert, select, update

from central.store.tables import organisation, setup_code

if TYPE_CHECKING:
    from central.store.books import Transaction

#: A code is dead after so many wrong ones, and after so long.
TRIES: Final = 10
LASTS: Final = timedelta(hours=24)

Look: TypeAlias = Literal["right", "wrong", "dead"]


def name(tx: Transaction) -> str:
    """Return the organisation's name; empty while nobody gave it one."""
    return tx.sql.execute(select(organisation.c.name)).scalar_one_or_none() or ""


def set_name(tx: Transaction, given: str) -> None:
    """Give the organisation a name."""
    if tx.sql.execute(update(organisation).values(name=given)).rowcount == 0:
        tx.sql.execute(insert(organisation).values(id=1, name=given, made_at=tx.now))


def put_code(tx: Transaction, code: str) -> None:
    """Keep a new setup code, in place of one before."""
    tx.sql.execute(delete(setup_code))
    tx.sql.execute(insert(setup_code).values(id=1, digest=_digest(code), tries=0, made_at=tx.now))


def try_code(tx: Transaction, code: str) -> Look:
    """Say what a setup code is worth; a wrong one counts."""
    row = tx.sql.execute(select(setup_code)).one_or_none()
    if row is None or row.tries >= TRIES or tx.now - row.made_at >= LASTS:
        return "dead"
    if hmac.compare_digest(row.digest, _digest(code)):
        return "right"
    tx.sql.execute(update(setup_code).values(tries=setup_code.c.tries + 1))
    return "wrong"


def spend_code(tx: Transaction) -> None:
    """Have the code be good no more."""
    tx.sql.execute(delete(setup_code))


def _digest(code: str) -> str:
    plain = "".join(each for each in code.lower() if each.isalnum())
    return sha256(b"printmesh setup\0" + plain.encode()).hexdigest()

"""Tries to sign in, kept over restarts; what they allow is `central.signing_in`.

They are found by keyed marks, so that the books hold no list of what people typed as their name:
passwords get there by mistake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from central.signing_in import FORGET_AFTER, Go, Tries, Wait, permission
from central.store.tables import sign_in_try

if TYPE_CHECKING:
    from collections.abc import Mapping

    from central.signing_in import Whose
    from central.store.books import Transaction


def begin(tx: Transaction, marks: Mapping[Whose, str]) -> Wait | None:
    """Count one try for all that it is counted for, or say how long to wait; then nothing counts.

    Args:
        tx: a writing transaction, which ends before the try is checked.
        marks: what it is counted for → keyed mark of whose.
    """
    kept: dict[str, Tries] = {}
    waits: list[Wait] = []
    for whose, mark in marks.items():
        match permission(whose, find(tx, mark), tx.now):
            case Go(then):
                kept[mark] = then
            case Wait() as wait:
                waits.append(wait)
    if waits:
        return max(waits, key=lambda each: each.rest)
    for mark, tries in kept.items():
        _put(tx, mark, tries)
    return None


def right(tx: Transaction, marks: Mapping[Whose, str]) -> None:
    """Note that the try was right: what was counted for the name is forgotten; once from others."""
    for whose, mark in marks.items():
        before = find(tx, mark)
        if before is None:
            continue
        if whose == "address" and before.failures > 1:
            # others there may be guessing
            _put(tx, mark, Tries(before.failures - 1, before.last_at))
        else:
            tx.sql.execute(delete(sign_in_try).where(sign_in_try.c.mark == mark))


def find(tx: Transaction, mark: str) -> Tries | None:
    """Return what is kept under a mark."""
    row = tx.sql.execute(select(sign_in_try).where(sign_in_try.c.mark == mark)).one_or_none()
    return None if row is None else Tries(row.failures, row.last_at)


def tidy(tx: Transaction) -> int:
    """Forget what counts nowhere any more; return how many."""
    old = sign_in_try.c.last_at < tx.now - FORGET_AFTER
    return tx.sql.execute(delete(sign_in_try).where(old)).rowcount


def _put(tx: Transaction, mark: str, tries: Tries) -> None:
    values = {"failures": tries.failures, "last_at": tries.last_at}
    mine = sign_in_try.c.mark == mark
    if tx.sql.execute(update(sign_in_try).where(mine).values(**values)).rowcount == 0:
        tx.sql.execute(insert(sign_in_try).values(mark=mark, **values))

"""Doing something wholly or not at all, inside a transaction that goes on either way."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from central.store.ledger import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from central.store.books import Transaction

T = TypeVar("T")


def all_or_nothing(tx: Transaction, act: Callable[[], T | Refused]) -> T | Refused:
    """Do something of several steps; a refusal at any of them undoes those before."""
    with tx.sql.begin_nested() as savepoint:
        done = act()
        if isinstance(done, Refused):
            savepoint.rollback()
    return done


def only_tried(tx: Transaction, act: Callable[[], T]) -> T:
    """Do something, undo it, and return what it came to."""
    with tx.sql.begin_nested() as savepoint:
        done = act()
        savepoint.rollback()
    return done

"""People, groups and schedules for tests of accounts."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING

from broker.directory import UserRow
from central.schedules import Plan
from central.store import accounts, closing, directory, schedules
from central.store.allowances import Allowance
from central.store.verify import Counts, verify
from tests.integration.books_lab import euros

if TYPE_CHECKING:
    from datetime import datetime

    from central.store.books import Books
    from central.store.schedules import Schedule, Stepped

AUTHOR = "test"
NIGHTLY = Plan("daily", "Europe/Paris", time(0, 0))


def enter(books: Books, *names: str, group: str = "students", unit: str = "EUR") -> None:
    """Enter people of a group, each with an account of their own."""
    with books.write() as tx:
        for name in names:
            key = f"user:{name}"
            assert accounts.put(tx, key, unit, floor=0, enabled=True) is None
            row = UserRow(name=name, groups=(group,), accounts=(key,))
            directory.put(tx, "user", name, row)


def person(books: Books, name: str) -> UserRow:
    """Return what sites know of a person."""
    with books.read() as tx:
        return UserRow.model_validate(directory.get(tx, "user", name))


def schedule(
    books: Books,
    allowance: Allowance | None = None,
    plan: Plan = NIGHTLY,
    *,
    now: datetime,
    name: str = "pocket",
) -> Schedule:
    """Enter a periodic grant."""
    wanted = allowance or Allowance("group:students", "grant", "EUR", euros("5.00"), "set")
    with books.write(now) as tx:
        added = schedules.add(tx, name, wanted, plan, author=AUTHOR)
    assert isinstance(added, schedules.Schedule)
    return added


def run_due(books: Books, now: datetime) -> list[Stepped]:
    """Carry out all that is due, slice by slice, as the coordinator does."""
    done: list[Stepped] = []
    while True:
        with books.write(now) as tx:
            one = schedules.step(tx)
        if one is None:
            return done
        done.append(one)


def sweep(books: Books, linked: frozenset[str], now: datetime | None = None) -> None:
    """Do all that closed accounts need at present."""
    more = True
    while more:
        with books.write(now) as tx:
            more = closing.sweep(tx, linked).more


def balance(books: Books, key: str) -> dict[str, int]:
    """Return where an account's money is."""
    with books.read() as tx:
        return {each.place: each.micros for each in accounts.balances(tx, key) if each.micros}


def assert_sound(books: Books) -> None:
    """Check that everything sums to zero and a full verification finds nothing."""
    with books.read() as tx:
        assert sum(each.micros for each in accounts.balances(tx)) == 0
        assert list(verify(tx, Counts(), lambda _done, _all: None)) == []

"""A whole table at once, without ids (edge.store.table)."""

from __future__ import annotations

from tinydb import where

from edge.store.database import EdgeDatabase
from edge.store.journal import Journal
from edge.store.memory_disk import MemoryDisk


def test_contents_are_what_iterating_gives() -> None:
    """Every document once, also while a transaction has changed, added and removed some."""
    database = EdgeDatabase(Journal(MemoryDisk()))
    accounts = database.table("accounts")
    assert list(accounts.contents()) == []
    accounts.insert_multiple({"n": number} for number in range(4))
    assert list(accounts.contents()) == [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}]
    with database.transaction():
        accounts.remove(where("n") == 1)
        accounts.update({"n": 20}, where("n") == 2)
        accounts.insert({"n": 4})
        assert [dict(each) for each in accounts.contents()] == [dict(each) for each in accounts]
    assert sorted(each["n"] for each in accounts.contents()) == [0, 3, 4, 20]

"""Promises of the statements of the busiest path: SQLite compiles each of them once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from broker.messages import AccountAmount
from central.store import funds
from central.store.ledger import at_place
from central.store.tables import visit
from tests.integration.books_lab import MemoryEdge, open_account, open_books

if TYPE_CHECKING:
    from collections.abc import Iterator

    from central.store.books import Books, Transaction

LINKED = frozenset({"north"})


@pytest.fixture
def books() -> Iterator[Books]:
    """Open books with Ana's money in them."""
    opened = open_books()
    open_account(opened, top_up="5.00")
    yield opened
    opened.close()


@pytest.fixture
def north(books: Books) -> MemoryEdge:
    """Return an edge that has joined and holds the money."""
    edge = MemoryEdge(books)
    edge.join()
    with books.write() as tx:
        funds.park_free(tx, LINKED)
    edge.listen()
    return edge


def compiled(tx: Transaction) -> Counter[str]:
    """Count from now on what SQLite reads of each table while it compiles."""
    seen: Counter[str] = Counter()

    def note(_action: int, what: str | None, *_more: object) -> int:
        seen[str(what)] += 1
        return 0

    raw = tx.sql.connection.dbapi_connection
    assert raw is not None
    raw.set_authorizer(note)
    return seen


@pytest.mark.sqlite_only("about how SQLite compiles")
def test_a_query_by_place_is_compiled_once(books: Books) -> None:
    """Another place, on a table with a partial index by place, is no reason to compile anew."""
    with books.write() as tx:
        seen = compiled(tx)
        at_place(tx, "north", ["user:ana"])
        assert seen["location"] > 0
        seen.clear()
        at_place(tx, "south", ["user:ben"])
        assert not seen


@pytest.mark.sqlite_only("about how SQLite compiles")
def test_a_run_of_charges_compiles_nothing(books: Books, north: MemoryEdge) -> None:
    """The second run of charges finds every statement on the ledger's places compiled."""
    runs = [north.say(*(north.charge(1000) for _ in range(4))) for _ in range(3)]
    north.send(runs[0])
    with books.write() as tx:
        seen = compiled(tx)
        north.send_in(tx, runs[1], LINKED, "ledger")
        seen.clear()
        north.send_in(tx, runs[2], LINKED, "ledger")
        assert seen["location"] == 0
        assert seen["visit"] == 0


def test_who_has_no_money_here_is_seen_here_all_the_same(books: Books, north: MemoryEdge) -> None:
    """Two charges of nothing, one after the other, are two visits of an account never granted."""
    free = (AccountAmount(account="user:ben", unit="EUR", micros=0),)
    for _ in range(2):
        assert north.send(north.say(north.charge(0, postings=free))).quarantined == ()
    with books.read() as tx:
        rows = tx.sql.execute(visit.select().where(visit.c.account == "user:ben")).all()
    assert [round(row.value, 3) for row in rows] == [2.0]

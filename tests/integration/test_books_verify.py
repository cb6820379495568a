"""Promises of verification: damage of each kind is found and named; sound books are left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from broker.messages import FundsRequest
from central.store import accounts, funds, nodes
from central.store.verify import Counts, verify
from tests.integration.books_lab import MORNING, MemoryEdge, euros, open_account, open_books
from tests.integration.dialects import unchecked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from central.store.books import Books

BOTH = frozenset({"north", "south"})


@pytest.fixture
def books() -> Iterator[Books]:
    """Open books in which everything has happened once."""
    opened = open_books()
    open_account(opened, top_up="6.00")
    north, south = MemoryEdge(opened), MemoryEdge(opened, node="south")
    north.join()
    south.join()
    with opened.write() as tx:
        funds.park_free(tx, BOTH)
    asked = FundsRequest(
        corr=north.mint(),
        expires_at=MORNING.replace(year=2027),
        account="user:ana",
        unit="EUR",
        micros=euros("1.00"),
    )
    with opened.write() as tx:
        funds.ask(tx, "north", asked, BOTH)
    south.listen()
    south.send(south.say(*(south.give_back(each) for each in south.reclaims)), BOTH)
    north.listen()
    north.send(north.say(north.charge(euros("0.50")), north.charge(euros("90.00"))), BOTH)
    yield opened
    opened.close()


def checks(books: Books) -> set[str]:
    """Return the names of the checks that found something."""
    with books.read() as tx:
        return {finding.check for finding in verify(tx, Counts(), lambda _done, _all: None)}


def test_sound_books_have_no_findings(books: Books) -> None:
    """All of it agrees, the quarantined event included, and everything was looked at."""
    counts = Counts()
    seen: list[tuple[int, int]] = []
    with books.read() as tx:
        found = list(verify(tx, counts, lambda done, all_: seen.append((done, all_))))
    assert found == []
    assert (counts.streams, counts.quarantined) == (6, 1)
    assert seen[-1] == (counts.events, counts.events)


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        # a cached balance that is not the sum of its postings
        ("UPDATE location SET micros = micros + 1 WHERE place = ''", "balance"),
        # a posting that was changed
        ("UPDATE posting SET micros = micros + 1 WHERE entry = 1 AND micros > 0", "zero-sum"),
        # an entry whose postings are gone
        ("DELETE FROM posting WHERE entry = 1", "zero-sum"),
        # one character of an event from an edge
        ("UPDATE event SET data = replace(data, 'north-1', 'north-2')", "chain"),
        # a hash in the middle of a chain
        ("UPDATE event SET hash = replace(hash, 'a', 'b') WHERE seq = 2", "chain"),
        # an event that is missing
        ("DELETE FROM event WHERE seq = 1", "chain"),
        # the newest event of a stream is missing
        (
            "DELETE FROM event WHERE (stream, seq) IN (SELECT id, seq FROM stream)",
            "watermark",
        ),
        # a watermark beyond what was applied
        ("UPDATE stream SET seq = seq + 1 WHERE direction = 'up'", "watermark"),
        # a node said to have confirmed what it was never sent
        ("UPDATE stream SET acked_seq = 99 WHERE direction = 'down'", "watermark"),
        # a charge without its entry's number
        ("UPDATE charge SET entry = 1", "charge"),
        # a charge whose figures were changed
        ("UPDATE charge SET content = 'x'", "charge"),
        # a charge that is gone though its event counts
        ("DELETE FROM charge", "charge"),
        # a quarantined event made to count by hand
        ("UPDATE event SET state = 'applied' WHERE state = 'quarantined'", "charge"),
        # a grant that no event tells of
        ("UPDATE entry SET id = 'x' || n WHERE kind = 'grant'", "grant"),
        # a return booked under another reclaim
        ("UPDATE entry SET reference = 'x' WHERE kind = 'return'", "return"),
    ],
)
def test_planted_damage_is_found(books: Books, damage: str, check: str) -> None:
    """Whatever is changed behind the program's back, some check names it."""
    with books.write() as tx:
        unchecked(tx)
        assert tx.sql.execute(text(damage)).rowcount > 0
    assert check in checks(books)


def test_money_below_zero_at_an_edge_cannot_be_written(books: Books) -> None:
    """The database itself refuses what must never be."""
    with pytest.raises(IntegrityError, match=r"(?i)check constraint"), books.write() as tx:
        tx.sql.execute(text("UPDATE location SET micros = -1 WHERE place = 'north'"))


def test_a_lost_journal_is_written_off_at_the_houses_cost(books: Books) -> None:
    """People are made whole, nothing stays at the lost edge, and the books are sound."""
    with books.read() as tx:
        before = sum(b.micros for b in accounts.balances(tx, "user:ana"))
        lost = dict.fromkeys(["user:ana"], nodes.money_at(tx, "north")[0][2])
    with books.write() as tx:
        assert funds.write_off(tx, "north", "test") == 1
    with books.read() as tx:
        assert nodes.money_at(tx, "north") == []
        assert sum(b.micros for b in accounts.balances(tx, "user:ana")) == before
        (loss,) = accounts.balances(tx, "loss:writeoff")
        (held,) = accounts.balances(tx, "suspense:north")
    assert (loss.micros, held.micros) == (-lost["user:ana"], lost["user:ana"])
    assert checks(books) == set()


def steps_of_verify(charged: int) -> int:
    """Return how many steps of its machine SQLite takes to verify so many charges."""
    opened = open_books()
    open_account(opened, top_up="6.00")
    north = MemoryEdge(opened)
    north.join()
    with opened.write() as tx:
        funds.park_free(tx, frozenset({"north"}))
    north.listen()
    north.send(north.say(*(north.charge(1000) for _ in range(charged))))
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    with opened.read() as tx:
        raw = tx.sql.connection.dbapi_connection
        assert raw is not None
        raw.set_progress_handler(count, 10)
        found = list(verify(tx, Counts(), lambda _done, _all: None))
        raw.set_progress_handler(None, 10)
    opened.close()
    assert not found
    return taken


@pytest.mark.sqlite_only("counts the steps of SQLite's own machine")
def test_ten_times_the_charges_take_about_ten_times_as_long() -> None:
    """No check looks for each charge among all of them: 100,000 of them would take hours."""
    few, many = steps_of_verify(200), steps_of_verify(2000)
    assert many < 13 * few

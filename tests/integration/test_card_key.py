"""The promise that putting cards under a key leaves nobody without a card, at no moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broker.directory import CardRow, UserRow, card_digest
from central import slices
from central.store import cards, directory
from edge.store.memory_disk import MemoryDisk
from edge.store.replica import Moved, Replica
from tests.integration.books_lab import MORNING, Dice, open_books
from tests.unit.edge_lab import open_replica

if TYPE_CHECKING:
    from collections.abc import Iterator

    from broker.messages import DirectoryRows
    from central.store.books import Books

#: Enough for several messages.
MANY = 900
LOST, GONE, GOOD = "3", "4", "5"


@pytest.fixture
def books() -> Iterator[Books]:
    """Make books whose cards are named by the plain digest."""
    made = open_books()
    with made.write() as tx:
        directory.put(tx, "user", "ana", UserRow(name="ana"))
        rows = {card_digest(str(number)): CardRow(user="ana") for number in range(MANY)}
        directory.put_all(tx, "card", rows)
    yield made
    made.close()


def messages(books: Books, since: int) -> list[DirectoryRows]:
    """Return what a site that is there at a version is sent."""
    with books.read() as tx:
        found = directory.changes(tx, since)
    return list(slices.delta(found.rows, epoch=1, since=since, upto=found.upto, digest=None))


def at_head(books: Books) -> Replica:
    """Return a site's copy of all there is."""
    replica = open_replica(MemoryDisk())
    with books.read() as tx:
        found, (_, digest) = directory.snapshot(tx), directory.digest(tx)
        name = tx.mint()
    for part in slices.snapshot(found.rows, epoch=1, upto=found.upto, name=name, digest=digest):
        replica.apply(part)
    return replica


def unknown(replica: Replica) -> list[int]:
    """Return the numbers of cards that identify nobody."""
    return [n for n in range(MANY) if replica.user_of_card(str(n), MORNING) is None]


def test_every_card_is_known_all_the_time(books: Books) -> None:
    """After each message, and after the line was cut behind any of them, all cards are good."""
    replica = at_head(books)
    assert unknown(replica) == []
    with books.write() as tx:
        assert cards.rekey(tx, Dice(), author="test") == MANY
    cursor = replica.cursor
    assert cursor is not None
    steps = 0
    while todo := messages(books, cursor.n):
        # the line is cut behind the first change: the rest is asked for anew
        for each in todo:
            moved = replica.apply(each)
            steps += 1
            assert unknown(replica) == []
            if isinstance(moved, Moved):
                cursor = moved.cursor
                break
    assert steps > 4
    with books.read() as tx:
        assert (cursor.n, cursor.digest) == directory.digest(tx)


def test_lost_cards_are_revoked_under_both_names(books: Books) -> None:
    """The very first message takes them away, though the site knows no key yet."""
    replica = at_head(books)
    cursor = replica.cursor
    assert cursor is not None
    with books.write() as tx:
        cards.rekey(tx, Dice(), author="test")
    with books.write() as tx:
        for number in (LOST, GONE):
            found = cards.by_number(tx, number)
            assert found is not None
            if number == LOST:
                cards.block(tx, found, reason="lost", author="test")
            else:
                cards.remove(tx, found, author="test")
    first, *rest = messages(books, cursor.n)
    assert first.kind == "revocations"
    for each in (first, *rest):
        replica.apply(each)
        assert replica.user_of_card(LOST, MORNING) is None
        assert replica.user_of_card(GONE, MORNING) is None
        assert replica.user_of_card(GOOD, MORNING) is not None
    assert unknown(replica) == [int(LOST), int(GONE)]

"""A status as people read it: what is owed of how much, how long alone, what is being changed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from broker.messages import SetTerms, UncoveredCap
from edge.checkup import books_status
from edge.standing import spoken
from edge.status_lines import status_lines
from edge.store.memory_disk import MemoryDisk
from tests.unit.edge_lab import NOW, amount, centre_says, open_books

CAPS = (
    UncoveredCap(unit="EUR", site=20_000_000, user=5_000_000),
    UncoveredCap(unit="page"),
)
_PAST = "charged past what is here and not collected"


def test_a_status_tells_debts_time_and_the_change_to_come() -> None:
    """Each figure stands with its limit; what is wished for is told until it is taken."""
    books = open_books(MemoryDisk())
    assert list(status_lines(books_status(books, timedelta(0)))) == []
    centre_says(books, SetTerms(terms=1, role="tracker", uncovered=CAPS, offline_seconds=86_400))
    books.approach_terms(NOW, 10)
    with books._db.transaction():
        books.till.collected(amount(-1_500_000))
    centre_says(books, SetTerms(terms=2, role="agent"))
    told = books_status(books, timedelta(hours=3))
    assert (told["role"], told["terms"]["number"], told["owed"]) == (
        "tracker",
        1,
        {"EUR": 1_500_000},
    )
    assert list(status_lines(told)) == [
        f"1.50 EUR {_PAST}, of at most 20.00 EUR, 5.00 EUR an account",
        f"0 pages {_PAST}, without limit",
        "may work alone for 1 d; the centre was heard 3 h ago",
        "is being changed to the terms 2 as agent: running jobs end",
    ]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (59, "59 s"), (3600, "1 h"), (3725, "1 h 2 min"), (90_061, "1 d 1 h")],
)
def test_a_duration_is_said_in_its_two_largest_units(seconds: int, expected: str) -> None:
    """People read days and hours, not a million seconds."""
    assert spoken(timedelta(seconds=seconds)) == expected

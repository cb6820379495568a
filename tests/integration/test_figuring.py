"""Promises of rolling up in the coordinator: behind what waits, never in its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from central.figuring import Figuring
from central.fleet import Fleet
from central.store import facts
from central.store.books import Books
from tests.integration.books_lab import Clock, Dice
from tests.integration.dialects import books_url
from tests.integration.figures_lab import FiguresLab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[FiguresLab]:
    """Return books with a few charges that are in no figure yet."""
    clock = Clock()
    # in a file: books in memory never tell that they changed
    books = Books.open(books_url(tmp_path / "books.db"), clock=clock, dice=Dice())
    made = FiguresLab(clock=clock, opened=books)
    made.roll()
    for _ in range(3):
        made.print_([("user:ana", "EUR", 10_000)])
    yield made
    made.books.close()


def behind(lab: FiguresLab) -> int:
    """Return how many entries are in no figure."""
    with lab.books.read() as tx:
        return facts.mark(tx).behind


def test_at_rest_all_is_rolled_up(lab: FiguresLab) -> None:
    """A few looks, and there is nothing to do any more."""
    figuring = Figuring(Fleet(lab.books))
    now = 0.0
    figuring.look(now)
    while figuring.restless:
        now += 0.01
        figuring.look(now)
    for _ in range(3):
        now += 100.0
        figuring.look(now)
    assert behind(lab) == 0
    assert not figuring.restless


def test_beside_mail_it_takes_its_share_and_waits(lab: FiguresLab) -> None:
    """After a slice the next one comes when many times as long has gone by; mail goes on."""
    fleet = Fleet(lab.books)
    figuring = Figuring(fleet)
    fleet.tally.rounds += 1
    figuring.look(0.0)
    assert behind(lab) == 0
    lab.print_([("user:ana", "EUR", 10_000)])
    fleet.tally.rounds += 1
    figuring.look(0.000_01)
    assert behind(lab) == 1
    assert not figuring.restless
    fleet.tally.rounds += 1
    figuring.look(1000.0)
    assert behind(lab) == 0


def test_what_fails_holds_up_nothing_else(lab: FiguresLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look goes on; a minute later it is tried again."""
    figuring = Figuring(Fleet(lab.books))
    with monkeypatch.context() as broken:
        broken.setattr(facts, "step", _breaks)
        figuring.look(0.0)
    assert not figuring.restless
    figuring.look(1.0)
    assert behind(lab) > 0
    figuring.look(100.0)
    assert behind(lab) == 0


def _breaks(*_: object) -> None:
    raise ZeroDivisionError

"""When nodes were linked and cut off: written at each change, bounded, shown for a month."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from central import link_times
from central.store import link_history, nodes
from central.store.tables import link_change
from tests.integration.books_lab import MORNING, MemoryEdge, open_books
from tests.integration.fleet_lab import open_fleet
from tests.integration.pages_lab import signed_in

if TYPE_CHECKING:
    from pathlib import Path

    from central.store.books import Books

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def told(books: Books, at: float, *, linked: bool) -> None:
    """Write a change down, so many hours after the morning."""
    with books.write(MORNING + at * HOUR) as tx:
        link_history.note(tx, {"north": linked})


def joined() -> Books:
    """Return books that know north."""
    books = open_books()
    MemoryEdge(books).join()
    return books


def test_changes_are_kept_for_a_month_with_the_one_before() -> None:
    """Who asks from a moment on learns how it was then."""
    books = joined()
    for at, linked in ((0, True), (5, False), (7, True)):
        told(books, at, linked=linked)
    with books.read() as tx:
        found = link_history.of(tx, "north", MORNING + 6 * HOUR)
        assert [(each.at - MORNING, each.linked) for each in found] == [
            (5 * HOUR, False),
            (7 * HOUR, True),
        ]
        assert len(link_history.of(tx, "north", MORNING - DAY)) == 3
        assert link_history.of(tx, "south", MORNING) == ()
    told(books, 24 * 40, linked=False)
    with books.read() as tx:
        (left,) = link_history.of(tx, "north", MORNING)
        assert not left.linked


def test_a_line_that_comes_and_goes_fills_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of so many changes the newest stay."""
    monkeypatch.setattr(link_history, "MOST", 5)
    books = joined()
    for at in range(12):
        told(books, at, linked=bool(at % 2))
    with books.read() as tx:
        assert tx.sql.execute(select(func.count()).select_from(link_change)).scalar_one() == 5
        assert link_history.of(tx, "north", MORNING)[0].at == MORNING + 7 * HOUR


def test_the_centres_own_death_is_a_time_without_the_line() -> None:
    """Whoever was heard when it died was heard for the last time then; twice changes nothing."""
    books = joined()
    told(books, 0, linked=True)
    with books.write(MORNING + HOUR) as tx:
        nodes.seen(tx, {"north": True})
    for at in (3, 4):
        with books.write(MORNING + at * HOUR) as tx:
            link_history.lost(tx)
            nodes.nobody_linked(tx)
    told(books, 5, linked=True)
    with books.read() as tx:
        changes = link_history.of(tx, "north", MORNING)
    found = link_times.gaps(changes, MORNING, MORNING + DAY)
    assert found == (link_times.Gap(MORNING + HOUR, MORNING + 5 * HOUR),)


@pytest.mark.sqlite_only("the page asks what is tried above on both")
async def test_a_nodes_page_shows_its_month(tmp_path: Path) -> None:
    """How often and how long, a bar for each day, and the times in words."""
    fleet = open_fleet(tmp_path)
    lab = fleet.lab
    async with signed_in(lab, "ada") as ada:
        await ada.get("/nodes/north")
        assert "The line in the last 30 days" not in ada.page
        for back, linked in ((60, True), (50, False), (44, True), (3, False), (2, True)):
            with lab.books.write(lab.centre.clock() - back * HOUR) as tx:
                link_history.note(tx, {"north": linked})
        await ada.get("/nodes/north")
        said = ada.text()
        assert "The line in the last 30 days" in said
        assert "It was cut off 2 times since" in said
        assert "for 7 hours in all; the longest was 6 hours." in said
        assert "cut off for 6 hours" in said
        await ada.get("/nodes/north", headers={"accept-language": "de"})
        assert "7 Stunden" in ada.text()

"""Terminals of sites: what an edge tells of them is kept and shown, live and on the overview."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from broker.messages import SiteTerminals, TerminalHere
from central.store import site_terminals
from tests.integration.books_lab import MORNING, MemoryEdge, open_books
from tests.integration.fleet_lab import open_fleet
from tests.integration.pages_lab import signed_in

if TYPE_CHECKING:
    from pathlib import Path


def told(**online: bool) -> SiteTerminals:
    """Return what an edge tells."""
    since = MORNING - timedelta(hours=1)
    return SiteTerminals(
        terminals=tuple(
            TerminalHere(terminal=name, online=is_on, since=since) for name, is_on in online.items()
        ),
        updated_at=MORNING,
    )


def test_the_newest_word_of_a_site_is_kept() -> None:
    """A site has one line; a node that nobody entered has none."""
    books = open_books()
    MemoryEdge(books).join()
    for state in (told(hall=True), told(hall=True, desk=False)):
        with books.write() as tx:
            site_terminals.put(tx, "north", state)
            site_terminals.put(tx, "nobody", state)
    with books.read() as tx:
        assert site_terminals.at(tx, "north") == told(hall=True, desk=False)
        assert site_terminals.at(tx, "south") is None
        assert site_terminals.counts(tx) == {"north": (2, 1)}


@pytest.mark.sqlite_only("the pages ask what is tried above on both")
async def test_pages_show_which_terminals_are_off_line(tmp_path: Path) -> None:
    """The site's page names each, those that are off first; the overview counts them."""
    fleet = open_fleet(tmp_path)
    async with signed_in(fleet.lab, "ada") as ada:
        fleet.heard()
        await ada.get("/sites/north")
        assert "Its edge does not tell of terminals" in ada.text()
        with fleet.lab.books.write() as tx:
            site_terminals.put(tx, "north", told(hall=True, desk=False))
        await ada.get("/sites/north")
        assert "2 terminals, 1 of them off line." in ada.text()
        assert ada.text().index("desk off line") < ada.text().index("hall on line")
        await ada.get("/")
        assert "1 of 2 terminals off line" in ada.text()

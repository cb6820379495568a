"""`/parts`: every part that pages are made of, to look at; served where the settings ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from central.rights import Right
from central.web.pages.lists import Cell, FilterView, HeadView, ListView, RowView
from central.web.pages.table import Page
from central.web.pages.views import (
    Chip,
    Choice,
    Consequence,
    Empty,
    Figure,
    Ledger,
    LedgerLine,
    SiteChip,
    Step,
)

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.responses import Response

    from central.web.pages.visit import Visit

_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Parts:
    """One of each."""

    sites: tuple[SiteChip, ...]
    figures: tuple[Figure, ...]
    steps: tuple[Step, ...]
    ledger: Ledger
    consequence: Consequence
    empty: Empty
    list: ListView
    choices: tuple[Choice, ...]


async def show(visit: Visit) -> Response:
    """Show one of each."""
    return visit.page("parts-page.html", _parts(visit.now))


def _parts(now: datetime) -> Parts:
    return Parts(
        (
            SiteChip("north", "North", "linked", None),
            SiteChip("south", "South", "alone", now - 12 * _MINUTE, 214, "0.00 EUR"),
            SiteChip("east", "East", "out", now - 3 * _MINUTE),
            SiteChip("west", "West", "new", None),
        ),
        (
            Figure("Pages", "312", "8 % fewer than last Monday"),
            Figure("In colour", "18 %", "57 pages", spark=_SPARK),
            Figure("Paid", "€48.20", "for 104 jobs"),
        ),
        (
            Step(now - 9 * _MINUTE, "Received", "from Ana's laptop"),
            Step(now - 8 * _MINUTE, "Counted", "6 pages, 2 in colour", "good"),
            Step(now - 5 * _MINUTE, "Held", "in the pull queue", "waiting"),
            Step(now - _MINUTE, "Stopped", "paper jam in tray 2", "trouble"),
        ),
        Ledger(
            "Charge",
            now,
            "edge-north",
            "6 pages",
            (
                LedgerLine("user:ana", "North", "-€0.18", negative=True),
                LedgerLine("income:print", "", "€0.18", negative=False),
            ),
            "€0.00",
        ),
        Consequence(
            "Write off what sits at South?",
            ("12.40 € of 31 people is given back to them at your cost.", "3 events would be lost."),
            "Write it off",
            "/parts",
            "A new entry takes it back, should South return.",
            "south",
        ),
        Empty("card", "Cards will stand here", "Give people cards.", "/parts", "Add a card"),
        ListView(
            (
                HeadView("Printer", False, False, "?sort=-printer", "ascending"),  # noqa: FBT003
                HeadView("State", False, False, "?sort=state", ""),  # noqa: FBT003
                HeadView("Pages", True, False, "", ""),  # noqa: FBT003
            ),
            (
                RowView((Cell("Library 1"), Cell(chip=Chip("good", "ready")), Cell("1,204")), "#a"),
                RowView(
                    (
                        Cell("Library 2", note="library-2"),
                        Cell(chip=Chip("trouble", "needs a hand"), note="Paper jam"),
                        Cell("86"),
                    ),
                    "#b",
                ),
            ),
            (
                FilterView("q", "Search", "text", "lib", (), "name"),
                FilterView("s", "State", "choice", "", (Choice("a", "ready"),), ""),
                FilterView("d", "Day", "day", "", (), ""),
                FilterView("f", "Only flagged", "switch", "", (), ""),
            ),
            (),
            filtered=True,
            clear="/parts",
            first="/parts",
            next="/parts?after=x",
            total=2,
            sums=("", "", "1,290"),
            files=(("CSV", "/parts?as=csv"), ("XLSX", "/parts?as=xlsx")),
        ),
        (Choice("mono", "Black", chosen=True), Choice("color", "Colour")),
    )


_SPARK: Final = (
    '<svg viewBox="0 0 100 20" preserveAspectRatio="none" role="img" aria-label="rising">'
    '<path d="M0 18L20 12L40 15L60 8L80 9L100 3" fill="none" stroke="currentColor"/></svg>'
)

PAGES: Final = (Page("/parts", show, Right.PUBLIC),)

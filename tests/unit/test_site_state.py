"""How a site is, as its screens are told: open or not and why, its printers, the worst case."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import pytest

from broker.codec import PAYLOAD_LIMIT, encode
from broker.directory import PrinterRow
from broker.messages import Exposed, SetTerms, UncoveredCap
from config.settings import EdgeSettings
from edge.ports import PrinterSeen
from edge.site_state import SiteView
from edge.standing import SiteStanding
from edge.store.memory_disk import MemoryDisk
from edge.store.replica import rows_of
from tests.unit.edge_lab import NOW, centre_says, directory, open_books, open_replica

if TYPE_CHECKING:
    from broker.messages import SiteState
    from edge.uplink import Uplink


class Place:
    """A site to look at."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401  any setting
        self.books = open_books(MemoryDisk())
        self.replica = open_replica(MemoryDisk())
        self.replica.apply(directory())
        self.linked = True
        self.alone = timedelta(0)
        self.seen: dict[str, PrinterSeen] = {}
        self.stale: str | None = None
        standing = SiteStanding(
            self.books, reachable=lambda: self.linked, alone_for=lambda: self.alone
        )
        place = self

        class Line:
            """The line to the centre, as the test wants it."""

            since = NOW
            waiting = 3

            @property
            def linked(self) -> bool:
                return place.linked

        told = {
            "node": "north", "site": "North", "data": Path("unused"),
            "coordinator": {"incarnation": UUID(int=7)}, "link": {"secret": "s"}, **settings,
        }  # fmt: skip
        self.view = SiteView(
            EdgeSettings.model_validate(told),
            books=self.books,
            replica=self.replica,
            standing=standing,
            uplink=cast("Uplink", Line()),
            seen=lambda: self.seen,
            stale=lambda: self.stale,
        )

    def terms(self, role: Any, *caps: UncoveredCap, offline: int | None = None) -> SiteState:  # noqa: ANN401  a role
        """Take terms; return how the site is then."""
        centre_says(
            self.books,
            SetTerms(terms=1, role=role, uncovered=caps, offline_seconds=offline),
        )
        assert self.books.approach_terms(NOW, 10)
        return self.view.state()


def printer(number: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401  any setting
    """Return the settings of a printer."""
    return {
        "id": f"p{number}", "name": f"Printer {number}", "uri": "ipp://127.0.0.1/x",
        "queue": f"q{number}", **more,
    }  # fmt: skip


def test_open_with_and_without_the_line() -> None:
    """A remote site goes on alone, an agent is out of service and says so in words."""
    place = Place(printers=[printer(1, copies=True)])
    state = place.view.state()
    assert (state.linked, state.waiting, state.since) == (True, 3, NOW)
    assert (state.out_of_service, state.copies) == (None, True)
    place.linked = False
    assert place.view.state().out_of_service is None
    state = place.terms("agent")
    assert "line to the centre is down" in (state.out_of_service or "")
    assert not state.copies
    assert state.rights is not None
    assert (state.rights.holds, state.rights.alone) == (True, False)
    place.linked = True
    assert place.view.state().out_of_service is None


def test_alone_too_long() -> None:
    """Past the longest time without the centre nothing goes on."""
    place = Place()
    assert place.terms("remote", offline=60).out_of_service is None
    place.alone = timedelta(seconds=61)
    assert "heard nothing from the centre" in (place.view.state().out_of_service or "")


def test_where_nobody_is_known_any_more() -> None:
    """A directory that is too old puts the site out of service, copies as well."""
    place = Place(printers=[printer(1, copies=True)])
    place.stale = "nobody is known here"
    state = place.view.state()
    assert (state.out_of_service, state.copies) == ("nobody is known here", False)


def test_a_tracker_releases_nothing_for_people() -> None:
    """Where nothing waits for its owner, terminals say so."""
    state = Place().terms("tracker")
    assert "releases nothing" in (state.out_of_service or "")
    assert not state.copies


def test_copies_only_where_there_is_a_copier() -> None:
    """No printer with copies: none are charged here."""
    assert not Place(printers=[printer(1)]).view.state().copies


@pytest.mark.parametrize(
    ("role", "cap", "exposure"),
    [
        ("remote", None, ()),
        ("remote", UncoveredCap(unit="EUR", site=9), (Exposed(unit="EUR", owed=0, most=9),)),
        # without a cap the worst case has no number
        ("tracker", UncoveredCap(unit="page"), (Exposed(unit="page", owed=0, most=None),)),
        # an agent never charges past what is there
        ("agent", UncoveredCap(unit="EUR", site=9), ()),
    ],
)
def test_exposure(role: str, cap: UncoveredCap | None, exposure: tuple[Exposed, ...]) -> None:
    """The worst case is what the terms let the site owe, in each unit."""
    assert Place().terms(role, *([cap] if cap else [])).exposure == exposure


def test_printers_as_the_spooler_saw_them_by_the_centres_names() -> None:
    """In the order of their names; a printer that nobody saw is of no known state."""
    place = Place(printers=[printer(2, media=["iso_a4", "iso_a3"]), printer(1, color=False)])
    place.seen = {"q2": PrinterSeen("stopped", ("none", "media-jam-error"))}
    first, second = place.view.state().printers
    assert (first.printer, first.color, first.state, first.media) == ("p1", False, None, None)
    assert (second.state, second.reasons) == ("stopped", ("media-jam-error",))
    assert second.media == ("iso_a3", "iso_a4")
    row = PrinterRow(device="p2", node="north", name="Attic")
    message = directory(2)
    rows = (*message.rows, *rows_of([("printer", "p2", 2, row)]))
    place.replica.apply(message.model_copy(update={"rows": rows}))
    assert [each.name for each in place.view.state().printers] == ["Attic", "Printer 1"]


def test_any_number_of_printers_fits_one_message() -> None:
    """Hundreds of printers with endless reasons are told of as far as there is room."""
    place = Place(printers=[printer(number) for number in range(400)])
    place.seen = {f"q{number}": PrinterSeen("idle", ("ü" * 300,) * 50) for number in range(400)}
    state = place.view.state()
    assert len(encode(state, source="north", id_=UUID(int=1), now=NOW)) < PAYLOAD_LIMIT
    assert len(state.printers) > 20

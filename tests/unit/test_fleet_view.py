"""Promises of what a dashboard makes of what it hears."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from broker.dashboard.events import Linked, Lost, Removed, Told
from broker.dashboard.fleet_view import DEVICES_OF_A_NODE, LATELY, Fleet
from broker.dashboard.fleet_words import answer, happened_line, plain, printer_line, site_line
from broker.dashboard.watch import drawn
from broker.messages import (
    AccountAmount,
    CoordinatorStatus,
    DeviceState,
    DeviceTrouble,
    FeedAlert,
    FeedDevice,
    FeedJob,
    FeedNode,
    Note,
    PrinterHere,
    SiteState,
    Status,
    Supply,
)

if TYPE_CHECKING:
    from broker.messages import Message

NOW = datetime(2026, 3, 2, 12, 4, tzinfo=UTC)
ONE, TWO = UUID(int=1), UUID(int=2)


class Ear:
    """A fleet, and somebody who tells it things."""

    def __init__(self) -> None:
        self.fleet = Fleet()
        self.fleet.take(Linked(), NOW)
        self._n = 0

    def say(
        self,
        message: Message,
        *,
        node: str = "",
        device: str = "",
        kept: bool = False,
        at: datetime = NOW,
        id_: str | None = None,
    ) -> None:
        """Tell one message."""
        self._n += 1
        self.fleet.take(Told(message, node, device, id_ or str(self._n), at, kept, b""), at)

    def status(self, node: str, *, online: bool, session: UUID = ONE, **told: Any) -> None:  # noqa: ANN401
        """Tell a status."""
        self.say(Status(online=online, session=session), node=node, **told)

    def device(self, device: str = "p1", *, node: str = "north", **fields: Any) -> None:  # noqa: ANN401
        """Tell a device's state."""
        known = {"name": device, "state": "idle", "updated_at": NOW} | fields
        self.say(DeviceState(device=device, **known), node=node, device=device)

    def states(self) -> dict[str, str]:
        """Return how each site is."""
        return {each.node: each.state for each in self.fleet.sites()}


def trouble(**fields: Any) -> DeviceTrouble:  # noqa: ANN401
    """Return a trouble."""
    given = {"code": "jam", "severity": "critical", "detail": "Paper jam", "since": NOW}
    return DeviceTrouble(**(given | fields))


def test_a_site_is_linked_when_it_speaks_and_the_centre_listens() -> None:
    """Neither its own word nor the centre's alone makes a site linked."""
    ear = Ear()
    ear.status("north", online=True, kept=True)
    assert ear.states() == {"north": "linked"}
    ear.say(FeedNode(node="north", linked=False, since=NOW, waiting=214))
    assert ear.states() == {"north": "cut-off"}
    ear.status("north", online=True)  # repeated every half minute: the centre still hears nothing
    assert ear.states() == {"north": "cut-off"}
    ear.say(FeedNode(node="north", linked=True, since=NOW))
    assert ear.states() == {"north": "linked"}
    ear.status("north", online=False)
    assert ear.states() == {"north": "cut-off"}


def test_a_site_has_the_name_that_people_call_it() -> None:
    """Its own word for the place is shown; where an older program says none, its id."""
    ear = Ear()
    ear.say(Status(online=True, session=ONE, site="North campus"), node="north")
    ear.status("south", online=True)
    assert [each.name for each in ear.fleet.sites()] == ["North campus", "south"]


def test_a_late_will_cuts_nobody_off() -> None:
    """The will of a connection that was replaced already says nothing about the new one."""
    ear = Ear()
    ear.status("north", online=True, session=ONE)
    ear.status("north", online=True, session=TWO)
    ear.status("north", online=False, session=ONE)
    assert ear.states() == {"north": "linked"}


def test_since_when_is_told_only_where_it_is_known() -> None:
    """A status that the broker kept may be of any age: it names no time; a live one does."""
    ear = Ear()
    ear.status("north", online=False, kept=True)
    (north,) = ear.fleet.sites()
    assert site_line(north, NOW, UTC) == "not linked"
    ear.status("north", online=True, at=NOW + timedelta(minutes=2))
    (north,) = ear.fleet.sites()
    assert site_line(north, NOW, UTC) == "linked since 12:06"


def test_what_a_site_works_alone_with_is_said_in_figures() -> None:
    """At the site's own broker: since when, how many events wait, or why it is out of service."""
    ear = Ear()
    site = SiteState(
        node="north", site="North campus", role="remote", linked=False, since=NOW, waiting=1214
    )
    ear.say(site)
    ear.status("panel-1", online=True)
    north, panel = ear.fleet.sites()
    assert site_line(north, NOW, UTC) == "working alone since 12:04, 1,214 events waiting"
    assert (panel.node, panel.terminal) == ("panel-1", True)
    ear.say(site.model_copy(update={"out_of_service": "the line is down"}))
    told = site_line(ear.fleet.sites()[0], NOW, UTC)
    assert told.startswith("out of service since 12:04")
    assert told.endswith(": the line is down")


def test_the_answer_comes_first() -> None:
    """How many sites are linked and how many printers need a hand is one sentence."""
    ear = Ear()
    assert answer(ear.fleet) == "No site has said anything yet."
    ear.status("north", online=False)
    assert answer(ear.fleet) == "The site is not linked."
    ear.status("north", online=True)
    assert answer(ear.fleet) == "The site is linked."
    ear.status("south", online=False)
    assert answer(ear.fleet) == "1 of 2 sites linked."
    ear.status("south", online=True)
    ear.device("p1")
    ear.device("p2", troubles=(trouble(),))
    assert answer(ear.fleet) == "All 2 sites linked. 1 of 2 printers needs a hand."
    ear.say(CoordinatorStatus(online=False, session=ONE, epoch=1))
    assert answer(ear.fleet).endswith("The centre does not listen.")
    ear.fleet.take(Lost("gone"), NOW)
    assert answer(ear.fleet) == "Nothing is heard of the fleet."


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({}, False),
        ({"state": "stopped"}, True),
        ({"answers": False}, True),
        ({"answers": True, "state": "processing"}, False),
        ({"troubles": (trouble(severity="warning"),)}, True),
        ({"troubles": (trouble(severity="info"),)}, False),
    ],
)
def test_a_printer_needs_a_hand_when_somebody_can_help(
    fields: dict[str, Any], *, needs: bool
) -> None:
    """Stopped, silent or in trouble; what is only worth knowing calls nobody."""
    ear = Ear()
    ear.device(**fields)
    assert [each.needs_a_hand for each in ear.fleet.printers()] == [needs]


def test_the_lowest_supply_comes_first_and_unknown_ones_not_at_all() -> None:
    """What runs out next is read first; what does not tell its level is no zero."""
    ear = Ear()
    supplies = (
        Supply(key="1", name="C", kind="toner", color="cyan", level=60),
        Supply(key="2", name="K", kind="toner", color="black", level=8, days_left=3),
        Supply(key="3", name="M", kind="toner", color="magenta"),
        Supply(key="4", name="W", kind="waste-toner", level=1, receptacle=True),
    )
    ear.device(supplies=supplies)
    (printer,) = ear.fleet.printers()
    assert printer_line(printer) == "black 8 %, 3 days, cyan 60 %, waste toner 1 % room"


def test_what_was_removed_is_gone() -> None:
    """An empty retained message takes a printer away, and a node with its status."""
    ear = Ear()
    ear.status("north", online=True)
    ear.device("p1")
    ear.fleet.take(Removed("north", "p1"), NOW)
    ear.fleet.take(Removed("north", ""), NOW)
    assert (ear.fleet.sites(), ear.fleet.printers()) == ((), ())


def test_a_lost_line_shows_what_was_until_something_is_heard_again() -> None:
    """Nothing vanishes when the line does; what is not told again afterwards is gone."""
    ear = Ear()
    ear.device("p1")
    ear.device("p2")
    ear.fleet.take(Lost("the broker ended"), NOW)
    assert len(ear.fleet.printers()) == 2
    ear.device("p2")  # what the broker keeps may come before the word that we are linked
    ear.fleet.take(Linked(), NOW)
    assert [each.device for each in ear.fleet.printers()] == ["p2"]


def test_the_centres_word_on_a_printer_keeps_its_supplies() -> None:
    """The short form from the feed changes state and troubles, never what only the whole tells."""
    ear = Ear()
    ear.device(supplies=(Supply(key="1", name="K", kind="toner", level=8),))
    news = FeedDevice(
        node="north",
        device="p1",
        name="p1",
        state="stopped",
        answers=True,
        updated_at=NOW + timedelta(seconds=1),
    )
    ear.say(news)
    (printer,) = ear.fleet.printers()
    assert (printer.state, len(printer.supplies)) == ("stopped", 1)
    ear.say(news.model_copy(update={"state": "idle", "updated_at": NOW}))
    assert ear.fleet.printers()[0].state == "stopped", "an older word is no news"


def test_printers_of_a_sites_own_list_are_shown() -> None:
    """At a site's broker every printer shows, also those that nobody asks by SNMP."""
    ear = Ear()
    here = PrinterHere(printer="p9", name="Attic", color=False, two_sided=True, state="stopped")
    site = SiteState(
        node="north", site="N", role="remote", linked=True, since=NOW, waiting=0, printers=(here,)
    )
    ear.say(site)
    ear.device("p1", node="north")
    assert [(e.device, e.state) for e in ear.fleet.printers()] == [
        ("p9", "stopped"),
        ("p1", "idle"),
    ]


def test_names_are_sorted_as_people_count() -> None:
    """Floor 2 stands before floor 10."""
    ear = Ear()
    for floor in (10, 2, 1):
        ear.device(f"p{floor}", name=f"Floor {floor}")
    assert [each.name for each in ear.fleet.printers()] == ["Floor 1", "Floor 2", "Floor 10"]


def test_the_same_news_twice_is_one_line() -> None:
    """The feed is told at least once: an id shows once, an alert that comes again shows again."""
    ear = Ear()
    job = FeedJob(job=ONE, node="north", state="settled", printer="p1", impressions=1)
    ear.say(job, id_="a")
    ear.say(job, id_="a")
    ear.say(FeedAlert(node="north", note=Note(severity="warning", code="jam", detail="x")))
    ear.say(FeedAlert(node="north", note=Note(severity="warning", code="jam", detail="x")))
    assert len(ear.fleet.lately) == 3


def test_an_alert_stands_until_it_is_cleared() -> None:
    """Raised alerts are kept by node, code and subject; the word that it is over takes it away."""
    ear = Ear()
    raised = Note(severity="warning", code="toner-low", subject="p1", detail="black 8 %")
    ear.say(FeedAlert(node="north", note=raised))
    ear.say(FeedAlert(node="north", note=raised.model_copy(update={"subject": "p2"})))
    ear.say(FeedAlert(node="north", note=raised.model_copy(update={"cleared": True})))
    assert list(ear.fleet.alerts) == [("north", "toner-low", "p2")]
    assert happened_line(ear.fleet.lately[-1]).startswith("✓ over:")
    over = raised.model_copy(update={"cleared": True, "subject": "p2", "detail": "over: a jam"})
    ear.say(FeedAlert(node="north", note=over))
    assert happened_line(ear.fleet.lately[-1]) == f"✓ over: north p2: a jam ({raised.code})"


def test_a_job_is_said_with_its_pages_and_its_money() -> None:
    """What was paid by several accounts in one unit is one sum."""
    ear = Ear()
    paid = tuple(
        AccountAmount(account=f"user:{who}", unit="EUR", micros=60_000) for who in ("a", "b")
    )
    job = FeedJob(job=ONE, node="north", state="settled", printer="p1", impressions=6, charged=paid)
    ear.say(job)
    assert happened_line(ear.fleet.lately[0]) == (
        "· north: job 00000000 is paid at p1, 6 pages, 0.12 EUR"
    )


def test_whatever_is_said_memory_is_bounded() -> None:
    """A node that names devices without end, and a feed without end, are cut off at a bound."""
    ear = Ear()
    for n in range(DEVICES_OF_A_NODE + 50):
        ear.device(f"d{n}")
    for n in range(LATELY + 50):
        ear.say(FeedJob(job=UUID(int=n), node="north", state="held"))
    assert len(ear.fleet.printers()) == DEVICES_OF_A_NODE
    assert len(ear.fleet.lately) == LATELY


def test_names_are_no_markup() -> None:
    """Whatever a site or a printer is called, the picture is drawn, and says so."""
    ear = Ear()
    ear.say(Status(online=True, session=ONE, site="North [/] :cat:"), node="north")
    ear.device("p1", name="Lobby [/]")
    console = Console(width=100, file=StringIO())
    console.print(drawn(ear.fleet, "broker.example:1883", "", NOW, 100, None))
    shown = console.file.getvalue()  # type: ignore[attr-defined]  # the file given above
    assert "North [/] :cat:" in shown
    assert "Lobby [/]" in shown


@given(st.text())
def test_foreign_text_does_nothing_to_a_terminal(text: str) -> None:
    """Whatever a machine shows on its console comes out as one printable line."""
    shown = plain(text)
    assert shown.isprintable()
    assert len(shown) <= 200

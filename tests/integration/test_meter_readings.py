"""Readings of meters in the books: each with what was billed by then, so that days add up."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from sqlalchemy import event, insert
from sqlalchemy.exc import IntegrityError, OperationalError

from broker.messages import Counted, JobHeld
from broker.stream_inbound import Readable, sift
from broker.topics import STREAMS_UP
from central.reconciling import Limits
from central.store import device_alerts, forks, meter_terms, metering
from central.store.books import BooksUnwritable
from central.store.ingest import apply_one
from central.store.meters import Place
from central.store.reconciled import days, judge, newest_day
from central.store.tables import device_state
from tests.integration.books_lab import MORNING, open_books
from tests.integration.meters_lab import (
    DEVICE,
    FIRST_DAY,
    MIDNIGHT,
    ONE_DAY,
    Site,
    meters,
    reading,
    released,
)

if TYPE_CHECKING:
    from datetime import date

    from central.store.books import Transaction
    from central.store.closures import Closure

PLACE = Place("north", DEVICE)
SECOND_DAY = FIRST_DAY + ONE_DAY


@pytest.fixture
def site() -> Site:
    """Return a site with a printer whose counters stood at 1,000 at the end of the first day."""
    site = Site(open_books())
    site.say(*site.printed(30), reading(0, *meters(total=1000), continues=False))
    return site


def test_a_day_is_what_was_billed_between_its_readings(site: Site) -> None:
    """Prints and copies of the stream's own order count, whatever was billed before or after."""
    site.say(
        *site.printed(10, 4),
        *site.copied(5, 1),
        reading(1, *meters(total=1018)),
        *site.printed(100),
    )
    with site.books.read() as tx:
        (day,) = days(tx, SECOND_DAY)
    assert (day.metered, day.prints, day.copies, day.unexplained) == (18, 10, 5, 3)
    assert day.since == MIDNIGHT
    assert not day.breaks


def test_devices_and_sites_are_kept_apart(site: Site) -> None:
    """What another printer, or a printer of the same id elsewhere, prints is not this one's."""
    south = Site(site.books, "south")
    south.say(*south.printed(50))
    site.say(*site.printed(7, device="north-2"), reading(1, *meters(total=1000)))
    with site.books.read() as tx:
        (day,) = days(tx, SECOND_DAY)
    assert (day.metered, day.prints, day.unexplained) == (0, 0, 0)


def test_many_jobs_of_one_transaction_move_the_totals_once(site: Site) -> None:
    """However many settlements come together, every one of them counts."""
    for _ in range(3):
        site.say(*(event for _ in range(20) for event in site.printed(3, 1)))
    site.say(reading(1, *meters(total=1180)))
    with site.books.read() as tx:
        (day,) = days(tx, SECOND_DAY)
    assert (day.prints, day.unexplained) == (180, 0)


def test_readings_within_a_day_belong_to_it(site: Site) -> None:
    """A machine that was reset at noon has two stretches, and the break between them is said."""
    noon = MIDNIGHT + timedelta(hours=12)
    site.say(
        *site.printed(10),
        reading(1, *meters(total=1010), why="asked", read_at=noon),
        *site.printed(6),
        reading(
            1,
            *meters(total=2),
            why="reset",
            read_at=noon,
            continues=False,
            detail="its counters began anew",
        ),
        *site.printed(8),
        reading(1, *meters(total=12)),
    )
    with site.books.read() as tx:
        (day,) = days(tx, SECOND_DAY)
    assert (day.metered, day.prints, day.unexplained) == (20, 18, 2)
    assert day.breaks == ("its counters began anew",)


def test_a_reset_that_is_found_as_a_day_ends_ends_it(site: Site) -> None:
    """The day is there, with nothing to compare; the next one goes on from it."""
    site.say(
        *site.printed(10),
        reading(1, *meters(total=3), why="reset", day=SECOND_DAY, continues=False),
        *site.printed(4),
        reading(2, *meters(total=7)),
    )
    with site.books.read() as tx:
        (second,) = days(tx, SECOND_DAY)
        (third,) = days(tx, SECOND_DAY + ONE_DAY)
    assert second.unit is None
    assert second.breaks == ("its counters do not go on from the reading before",)
    assert (third.metered, third.prints, third.breaks) == (4, 4, ())


def test_a_day_that_was_not_read_is_in_the_next(site: Site) -> None:
    """Nothing is lost when a reading is: the next one has both days."""
    site.say(*site.printed(10), *site.printed(5), reading(2, *meters(total=1015)))
    with site.books.read() as tx:
        assert days(tx, SECOND_DAY) == []
        (day,) = days(tx, SECOND_DAY + ONE_DAY)
    assert (day.metered, day.prints, day.since) == (15, 15, MIDNIGHT)


def test_the_running_day_is_known_up_to_its_newest_reading(site: Site) -> None:
    """It is the day after the last that ended, has its stretches, and raises nothing until then."""
    noon = MIDNIGHT + timedelta(hours=12)
    site.say(*site.printed(10), reading(1, *meters(total=1110), why="asked", read_at=noon))
    site.say(*site.printed(100))
    with site.books.write() as tx:
        assert newest_day(tx) == FIRST_DAY
        (day,) = days(tx, SECOND_DAY)
        assert (day.metered, day.prints, day.unexplained) == (110, 10, 100)
        assert (day.whole, day.since, day.until) == (False, MIDNIGHT, noon)
        meter_terms.explain(tx, PLACE, SECOND_DAY, 1, reason="technician", author="t")
        judge(tx, SECOND_DAY, {PLACE: "Lobby"}, Limits())
        assert metering.step(tx, Limits()).notes == ()
    site.say(reading(1, *meters(total=1210)))
    with site.books.write() as tx:
        assert newest_day(tx) == SECOND_DAY
        (day,) = days(tx, SECOND_DAY)
        assert (day.whole, day.metered, day.prints, day.unexplained) == (True, 210, 110, 99)
        assert len(metering.step(tx, Limits()).notes) == 1


def test_a_first_day_runs_from_the_first_reading() -> None:
    """Before any day ended there is the day so far, with what was counted since the start."""
    site, noon = Site(open_books()), MIDNIGHT + timedelta(hours=12)
    site.say(*site.printed(5), reading(0, *meters(total=90), why="start", continues=False))
    with site.books.read() as tx:
        (day,) = days(tx, SECOND_DAY, zone=UTC)
    assert (day.whole, day.unit, day.breaks) == (False, None, ("it is the first reading",))
    site.say(*site.printed(5), reading(0, *meters(total=96), why="asked", read_at=noon))
    with site.books.read() as tx:
        assert newest_day(tx, zone=UTC) == SECOND_DAY
        assert newest_day(tx, PLACE, zone=UTC) == SECOND_DAY
        (day,) = days(tx, SECOND_DAY, PLACE, zone=UTC)
        assert days(tx, FIRST_DAY, zone=UTC) == []
    assert (day.whole, day.metered, day.prints, day.unexplained) == (False, 6, 5, 1)


def test_a_new_printer_has_the_day_of_its_site(site: Site) -> None:
    """The other printers of a site say which day began there, wherever the centre stands."""
    began = reading(0, *meters(total=1), why="start", continues=False, device="north-2")
    site.say(began)
    elsewhere = timezone(timedelta(hours=-5))
    with site.books.read() as tx:
        (day,) = days(tx, SECOND_DAY, zone=elsewhere)
        assert days(tx, FIRST_DAY, Place("north", "north-2"), zone=elsewhere) == []
    assert (day.device, day.whole) == ("north-2", False)


def test_a_reading_after_the_last_day_leaves_that_day_as_it_was(site: Site) -> None:
    """A day that ended is whole for ever; what is read later is the running day's."""
    site.say(*site.printed(7), reading(1, *meters(total=1007)))
    site.say(*site.printed(3), reading(2, *meters(total=1019), why="asked"))
    with site.books.read() as tx:
        (day,) = days(tx, SECOND_DAY)
        (running,) = days(tx, SECOND_DAY + ONE_DAY)
    assert (day.whole, day.metered, day.unexplained) == (True, 7, 0)
    assert (running.whole, running.metered, running.unexplained) == (False, 12, 9)


def test_jobs_under_way_widen_what_is_tolerated(site: Site) -> None:
    """What was in the machine at midnight may be on either side; its length is known."""
    job = site.job()
    held = JobHeld(
        job=job,
        queue="pull",
        user="ana",
        name="thesis.pdf",
        received_at=MORNING,
        counted=Counted(source="analysis", impressions=120, color_impressions=0, sheets=60),
    )
    site.say(held, released(job), reading(1, *meters(total=1090), under_way=1))
    with site.books.read() as tx:
        (day,) = days(tx, SECOND_DAY)
    assert (day.unexplained, day.tolerance) == (90, 120)
    assert not day.over(Limits())


def test_a_reading_that_was_put_aside_breaks_nothing_later(site: Site) -> None:
    """What was billed at its moment is not known any more, so nothing is compared with it."""
    late = site.edge.say(reading(1, *meters(total=5)), name="jobs")
    (readable,) = sift(late, STREAMS_UP["jobs"])
    assert isinstance(readable, Readable)
    with site.books.write() as tx:
        assert apply_one(tx, site.edge.key("jobs"), readable, frozenset()) == (None, frozenset())
    site.edge.journal["jobs"].pop()
    site.say(*site.printed(4), reading(2, *meters(total=1004)))
    with site.books.read() as tx:
        assert days(tx, SECOND_DAY) == []
        (day,) = days(tx, SECOND_DAY + ONE_DAY)
    assert (day.metered, day.prints, day.unexplained) == (4, 4, 0)


def test_a_reading_of_another_branch_is_compared_with_nothing(site: Site) -> None:
    """A forked journal's other branch is booked late: its readings are kept, and break nothing."""
    branch = cast("Closure", SimpleNamespace(node="north"))
    with site.books.write() as tx:
        told = reading(1, *meters(total=1500))
        assert forks._effect(tx, branch, told, 5) == ("applied", "")
    site.say(*site.printed(4), reading(2, *meters(total=1004)))
    with site.books.read() as tx:
        assert days(tx, SECOND_DAY) == []
        (day,) = days(tx, SECOND_DAY + ONE_DAY)
    assert (day.metered, day.prints, day.unexplained) == (4, 4, 0)


def test_too_many_pages_raise_one_alert_which_an_explanation_clears(site: Site) -> None:
    """Raised once however often it is looked at, and cleared when somebody says what it was."""
    site.say(*site.printed(100), reading(1, *meters(total=1150)))
    books, limits = site.books, Limits(pages=20, percent=2.0)
    with books.write() as tx:
        done = metering.step(tx, limits)
    ((node, note),) = done.notes
    assert (node, note.code, note.subject, note.cleared) == (
        "north",
        "unexplained-pages",
        DEVICE,
        False,
    )
    assert "50 pages (33.3 %)" in note.detail
    with books.write() as tx:
        assert metering.step(tx, limits).notes == ()
        meter_terms.explain(tx, PLACE, SECOND_DAY, 40, reason="technician", author="t")
        judge(tx, SECOND_DAY, {PLACE: "Lobby"}, limits)
        ((_, note),) = metering.step(tx, limits).notes
        assert note.cleared
        assert device_alerts.raised(tx) == []


def test_no_alert_under_either_bound(site: Site) -> None:
    """A few pages of a small day, and a small share of a large one, are nobody's alarm."""
    site.say(*site.printed(10), reading(1, *meters(total=1025)))
    site.say(*site.printed(5000), reading(2, *meters(total=6075)))
    with site.books.write() as tx:
        assert metering.step(tx, Limits(pages=20, percent=2.0)).notes == ()


def test_what_fails_with_one_reading_holds_up_no_other(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one is set aside, what it had begun is undone, and the next is judged."""

    def broken(tx: Transaction, day: date, names: dict[Place, str], limits: Limits) -> None:
        judge(tx, day, names, limits)
        if day == SECOND_DAY:
            raise ValueError("planted")

    monkeypatch.setattr(metering, "judge", broken)
    site.say(reading(1, *meters(total=1101)), reading(2, *meters(total=1201)))
    with site.books.write() as tx:
        notes = metering.step(tx, Limits()).notes
        raised = [each.day for each in device_alerts.raised(tx)]
    assert [(node, note.code, note.subject) for node, note in notes] == [
        ("north", "reading-failed", DEVICE),
        ("north", "unexplained-pages", DEVICE),
    ]
    assert "planted" in notes[0][1].detail
    assert raised == [(SECOND_DAY + ONE_DAY).isoformat()]
    with site.books.write() as tx:
        assert not metering.pending(tx)


def test_what_the_database_will_not_keep_is_one_readings_fault(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value that it refuses sets one reading aside; a database that fails sets none aside."""
    failures: list[Exception] = [OperationalError("x", None, OSError("the disk is full"))]

    def broken(*_: object) -> None:
        raise failures[-1]

    monkeypatch.setattr(metering, "judge", broken)
    with pytest.raises(BooksUnwritable), site.books.write() as tx:
        metering.step(tx, Limits())
    failures.append(IntegrityError("x", None, ValueError("planted")))
    with site.books.write() as tx:
        ((_, note),) = metering.step(tx, Limits()).notes
    assert note.code == "reading-failed"


def test_another_devices_state_holds_up_no_reading(site: Site) -> None:
    """To deal with a reading its own device is looked at: nobody else's, whatever it has told."""
    values = {"node": "south", "device": "odd", "state": "{", "at": MORNING}
    with site.books.write() as tx:
        tx.sql.execute(insert(device_state).values(**values))
    site.say(*site.printed(100), reading(1, *meters(total=1150)))
    with site.books.write() as tx:
        ((_, note),) = metering.step(tx, Limits(pages=20, percent=2.0)).notes
    assert note.detail.startswith(f"{DEVICE}: 50 pages")


def test_a_clock_that_was_years_ahead_names_no_newest_day(site: Site) -> None:
    """The newest day that ended is one that can have ended."""
    ahead = 3650
    site.say(
        *site.printed(4),
        reading(ahead, *meters(total=1004)),
        reading(1, *meters(total=1004), why="start", continues=False),
    )
    with site.books.read() as tx:
        assert newest_day(tx) == FIRST_DAY
        assert newest_day(tx, PLACE) == FIRST_DAY


def test_many_readings_ask_little_of_the_books(site: Site) -> None:
    """All of a site's printers are read at midnight: statements do not grow with their number."""
    statements: list[str] = []

    def told(_sql: object, _cursor: object, text: str, *_: object) -> None:
        statements.append(text)

    counts = []
    for days_, many in ((1, 2), (2, 40)):
        site.say(*(reading(days_, *meters(total=9), device=f"d{n}") for n in range(many)))
        with site.books.write() as tx:
            event.listen(tx.sql, "before_cursor_execute", told)
            assert not metering.step(tx, Limits()).more
            event.remove(tx.sql, "before_cursor_execute", told)
        counts.append(len(statements))
        statements.clear()
    assert 0 < counts[1] <= counts[0]

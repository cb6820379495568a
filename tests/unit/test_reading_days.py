"""Meters are booked once for each day of the site, whatever happened at midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from broker.messages import JobReleased, MetersRead
from edge.devices.booking import Booking
from edge.devices.reading_days import Last, due, next_midnight
from edge.devices.windows import Windows
from edge.devices.words import NoAnswer
from edge.release import Phase
from edge.store.errors import StoreUnwritableError
from edge.store.memory_disk import MemoryDisk
from tests.unit.device_lab import SERIAL, Printer, by_snmp, meter, printer
from tests.unit.edge_lab import held_job, open_books, said

if TYPE_CHECKING:
    from edge.jobs import JobRecord

MADRID = ZoneInfo("Europe/Madrid")
SILENT = NoAnswer("it does not answer")


def read(moment: datetime) -> MetersRead:
    """Return a reading of that moment."""
    return MetersRead(
        device="lib-1",
        serial=SERIAL,
        why="start",
        read_at=moment,
        meters=(meter(1),),
        continues=False,
    )


class Booked:
    """A printer whose meters are booked in a journal in memory."""

    def __init__(self) -> None:
        self.disk = MemoryDisk()
        self.printer = Printer(set_up=printer())
        self.windows = Windows()
        self.open()

    def open(self) -> None:
        """Start the edge, again after a crash."""
        self.disk = self.disk.crash(lambda _: 0) if hasattr(self, "books") else self.disk
        self.books = open_books(self.disk)
        self.booking = Booking(
            self.books, self.windows, zone=MADRID, monotonic=lambda: self.printer.at
        )
        self.printer.restart()

    def look(self, value: int | None, *, after: timedelta, serial: str = SERIAL) -> None:
        """Look so long after the last look; None: it is silent."""
        look = SILENT if value is None else by_snmp(meter(value), serial=serial)
        result = self.printer.look(look, after=after.total_seconds())
        self.booking.read("lib-1", self.printer.memory, result)

    def until(self, moment: datetime) -> timedelta:
        """Return the time from now to a moment."""
        return moment - self.printer.now

    def booked(self) -> list[tuple[str, date | None, int, bool]]:
        """Return what the stream says."""
        events = [each for each in said(self.books, "jobs") if isinstance(each, MetersRead)]
        return [(each.why, each.day, each.meters[0].value, each.continues) for each in events]


MINUTE = timedelta(minutes=1)


def test_a_day_is_due_once_after_the_sites_midnight() -> None:
    """By the zone of the site, not by UTC; nothing before it ends, nothing twice."""
    noon = datetime(2026, 3, 2, 11, tzinfo=UTC)
    last = Last(read(noon), covered=date(2026, 3, 1))
    assert due(last, datetime(2026, 3, 2, 22, 59, tzinfo=UTC), MADRID) is None
    found = due(last, datetime(2026, 3, 2, 23, 0, tzinfo=UTC), MADRID)
    assert found is not None
    assert (found.why, found.day) == ("day", date(2026, 3, 2))
    assert due(Last(read(noon), date(2026, 3, 2)), noon + timedelta(hours=13), MADRID) is None
    assert due(None, noon, MADRID) is not None


def test_the_night_when_clocks_change_has_one_midnight() -> None:
    """The next day begins after 23 or 25 hours then, and is due once."""
    spring = datetime(2026, 3, 28, 23, 0, tzinfo=UTC)  # midnight of the 29th
    assert next_midnight(spring, MADRID) - spring == timedelta(hours=23)
    autumn = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
    assert next_midnight(autumn, MADRID) - autumn == timedelta(hours=25)


def test_each_day_is_booked_once_over_restarts() -> None:
    """At the start, then at the end of each day, over a crash as well; days continue."""
    site = Booked()
    site.look(100, after=MINUTE)
    site.look(110, after=MINUTE)
    site.look(150, after=site.until(datetime(2026, 3, 2, 23, 0, 30, tzinfo=UTC)))
    site.open()
    site.look(151, after=MINUTE)
    site.look(190, after=site.until(datetime(2026, 3, 3, 23, 0, 30, tzinfo=UTC)))
    site.look(191, after=MINUTE)
    assert site.booked() == [
        ("start", None, 100, False),
        ("day", date(2026, 3, 2), 150, True),
        ("day", date(2026, 3, 3), 190, True),
    ]


def test_a_day_that_ended_while_the_edge_was_down_is_booked_when_it_is_up() -> None:
    """Only the last of several, and still for that day."""
    site = Booked()
    site.look(100, after=MINUTE)
    site.open()
    site.look(150, after=timedelta(days=3))
    site.look(151, after=MINUTE)
    assert site.booked()[1:] == [("day", date(2026, 3, 4), 150, True)]


def test_a_printer_that_is_silent_at_midnight_is_read_when_it_answers() -> None:
    """Still for the day that ended."""
    site = Booked()
    site.look(100, after=MINUTE)
    site.look(None, after=site.until(datetime(2026, 3, 2, 23, 0, 30, tzinfo=UTC)))
    site.look(None, after=MINUTE)
    site.look(104, after=timedelta(hours=8))
    assert site.booked()[1:] == [("day", date(2026, 3, 2), 104, True)]


def test_jobs_of_ours_are_waited_for_and_then_counted() -> None:
    """While one prints the reading waits, ten minutes at most; then it says how many there are."""
    site = Booked()
    site.look(100, after=MINUTE)
    job = held_job().with_(phase=Phase.RELEASING, printer="lib-1")
    site.books.release(job, released(job), site.printer.now)
    site.windows.began("lib-1", job.job)
    site.look(105, after=site.until(datetime(2026, 3, 2, 23, 0, 30, tzinfo=UTC)))
    site.look(106, after=timedelta(minutes=9))
    assert len(site.booked()) == 1
    site.look(107, after=timedelta(minutes=2))
    assert site.booked()[1:] == [("day", date(2026, 3, 2), 107, True)]
    last = site.books.meters.last("lib-1")
    assert last is not None
    assert last.read.under_way == 1


def released(job: JobRecord) -> JobReleased:
    """Return the event of its release."""
    return JobReleased(job=job.job, attempt=1, user="ana", printer="lib-1", held=(), alone=False)


def test_a_reset_and_a_swap_are_booked_as_new_beginnings() -> None:
    """What came before does not go on; the day's reading goes on from there."""
    site = Booked()
    for value in (100, 3, 4):
        site.look(value, after=MINUTE)
    for value in (7000, 7001):
        site.look(value, after=MINUTE, serial="SN-2")
    site.look(7050, after=site.until(datetime(2026, 3, 2, 23, 1, tzinfo=UTC)), serial="SN-2")
    assert site.booked() == [
        ("start", None, 100, False),
        ("reset", None, 4, False),
        ("replaced", None, 7001, False),
        ("day", date(2026, 3, 2), 7050, True),
    ]


def test_a_reset_while_the_edge_was_down_is_no_stretch() -> None:
    """The day's reading says that it does not go on from the last one, and why."""
    site = Booked()
    site.look(5000, after=MINUTE)
    site.open()
    site.look(7, after=timedelta(days=1))
    last = site.books.meters.last("lib-1")
    assert last is not None
    assert (last.read.why, last.read.continues) == ("day", False)
    assert "began anew" in last.read.detail


def test_a_reading_says_which_one_it_goes_on_from() -> None:
    """The one before, by its moment; none where it does not go on."""
    site = Booked()
    site.look(100, after=MINUTE)
    began = site.books.meters.last("lib-1")
    site.look(150, after=timedelta(days=1))
    day = site.books.meters.last("lib-1")
    site.open()
    site.look(7, after=timedelta(days=1))
    reset = site.books.meters.last("lib-1")
    assert began is not None
    assert day is not None
    assert reset is not None
    assert [each.read.since for each in (began, day, reset)] == [None, began.read.read_at, None]


def test_somebody_may_ask_for_a_reading() -> None:
    """It is booked with the next answer; one that is due for its day stays the day's."""
    site = Booked()
    site.look(100, after=MINUTE)
    site.booking.ask("lib-1")
    site.look(None, after=MINUTE)
    site.look(120, after=MINUTE)
    site.look(121, after=MINUTE)
    site.booking.ask("lib-1")
    site.look(150, after=site.until(datetime(2026, 3, 2, 23, 1, tzinfo=UTC)))
    site.look(151, after=MINUTE)
    assert site.booked()[1:] == [
        ("asked", None, 120, True),
        ("day", date(2026, 3, 2), 150, True),
    ]


def test_an_asked_reading_after_midnight_does_not_take_the_day_away() -> None:
    """The end of the day is read for itself, even right after another one."""
    site = Booked()
    site.look(100, after=MINUTE)
    for value in (3, 4):
        site.look(value, after=site.until(datetime(2026, 3, 2, 23, value, tzinfo=UTC)))
    assert [each[:2] for each in site.booked()[1:]] == [
        ("reset", None),
        ("day", date(2026, 3, 2)),
    ]


def test_what_the_disk_does_not_take_is_still_due() -> None:
    """A full disk loses no day: the reading is booked when there is room again."""
    site = Booked()
    site.look(100, after=MINUTE)
    site.disk.space = 0
    with pytest.raises(StoreUnwritableError):
        site.look(150, after=site.until(datetime(2026, 3, 2, 23, 1, tzinfo=UTC)))
    site.disk.space = 10**9
    site.look(151, after=MINUTE)
    assert site.booked()[1:] == [("day", date(2026, 3, 2), 151, True)]


def test_a_clock_from_the_future_stops_no_reading() -> None:
    """A reading of the year 2030 keeps nothing from being read today."""
    wrong = Last(read(datetime(2030, 1, 1, tzinfo=UTC)), covered=date(2029, 12, 31))
    assert due(wrong, datetime(2026, 3, 2, 9, tzinfo=UTC), MADRID) is not None

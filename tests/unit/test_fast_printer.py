"""A printer that counts before it is read, or late, or for others, is no evidence of a job."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.messages import JobReleased, JobSettled
from edge.calm import Calm
from edge.devices.counters import MeterCount, Taken, alone, stood_still
from edge.devices.job_meters import JobMeters
from edge.devices.windows import Windows
from edge.jobs import counted
from edge.release import Phase
from tests.unit.device_lab import NOW, SERIAL, by_snmp, meter, printer, taken, with_
from tests.unit.edge_lab import figures, held_job

if TYPE_CHECKING:
    from datetime import datetime

    from config.settings import PrinterSettings
    from edge.devices.words import Reading
    from edge.jobs import JobRecord

BEGAN = 1000


@dataclass
class Machine:
    """A printer that stands idle whenever it is asked, and counts when it likes."""

    total: int = BEGAN
    remembered: bool = False
    """It is asked by somebody who answers from memory."""

    async def meters(self, printer: PrinterSettings) -> Reading:
        """Tell what it has counted."""
        await asyncio.sleep(0)
        return with_(by_snmp(meter(self.total)), metered=not self.remembered)


class Place:
    """A site with one printer, at which the last look was before every release."""

    def __init__(self, *, looked: bool = True) -> None:
        self.machine = Machine()
        self.seen: Taken | None = taken(meter(BEGAN), minutes=-1) if looked else None
        self.now = NOW
        self.jobs = 0
        self.meters = JobMeters(
            [printer()],
            sources=self.machine,
            windows=Windows(),
            calm=Calm(),
            clock=self._clock,
            lately=lambda _device: self.seen,
        )

    def _clock(self) -> datetime:
        return self.now

    def released(self) -> JobRecord:
        """Send a job there."""
        self.jobs += 1
        record = held_job().with_(job=UUID(int=self.jobs), phase=Phase.RELEASING, printer="lib-1")
        event = JobReleased(
            job=record.job, attempt=1, user="ana", printer="lib-1", held=(), alone=False
        )
        self.meters.on_job(record, event)
        return record

    async def read(self) -> None:
        """Let the reading before it be taken."""
        for _ in range(5):
            await asyncio.sleep(0)

    async def ended(self, record: JobRecord) -> MeterCount | None:
        """Return what its meters are believed to say."""
        found = await self.meters.count("lib-1", record.job)
        event = JobSettled(
            job=record.job,
            attempt=1,
            printer="lib-1",
            disposition="completed",
            counts=(),
            billed=counted(figures()),
            charge=None,
        )
        self.meters.on_job(record.with_(phase=Phase.SETTLED), event)
        return found


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for a first byte or a last page that there is none of."""
    monkeypatch.setattr("edge.devices.job_meters._BEGINS", 0.0)
    monkeypatch.setattr("edge.devices.job_meters._AFTER", (0.0,))


@pytest.mark.parametrize("early", [0, 1, 6, 9, 10])
async def test_what_was_counted_before_the_reading_is_never_believed(early: int) -> None:
    """Ten sides; of a printer that counted some or all of them before, nothing is said."""
    place = Place()
    job = place.released()
    place.machine.total += early
    await place.read()
    place.machine.total += 10 - early
    found = await place.ended(job)
    assert found == (MeterCount(10) if not early else None)


async def test_without_a_look_before_the_release_nothing_is_known() -> None:
    """After a start nobody can say whether the reading came in time."""
    place = Place(looked=False)
    job = place.released()
    await place.read()
    place.machine.total += 10
    assert await place.ended(job) is None


async def test_what_is_remembered_is_no_reading() -> None:
    """A figure of an earlier look proves nothing of this moment."""
    place = Place()
    place.machine.remembered = True
    job = place.released()
    await place.read()
    place.machine.total += 10
    place.machine.remembered = False
    assert await place.ended(job) is None


async def test_pages_that_are_counted_late_are_not_those_of_the_next_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Right after a job nobody is believed to be alone; once the printer has rested, it is."""
    place = Place()
    first = place.released()
    await place.read()
    place.machine.total += 6
    assert await place.ended(first) == MeterCount(6)
    second = place.released()
    await place.read()
    place.machine.total += 4  # the rest of the first; nothing of the second came out
    assert await place.ended(second) is None
    monkeypatch.setattr("edge.devices.job_meters._LAG", 0.0)
    place.seen = taken(meter(place.machine.total), minutes=1)
    third = place.released()
    await place.read()
    place.machine.total += 5
    assert await place.ended(third) == MeterCount(5)


async def test_what_came_between_two_jobs_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reading after one job is what the one before the next has to show."""
    monkeypatch.setattr("edge.devices.job_meters._LAG", 0.0)
    place = Place()
    first = place.released()
    await place.read()
    place.machine.total += 6
    assert await place.ended(first) == MeterCount(6)
    place.machine.total += 1
    second = place.released()
    await place.read()
    place.machine.total += 4
    assert await place.ended(second) is None


@pytest.mark.parametrize(
    ("name", "believed"),
    [
        ("print", True),
        ("print-color", True),
        ("total-mono", True),
        ("scan", True),  # it moves no paper
        ("copy-color", False),
        ("fax", False),
        ("network-fax", False),
        ("email-in", False),
    ],
)
def test_other_services_that_put_out_paper_leave_no_evidence(
    name: str,
    believed: bool,  # noqa: FBT001  a column of the table
) -> None:
    """Whatever came by fax, mail or glass meanwhile is in the total too."""
    before = taken(meter(100), meter(50, name))
    after = taken(meter(104), meter(51, name), minutes=1)
    assert (alone(before, after) is not None) == believed


def test_what_no_machine_prints_in_that_time_is_no_evidence() -> None:
    """A counter that jumps by hundreds in seconds was misread, or set."""
    before = taken(meter(100))
    assert alone(before, taken(meter(140), minutes=0.1)) == MeterCount(40)
    assert alone(before, taken(meter(900), minutes=0.1)) is None


@given(st.integers(0, 2**33), st.integers(0, 2**33), st.integers(0, 600))
def test_standing_still_is_the_same_figure_of_the_same_machine(
    first: int, second: int, seconds: int
) -> None:
    """Nothing else: no figure that fell, went round, changed its place or is missing."""
    before = taken(meter(first))
    after = Taken((meter(second),), SERIAL, NOW + timedelta(seconds=seconds), 1000 + seconds)
    assert stood_still(before, after) == (first == second)
    assert not stood_still(before, taken(meter(first), who="SN-2"))
    assert not stood_still(before, taken(meter(first, source="ipp:other")))
    assert not stood_still(before, taken(meter(first, unit="sheets")))
    assert not stood_still(before, taken())

"""Meters around a job: evidence only where it was alone at an idle machine, and nobody waits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.messages import JobReleased, JobSettled
from config.policy.jobs import JobState, Source
from edge.calm import Calm
from edge.devices.counters import MeterCount
from edge.devices.job_meters import JobMeters
from edge.devices.windows import Windows
from edge.devices.words import Look, NoAnswer, Origin, Reading
from edge.jobs import counted as counted_as
from edge.release import Disposition, Disputed, Evidence, Phase, Settled, settle
from tests.unit.device_lab import NOW, by_snmp, meter, printer, taken, with_
from tests.unit.edge_lab import Site, euros, figures, grant, held_job, said

if TYPE_CHECKING:
    from pathlib import Path

    from config.settings import PrinterSettings
    from edge.jobs import JobRecord

LARGE = figures().model_copy(update={"media": "iso_a3"})


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for a first byte that there is none of."""
    monkeypatch.setattr("edge.devices.job_meters._BEGINS", 0.0)


@dataclass
class FakeMeters:
    """A printer whose meters are read; what comes next is in the list."""

    answers: list[Look] = field(default_factory=list)
    asked: int = 0

    async def meters(self, printer: PrinterSettings) -> Look:
        """Answer what is next."""
        await asyncio.sleep(0)
        self.asked += 1
        return self.answers.pop(0) if self.answers else NoAnswer("nobody there")


def released(number: int = 1, device: str = "lib-1") -> tuple[JobRecord, JobReleased]:
    """Return a job that goes to a printer."""
    job = UUID(int=number)
    record = held_job().with_(job=job, phase=Phase.RELEASING, printer=device)
    return record, JobReleased(job=job, attempt=1, user="ana", printer=device, held=(), alone=False)


def site(*answers: Look, snmp: str | None = "office") -> tuple[JobMeters, FakeMeters, Windows]:
    """Return the meters of a site with one printer."""
    source, windows, calm = FakeMeters(list(answers)), Windows(), Calm()
    ours = JobMeters(
        [printer(snmp=snmp)],
        sources=source,
        windows=windows,
        calm=calm,
        clock=lambda: NOW,
        lately=lambda _device: taken(meter(100), minutes=-1),
    )
    return ours, source, windows


async def counted(*answers: Look, snmp: str | None = "office") -> int | None:
    """Let one job go there and end; return what the meters say of it."""
    ours, source, _ = site(*answers, snmp=snmp)
    record, event = released()
    ours.on_job(record, event)
    for _ in range(5):
        await asyncio.sleep(0)
    found = await ours.count("lib-1", record.job)
    assert source.asked == 0 or snmp
    return found.impressions if found else None


async def test_a_job_alone_at_an_idle_printer_is_counted() -> None:
    """The difference of its meters before and after."""
    assert await counted(by_snmp(meter(100)), by_snmp(meter(104))) == 4


@pytest.mark.parametrize(
    "answers",
    [
        (),
        (by_snmp(meter(100)),),
        (NoAnswer("lost"), by_snmp(meter(104))),
        (with_(by_snmp(meter(100)), state="processing"), by_snmp(meter(104))),
        (with_(by_snmp(meter(100)), state=None), by_snmp(meter(104))),
        (by_snmp(meter(100)), by_snmp(meter(104), serial="SN-2")),
        (by_snmp(meter(100)), by_snmp(meter(90))),
        (by_snmp(meter(100)), by_snmp(meter(104), up=3)),
        (Reading(Origin.IPP, state="idle", serial="SN-1", meters=(meter(1),)), by_snmp(meter(9))),
    ],
)
async def test_anything_unsure_is_no_evidence(
    answers: tuple[Look, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence, work of others, another machine, a restart, another source: nothing is said."""
    monkeypatch.setattr("edge.devices.job_meters._AFTER", (0.0,))
    assert await counted(*answers) is None


async def test_a_printer_that_still_works_is_waited_for_a_little() -> None:
    """The last page may come out after the spooler's word."""
    busy = with_(by_snmp(meter(103)), state="processing")
    assert await counted(by_snmp(meter(100)), busy, by_snmp(meter(104))) == 4


async def test_a_printer_that_falls_silent_holds_up_no_settlement() -> None:
    """One question in vain is enough: the job is settled without the meters' word."""
    ours, source, _ = site(by_snmp(meter(100)))
    record, event = released()
    ours.on_job(record, event)
    for _ in range(5):
        await asyncio.sleep(0)
    assert await ours.count("lib-1", record.job) is None
    assert source.asked == 2


async def test_printers_without_snmp_are_not_asked() -> None:
    """No profile, no question."""
    assert await counted(by_snmp(meter(100)), by_snmp(meter(104)), snmp=None) is None


async def test_two_jobs_at_one_printer_say_nothing_of_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither of them was alone, whichever ends first; one that comes later is."""
    monkeypatch.setattr("edge.devices.job_meters._LAG", 0.0)
    ours, _, windows = site(*[by_snmp(meter(100))] * 3, by_snmp(meter(104)))
    one, two = released(1), released(2)
    for record, event in (one, two):
        ours.on_job(record, event)
    for _ in range(5):
        await asyncio.sleep(0)
    assert await ours.count("lib-1", one[0].job) is None
    ours.on_job(one[0].with_(phase=Phase.SETTLED), settled(one[0]))
    assert await ours.count("lib-1", two[0].job) is None
    ours.on_job(two[0].with_(phase=Phase.SETTLED), settled(two[0]))
    assert windows.at("lib-1") == 0
    third = released(3)
    ours.on_job(*third)
    for _ in range(5):
        await asyncio.sleep(0)
    assert await ours.count("lib-1", third[0].job) is not None


def settled(record: JobRecord) -> JobSettled:
    """Return the event of its end."""
    return JobSettled(
        job=record.job,
        attempt=1,
        printer="lib-1",
        disposition="completed",
        counts=(),
        billed=counted_as(figures()),
        charge=None,
    )


@given(
    steps=st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["began", "read", "over"]))),
)
def test_alone_is_only_who_never_had_company(steps: list[tuple[int, str]]) -> None:
    """In any order of beginnings and ends: with a reading and no other job since it began."""
    windows, there, company, had = Windows(), set[int](), set[int](), set[int]()
    for number, step in steps:
        job = UUID(int=number)
        if step == "began":
            if number in there:
                company.add(number)
            company |= {number, *there} if there - {number} else set()
            if number not in there:
                company -= set() if there else {number}
                had.discard(number)
            there.add(number)
            windows.began("lib-1", job)
        elif step == "read":
            windows.read("lib-1", job, taken(meter(1)))
            had |= {number} & there
        else:
            windows.over("lib-1", job)
            there.discard(number)
            company.discard(number)
            had.discard(number)
        for each in range(1, 5):
            sure = each in there and each in had and each not in company
            assert (windows.before("lib-1", UUID(int=each)) is not None) == sure
        assert windows.at("lib-1") == len(there)


# ── what it is worth ────────────────────────────────────────────────────────────────────────


def came_to(evidence: Evidence, *, large: bool = False) -> Settled | Disputed:
    """Settle a job of ten impressions."""
    planned = LARGE if large else figures(10)
    return settle(planned, evidence, now=NOW, patience=timedelta(hours=1))


def broken_off(meter_count: int | None) -> Evidence:
    """Return the evidence of a job that broke off where nobody says how far it came."""
    return Evidence(JobState.ABORTED, spooler_impressions=10, meter_impressions=meter_count)


def test_meters_say_how_far_a_broken_job_came() -> None:
    """What came out is charged, never more than planned; large paper counts twice somewhere."""
    some = came_to(broken_off(4))
    assert isinstance(some, Settled)
    assert (some.disposition, some.billed.impressions) == (Disposition.STOPPED, 4)
    assert some.billed.source is Source.DEVICE_METER
    more = came_to(broken_off(14))
    assert isinstance(more, Settled)
    assert (more.billed.impressions, more.printed_above) == (10, 4)
    assert isinstance(came_to(broken_off(4), large=True), Disputed)


@pytest.mark.parametrize("count", [None, 0])
def test_a_meter_that_did_not_move_proves_nothing(count: int | None) -> None:
    """Some lag: the dispute stays open, as without meters."""
    assert isinstance(came_to(broken_off(count)), Disputed)


def test_meters_settle_a_job_that_the_printer_counts_as_nothing() -> None:
    """It completed, reports 0, and its meters went on by all of it; by less it stays disputed."""
    zero = Evidence(JobState.COMPLETED, device_state=JobState.COMPLETED, device_impressions=0)
    assert isinstance(came_to(zero), Disputed)
    for count, final in ((10, True), (14, True), (9, False)):
        found = came_to(
            Evidence(
                JobState.COMPLETED,
                device_state=JobState.COMPLETED,
                device_impressions=0,
                meter_impressions=count,
            )
        )
        assert isinstance(found, Settled) == final
        if isinstance(found, Settled):
            assert found.billed.impressions == 10


STATES = st.sampled_from([None, *JobState])
COUNTS = st.one_of(st.none(), st.integers(0, 30))


@given(spooler=STATES, sent=COUNTS, state=STATES, device=COUNTS, count=COUNTS, large=st.booleans())
def test_meters_loosen_nothing(
    spooler: JobState | None,
    sent: int | None,
    state: JobState | None,
    device: int | None,
    count: int | None,
    *,
    large: bool,
) -> None:
    """What is settled without them is settled alike; never more than planned is charged."""

    def of(meter_count: int | None) -> Settled | Disputed:
        evidence = Evidence(
            spooler,
            spooler_impressions=sent,
            device_state=state,
            device_impressions=device,
            meter_impressions=meter_count,
        )
        return came_to(evidence, large=large)

    without, found = of(None), of(count)
    if isinstance(without, Settled):
        assert found == without
    elif isinstance(found, Settled):
        assert 0 < found.billed.impressions <= 10


async def test_the_figure_is_kept_with_the_job(tmp_path: Path) -> None:
    """Every figure with its source: the meters' beside the others, in what the centre hears."""
    here = Site(tmp_path)
    await here.ready()
    grant(here.books, euros("5"))
    job = await here.arrive()

    async def metered(device: str, asked: UUID) -> MeterCount | None:
        await asyncio.sleep(0)
        return MeterCount(10, 2) if (device, asked) == ("lib-1", UUID(str(job))) else None

    here.releasing._settling._metered = metered
    await here.releasing.release(UUID(str(job)), "lib-1", "ana")
    await here.look(job)
    (event,) = [each for each in said(here.books, "jobs") if isinstance(each, JobSettled)]
    by_source = {each.source: each for each in event.counts}
    assert set(by_source) == {
        Source.ANALYSIS,
        Source.SPOOLER,
        Source.DEVICE_JOB,
        Source.DEVICE_METER,
    }
    assert {each.impressions for each in event.counts} == {10}
    assert by_source[Source.DEVICE_METER].impressions == 10
    assert by_source[Source.DEVICE_METER].color_impressions == 2

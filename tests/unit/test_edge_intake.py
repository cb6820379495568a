"""Jobs on their way in: held, counted, and followed through whatever others do to them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from broker.messages import JobHeld, JobRefused
from config.policy.jobs import JobState
from edge.floor import Floor
from edge.leftovers import Leftovers
from edge.ports import SpoolerRefusedError
from edge.printing.fake_spooler import PrinterBehaviour
from edge.store.errors import StoreUnwritableError
from tests.unit.edge_lab import ANA, CENT, Death, Site, die, grant, said

if TYPE_CHECKING:
    from pathlib import Path

    from broker.messages import Note
    from config.ids import JobId
    from edge.ports import SpooledJob


@pytest.fixture
async def site(tmp_path: Path) -> Site:
    """Make a site with money for two jobs of ten pages."""
    made = Site(tmp_path)
    await made.ready()
    grant(made.books, 100 * CENT)
    return made


async def test_a_job_is_held_counted_and_told_once(site: Site) -> None:
    """However often the spooler speaks of a job, it comes into the books once."""
    job = await site.arrive()
    await site.look(job)
    await site.intake.sweep()
    assert site.phase(job) == "held"
    assert [each.job for each in said(site.books, "jobs") if isinstance(each, JobHeld)] == [job]


async def test_a_job_that_asks_for_no_hold_is_held_all_the_same(site: Site) -> None:
    """Who prints does not decide whether it is held."""
    job = site.spooler.submit("pull", b"%PDF-", user="ana", held=False)
    await site.look(job)
    seen = await site.spooler.job(job)
    assert seen is not None
    assert seen.state is JobState.PENDING_HELD


async def test_names_of_any_length_and_kind_come_in(site: Site) -> None:
    """A name with line breaks and 4 KB of unicode neither stops a job nor reaches a log."""
    name = "thesis\nINFO forged line " + "\N{SNOWMAN}" * 4096
    job = site.spooler.submit("pull", b"%PDF-", user="ana", name=name)
    await site.look(job)
    record = site.books.job(job)
    assert record is not None
    assert record.phase == "held"
    assert "\n" not in record.name
    assert len(record.name.encode()) <= 255


async def test_a_user_name_that_cannot_be_one_holds_the_job(site: Site) -> None:
    """The job is in the books, seen and not releasable, instead of failing at each look."""
    job = await site.arrive(user="x" * 4096)
    assert site.phase(job) == "unreadable"


async def test_one_job_that_fails_does_not_keep_a_sweep_from_the_next(site: Site) -> None:
    """One bad record blocks nothing: what comes behind it is looked at in the same sweep."""
    bad = site.spooler.submit("pull", b"%PDF-", user="ana")
    good = site.spooler.submit("pull", b"%PDF-", user="ana")
    fetch = site.spooler.fetch

    async def refusing(job: JobId, into: Path) -> bool:
        if job == bad:
            raise SpoolerRefusedError("not this one")
        return await fetch(job, into)

    site.spooler.fetch = refusing  # type: ignore[method-assign]
    with pytest.raises(SpoolerRefusedError):
        await site.intake.sweep()
    assert site.phase(good) == "held"


async def test_a_full_disk_leaves_jobs_held_and_they_come_in_later(site: Site) -> None:
    """Nothing is half entered; the next sweep after there is room enters it."""
    job = site.spooler.submit("pull", b"%PDF-", user="ana")
    site.disk.space = 0
    with pytest.raises(StoreUnwritableError):
        await site.intake.sweep()
    assert site.books.job(job) is None
    site.disk.space = None
    await site.intake.sweep()
    assert site.phase(job) == "held"


async def test_a_direct_job_is_released_at_once(site: Site) -> None:
    """No hold for people: it is decided, charged and printed by itself."""
    job = await site.arrive("direct")
    await site.intake.sweep()
    assert site.phase(job) == "settled"
    assert [at for at, _ in site.spooler.printed] == ["q-lib-1"]


async def test_a_direct_job_is_released_after_a_crash_before_the_decision(site: Site) -> None:
    """Held durably and then dead: the next look goes on, once."""
    job = site.spooler.submit("direct", b"%PDF-", user="ana")
    release = site.releasing.release_here

    site.releasing.release_here = die  # type: ignore[method-assign,assignment]
    with pytest.raises(Death):
        await site.look(job)
    site.releasing.release_here = release  # type: ignore[method-assign]
    site.crash()
    assert site.phase(job) == "held"
    await site.intake.sweep()
    await site.intake.sweep()
    assert site.phase(job) == "settled"
    assert len(site.spooler.printed) == 1


async def test_a_direct_job_that_was_refused_is_not_tried_again_by_itself(site: Site) -> None:
    """The refusal is an answer; more money later does not print behind anybody's back."""
    site.pages = 100
    job = await site.arrive("direct")
    grant(site.books, 1000 * CENT)
    await site.intake.sweep()
    assert site.phase(job) == "held"
    assert sum(isinstance(each, JobRefused) for each in said(site.books, "jobs")) == 1


async def test_a_view_from_before_the_settlement_is_no_reprint(site: Site) -> None:
    """A sweep that began while a job printed does not flag it after it was settled."""
    site.spooler.behaviour = PrinterBehaviour(JobState.PROCESSING)
    job = await site.arrive()
    await site.releasing.release(job, "lib-1", "ana")
    stale = await site.spooler.job(job)
    assert stale is not None
    assert stale.state is JobState.PROCESSING
    site.spooler.end(job, JobState.COMPLETED, 10)
    await site.look(job)
    assert site.phase(job) == "settled"
    await site.intake.look(stale)
    assert site.flags(job) == []


async def test_a_settled_job_that_prints_again_is_flagged_once_and_not_charged(site: Site) -> None:
    """Not by our act, so never charged; but a person should know."""
    job = await site.arrive()
    seen = await site.spooler.job(job)
    assert seen is not None
    await site.releasing.release(job, "lib-1", "ana")
    await site.intake.sweep()
    assert site.phase(job) == "settled"
    free = site.books.free(ANA, "EUR")

    async def printing(_: object) -> SpooledJob:
        await asyncio.sleep(0)
        return again

    again = replace(seen, queue="q-lib-1", state=JobState.PROCESSING)
    site.spooler.job = printing  # type: ignore[method-assign,assignment]
    await site.intake.look(again)
    await site.intake.look(again)
    assert site.flags(job) == ["reprint"]
    assert site.books.free(ANA, "EUR") == free


async def test_a_held_job_that_somebody_else_printed_is_flagged(site: Site) -> None:
    """Printed and never billed must show: an administrator's move is not a cancellation."""
    job = await site.arrive()
    await site.spooler.move(job, "q-lib-1")
    await site.spooler.resume(job, {})
    await site.intake.sweep()
    assert site.phase(job) == "canceled"
    assert site.flags(job) == ["moved-elsewhere"]


async def test_a_job_that_was_canceled_in_the_queue_costs_nothing(site: Site) -> None:
    """What a person takes back in time is gone without a flag."""
    job = await site.arrive()
    await site.spooler.cancel(job)
    await site.intake.sweep()
    assert site.phase(job) == "canceled"
    assert site.flags(job) == []
    assert site.books.free(ANA, "EUR") == 100 * CENT


async def test_many_events_of_one_job_make_one_look_at_a_time(site: Site) -> None:
    """Whoever floods the spooler with changes does not fill the edge's memory with looks."""
    notes: list[Note] = []
    floor = Floor(
        spooler=site.spooler,
        intake=site.intake,
        releasing=site.releasing,
        books=site.books,
        databases=(),
        prune=lambda: None,
        leftovers=Leftovers(site.books, busy=site.releasing.busy, clock=site.clock),
        note=notes.append,
        poll_every=timedelta(hours=1),
        clock=site.clock,
    )
    gate = asyncio.Event()
    count = site.analyst

    async def slowly(path: Path, attributes: object) -> object:
        await gate.wait()
        return await count(path, attributes)  # type: ignore[arg-type]

    site.intake._analyst = slowly  # type: ignore[assignment]
    task = asyncio.create_task(floor.follow())
    await asyncio.sleep(0)
    job = site.spooler.submit("pull", b"%PDF-", user="ana")
    before = len(asyncio.all_tasks())
    for _ in range(300):
        site.spooler._put(site.spooler._jobs[job], state=JobState.PENDING_HELD)
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) <= before + 1
    gate.set()
    for _ in range(30):
        await asyncio.sleep(0)
    assert site.phase(job) == "held"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

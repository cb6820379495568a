"""What may wait at a site: so many jobs of a person, so large, for so long."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from broker.messages import JobCanceled, JobHeld
from config.policy.jobs import JobState
from edge.discarding import PATIENCE, Expiry, WaitingLimits
from edge.open_jobs import OPEN, OpenJobs
from edge.ports import SpoolerRefusedError, SpoolerUnavailableError
from edge.printing.fake_spooler import PrinterBehaviour
from tests.unit.edge_lab import CENT, Death, Site, die, grant, said

if TYPE_CHECKING:
    from pathlib import Path

    from config.ids import JobId

DAY = timedelta(hours=24)


@pytest.fixture
async def site(tmp_path: Path) -> Site:
    """Make a site where two jobs of a person may wait, 100 octets together."""
    made = Site(tmp_path)
    made.limits = WaitingLimits(jobs=2, octets=100)
    made.open()
    await made.ready()
    grant(made.books, 100 * CENT)
    return made


def expiry(site: Site) -> Expiry:
    """Return what throws away jobs of more than a day."""
    return Expiry(
        site.books,
        site.open_jobs,
        site.discarding,
        alone_with=site.releasing.alone_with,
        after=DAY,
        clock=site.clock,
    )


async def arrive(site: Site, octets: int = 1, user: str = "ana", queue: str = "pull") -> JobId:
    """Print a document of so many octets."""
    job = site.spooler.submit(queue, b"%PDF-", user=user)

    async def fetch(_: object, into: Path) -> bool:
        into.write_bytes(bytes(octets))  # noqa: ASYNC240  a test's
        return await site.spooler.job(job) is not None

    site.spooler.fetch = fetch  # type: ignore[method-assign,assignment]
    await site.look(job)
    return job


async def test_one_job_too_many_is_thrown_away_with_a_reason(site: Site) -> None:
    """It is in the stream, in the list and gone from the spooler; another person's is taken."""
    first, second, third = [await arrive(site) for _ in range(3)]
    assert [site.phase(each) for each in (first, second, third)] == ["held", "held", "canceled"]
    (canceled,) = [each for each in said(site.books, "jobs") if isinstance(each, JobCanceled)]
    assert (canceled.job, canceled.by) == (third, "edge")
    assert canceled.detail.startswith("2 jobs of yours wait here already")
    (held,) = [e for e in said(site.books, "jobs") if isinstance(e, JobHeld) and e.job == third]
    assert held.problem == canceled.detail
    assert await site.spooler.job(third) is None
    assert site.phase(await arrive(site, user="eve")) == "held"


async def test_a_job_that_leaves_makes_room(site: Site) -> None:
    """Printed or deleted, it counts no more."""
    first, _ = [await arrive(site) for _ in range(2)]
    await site.releasing.release(first, "lib-1", "ana")
    assert site.phase(await arrive(site)) == "held"


async def test_documents_together_may_not_be_larger(site: Site) -> None:
    """Ninety octets and ten are taken, one more is not; a restart forgets nothing."""
    assert site.phase(await arrive(site, 90)) == "held"
    site.crash()
    assert site.phase(await arrive(site, 11)) == "canceled"
    assert site.phase(await arrive(site, 10)) == "held"


async def test_what_prints_at_once_is_not_kept_from_it(site: Site) -> None:
    """Who has many jobs waiting can still use a printer's own queue."""
    for _ in range(2):
        await arrive(site)
    job = await arrive(site, queue="direct")
    assert [at for at, printed in site.spooler.printed if printed == job] == ["q-lib-1"]


async def test_death_while_it_is_thrown_away_leaves_nothing(site: Site) -> None:
    """The next look ends what was begun."""
    for _ in range(2):
        await arrive(site)
    job = site.spooler.submit("pull", b"%PDF-", user="ana")
    cancel, site.spooler.cancel = site.spooler.cancel, die  # type: ignore[method-assign,assignment]
    with pytest.raises(Death):
        await site.look(job)
    site.spooler.cancel = cancel  # type: ignore[method-assign]
    site.crash()
    assert site.phase(job) == "unreadable"
    await site.intake.sweep()
    assert site.phase(job) == "canceled"


async def test_an_old_job_is_thrown_away_and_a_young_one_is_not(site: Site) -> None:
    """By the edge, with a sentence, and its document with it."""
    old = await arrive(site)
    site.now += DAY
    young = await arrive(site)
    site.now += timedelta(seconds=1)
    looks = expiry(site)
    assert await looks.sweep(0.0) == 0
    assert await looks.sweep(PATIENCE) == 1
    assert (site.phase(old), site.phase(young)) == ("canceled", "held")
    (canceled,) = [each for each in said(site.books, "jobs") if isinstance(each, JobCanceled)]
    assert (canceled.by, canceled.detail) == ("edge", "nobody printed it within 1 d")
    assert await site.spooler.job(old) is None


async def test_a_clock_that_was_wrong_for_a_moment_throws_nothing_away(site: Site) -> None:
    """It has to be too old for a while, by a clock that never jumps."""
    job = await arrive(site)
    looks = expiry(site)
    site.now += 100 * DAY
    assert await looks.sweep(0.0) == 0
    site.now -= 100 * DAY
    assert await looks.sweep(PATIENCE) == 0
    site.now += 100 * DAY
    assert await looks.sweep(2 * PATIENCE) == 0
    assert site.phase(job) == "held"


async def test_a_job_that_prints_does_not_grow_too_old(site: Site) -> None:
    """Only what waits expires."""
    site.spooler.behaviour = PrinterBehaviour(JobState.PROCESSING)
    job = await arrive(site)
    await site.releasing.release(job, "lib-1", "ana")
    site.now += 100 * DAY
    looks = expiry(site)
    await looks.sweep(0.0)
    assert await looks.sweep(PATIENCE) == 0
    assert site.phase(job) == "releasing"


async def test_a_spooler_that_is_away_delays_it(site: Site) -> None:
    """Nothing is canceled in the books that might still print."""
    job = await arrive(site)
    site.now += 2 * DAY
    looks = expiry(site)
    await looks.sweep(0.0)
    site.spooler.down = True
    with pytest.raises(SpoolerUnavailableError):
        await looks.sweep(PATIENCE)
    assert site.phase(job) == "held"
    site.spooler.down = False
    assert await looks.sweep(PATIENCE) == 1


async def test_one_that_cannot_be_canceled_keeps_no_other(site: Site) -> None:
    """What the spooler refuses to cancel is tried again; the jobs behind it go all the same."""
    stuck, other = await arrive(site), await arrive(site)
    site.now += 2 * DAY
    looks = expiry(site)
    await looks.sweep(0.0)
    cancel = site.spooler.cancel

    async def will_not(job: JobId) -> None:
        if job == stuck:
            raise SpoolerRefusedError("not this one")
        await cancel(job)

    site.spooler.cancel = will_not  # type: ignore[method-assign]
    assert await looks.sweep(PATIENCE) == 1
    assert (site.phase(stuck), site.phase(other)) == ("held", "canceled")
    site.spooler.cancel = cancel  # type: ignore[method-assign]
    assert await looks.sweep(PATIENCE) == 1
    assert site.phase(stuck) == "canceled"


async def test_open_jobs_are_those_of_the_books(site: Site) -> None:
    """What is kept in memory is what a fresh start would find."""
    site.limits = WaitingLimits()
    site.open()
    jobs = []
    for _ in range(4):
        jobs.append(await arrive(site))
        site.now += timedelta(seconds=1)
    await site.releasing.release(jobs[1], "lib-1", "ana")
    await site.intake.sweep()
    await site.discarding.discard(site.books.jobs(*OPEN)[0], "ana", "")
    assert site.open_jobs.of("ANA") == OpenJobs(site.books.jobs(*OPEN)).of("ana") == jobs[2:]

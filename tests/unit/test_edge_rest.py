"""A printer fails in mid-job: what came out is paid, the rest waits and is paid once, elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broker.messages import Charged, JobHeld, JobSettled
from config.policy.decisions import Allowed
from config.policy.jobs import JobState
from edge.discarding import WaitingLimits
from edge.printing.fake_spooler import PrinterBehaviour
from edge.release import Phase
from edge.store.holds import disagreements
from edge.store.memory_disk import PowerCutError
from edge.store.recovery import recover
from tests.unit.edge_lab import ANA, CENT, Death, Site, die, grant, open_books, said

if TYPE_CHECKING:
    from pathlib import Path

    from config.ids import JobId
    from edge.jobs import JobRecord

PRICE = 50 * CENT
MONEY = 4 * PRICE
#: Half of the ten pages.
HALF = PrinterBehaviour(JobState.ABORTED, 5)


@pytest.fixture
async def site(tmp_path: Path) -> Site:
    """Make a site with two printers and money for four jobs of ten pages."""
    made = Site(tmp_path, ("lib-1", "lib-2"))
    await made.ready()
    grant(made.books, MONEY)
    return made


def paid(site: Site) -> dict[str, int]:
    """Return what was charged at each printer."""
    found: dict[str, int] = {}
    for each in said(site.books, "ledger"):
        if isinstance(each, Charged):
            cents = sum(amount.micros for amount in each.postings) // CENT
            found[each.printer] = found.get(each.printer, 0) + cents
    return found


def rests(site: Site) -> list[JobRecord]:
    """Return the jobs that are the rest of others."""
    return [each for each in site.books.jobs() if each.rest_of is not None]


async def fails(site: Site, *, queue: str = "pull", behaviour: PrinterBehaviour = HALF) -> JobId:
    """Print a job at a printer that fails."""
    site.spooler.behaviour = behaviour
    job = await site.arrive(queue)
    if queue == "pull":
        assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Allowed)
    await site.intake.sweep()
    await site.intake.sweep()
    return job


async def works(site: Site, job: JobRecord, printer: str = "lib-2") -> None:
    """Release a job at a printer that does what it should."""
    assert job.planned is not None
    site.spooler.behaviour = PrinterBehaviour(impressions=job.planned.impressions)
    assert isinstance(await site.releasing.release(job.job, printer, "ana"), Allowed)
    await site.intake.sweep()


async def test_the_rest_is_printed_elsewhere_and_nothing_is_paid_twice(site: Site) -> None:
    """Five pages are paid where they came out; the other five wait, and are paid where they do."""
    job = await fails(site)
    assert paid(site) == {"lib-1": 25}
    (rest,) = rests(site)
    assert (rest.phase, rest.user, rest.name, rest.queue) == (
        Phase.HELD, "ana", "document", "pull",
    )  # fmt: skip
    assert rest.rest_of == job
    assert rest.attributes.page_ranges == ((6, 10),)
    assert rest.planned is not None
    assert rest.planned.impressions == 5
    assert site.books.free(ANA, "EUR") == MONEY - 25 * CENT
    await works(site, rest)
    assert paid(site) == {"lib-1": 25, "lib-2": 25}
    assert site.books.free(ANA, "EUR") == MONEY - PRICE
    assert [queue for queue, _ in site.spooler.printed] == ["q-lib-1", "q-lib-2"]


async def test_the_books_say_which_job_is_the_rest_of_which(site: Site) -> None:
    """Both ends are told to the centre, and the failed job is forgotten by the spooler."""
    job = await fails(site)
    (rest,) = rests(site)
    events = said(site.books, "jobs")
    assert [each.rest for each in events if isinstance(each, JobSettled)] == [rest.job]
    assert [each.rest_of for each in events if isinstance(each, JobHeld)] == [None, job]
    assert await site.spooler.job(job) is None


async def test_a_job_of_which_nothing_came_out_stays_as_it_was(site: Site) -> None:
    """A printer that refuses costs nothing, and nobody walks back to print it again."""
    await fails(site, behaviour=PrinterBehaviour(JobState.ABORTED, 0))
    assert paid(site) == {}
    (rest,) = rests(site)
    assert rest.planned is not None
    assert rest.planned.impressions == 10
    await works(site, rest)
    assert paid(site) == {"lib-2": 50}


async def test_a_rest_that_fails_leaves_its_own_rest(site: Site) -> None:
    """Two of the last five come out at the second printer, three at the third try."""
    await fails(site)
    (rest,) = rests(site)
    site.spooler.behaviour = PrinterBehaviour(JobState.ABORTED, 2)
    await site.releasing.release(rest.job, "lib-2", "ana")
    await site.intake.sweep()
    await site.intake.sweep()
    (last,) = (each for each in rests(site) if each.phase is Phase.HELD)
    assert (last.rest_of, last.attributes.page_ranges) == (rest.job, ((8, 10),))
    await works(site, last, "lib-1")
    assert paid(site) == {"lib-1": 40, "lib-2": 10}


async def test_a_direct_queue_does_not_try_the_printer_that_failed_again(site: Site) -> None:
    """The rest of its job waits for a person, who may print it anywhere."""
    await fails(site, queue="direct")
    for _ in range(3):
        await site.intake.sweep()
    assert len(site.spooler.printed) == 1
    (rest,) = rests(site)
    await works(site, rest)
    assert paid(site) == {"lib-1": 25, "lib-2": 25}


async def test_a_rest_is_not_too_much_for_the_limits(site: Site) -> None:
    """It was here before, so it is kept though as many jobs wait as may."""
    site.limits = WaitingLimits(jobs=1)
    site.open()
    await fails(site)
    await site.arrive()
    (rest,) = rests(site)
    assert rest.phase is Phase.HELD


async def test_a_document_that_is_gone_leaves_no_rest(site: Site) -> None:
    """Then it is settled for what came out, as ever."""

    async def nothing(*_: object, **__: object) -> None:
        return None

    site.spooler.put_back = nothing  # type: ignore[method-assign]
    await fails(site)
    assert paid(site) == {"lib-1": 25}
    assert rests(site) == []


async def test_paper_that_comes_later_changes_neither_part(site: Site) -> None:
    """What is paid and what is left were decided together: a count that grows is not asked for."""
    site.spooler.behaviour = HALF
    job = await site.arrive()
    put_back = site.spooler.put_back

    async def dies(*_: object, **__: object) -> None:
        await die()

    site.spooler.put_back = dies  # type: ignore[method-assign]
    await site.releasing.release(job, "lib-1", "ana")
    with pytest.raises(Death):
        await site.intake.sweep()
    site.crash()
    site.spooler.put_back = put_back  # type: ignore[method-assign]
    site.spooler.end(job, JobState.ABORTED, 7)
    await site.intake.sweep()
    await site.intake.sweep()
    assert paid(site) == {"lib-1": 25}
    assert [each.attributes.page_ranges for each in rests(site)] == [((6, 10),)]


async def test_a_rest_that_is_seen_before_its_whole_is_settled_waits_for_that(site: Site) -> None:
    """Death after it was put back: whichever of the two is looked at first, both come right."""
    site.spooler.behaviour = HALF
    job = await site.arrive()
    settle, site.books.settle = site.books.settle, None  # type: ignore[method-assign,assignment]
    await site.releasing.release(job, "lib-1", "ana")
    with pytest.raises(TypeError):
        await site.intake.sweep()
    site.books.settle = settle  # type: ignore[method-assign]
    (seen,) = await site.spooler.jobs()
    assert (seen.mark or "").startswith(str(job))
    assert paid(site) == {}
    await site.intake.look(seen)
    assert paid(site) == {"lib-1": 25}
    (rest,) = rests(site)
    assert rest.job == seen.job


async def test_who_only_says_to_be_a_rest_is_a_job_like_any_other(site: Site) -> None:
    """A claim changes nothing: it is counted, held and paid for itself, and the rest is the rest.

    Anybody can see which jobs there are, and mark one of their own before the printer fails.
    """
    site.spooler.behaviour = PrinterBehaviour(JobState.PROCESSING)
    job = await site.arrive()
    await site.releasing.release(job, "lib-1", "ana")
    for mark in (f"{job}", f"{job}:{job}", "nonsense"):
        other = await site.spooler.put_back(job, "pull", user="ana", changes={}, mark=mark)
        assert other is not None
        await site.look(other)
    site.spooler.end(job, JobState.ABORTED, 5)
    await site.intake.sweep()
    await site.intake.sweep()
    assert paid(site) == {"lib-1": 25}
    (rest,) = rests(site)
    assert rest.attributes.page_ranges == ((6, 10),)
    assert len(site.books.jobs(Phase.HELD)) == 4


@pytest.mark.parametrize("keep", [0, 1])
async def test_wherever_the_power_goes_the_whole_is_paid_once(tmp_path: Path, keep: int) -> None:
    """Ten pages, five at each printer, fifty cents: at whichever write the edge dies."""
    cuts = 0
    for power in range(3, 24):
        site = Site(tmp_path, ("lib-1", "lib-2"))
        await site.ready()
        grant(site.books, MONEY)
        site.disk.power = power
        for _ in range(12):
            try:
                await _go_on(site)
            except PowerCutError:
                cuts += 1
                site.disk = site.disk.crash(lambda n: n * keep)
                _restart(site)
        assert paid(site) == {"lib-1": 25, "lib-2": 25}, power
        assert len(rests(site)) == 1
        assert site.books.free(ANA, "EUR") == MONEY - PRICE
        recovered = recover(site.disk)
        assert recovered is not None
        assert list(disagreements(recovered.fold)) == []
    assert cuts > 10


async def _go_on(site: Site) -> None:
    """Do what people and the edge do next; after a power cut the same again."""
    if not site.books.jobs() and not await site.spooler.jobs() and not site.spooler.printed:
        site.spooler.submit("pull", b"%PDF-", user="ana")
    await site.intake.sweep()
    for record in site.books.jobs(Phase.HELD):
        rest = record.rest_of is not None
        site.spooler.behaviour = PrinterBehaviour(impressions=5) if rest else HALF
        await site.releasing.release(record.job, "lib-2" if rest else "lib-1", "ana")


def _restart(site: Site) -> None:
    site.books = open_books(site.disk)
    site.funds.books = site.books
    site.open()

"""A job that stands at a printer that is stuck: its owner takes it off and prints the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broker.messages import CancelRequest, Charged, JobSettled, Person
from config.policy.decisions import Allowed
from config.policy.jobs import JobState
from edge.printing.fake_spooler import PrinterBehaviour
from edge.release import Phase
from tests.unit.counter_lab import CARD, Counter, asked
from tests.unit.edge_lab import ANA, CENT, Death, Site, grant, said

if TYPE_CHECKING:
    from pathlib import Path

    from config.ids import JobId
    from edge.jobs import JobRecord

PRICE = 50 * CENT


@pytest.fixture
async def counter(tmp_path: Path) -> Counter:
    """Open a counter at a site with two printers and money for two jobs of ten pages."""
    site = Site(tmp_path, ("lib-1", "lib-2"))
    await site.ready()
    grant(site.books, 2 * PRICE)
    return Counter(site)


def takes_off(job: JobId, person: Person = CARD) -> CancelRequest:
    """Return the wish to have a job off its printer."""
    return CancelRequest(**asked(job=job, person=person, printing=True))


async def stuck(site: Site, state: JobState = JobState.PROCESSING) -> JobId:
    """Release a job to a printer that does not go on."""
    site.spooler.behaviour = PrinterBehaviour(state)
    job = await site.arrive()
    assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Allowed)
    return job


def says(site: Site, impressions: int | None) -> None:
    """Let the printer say how much came out when a job is canceled there."""

    async def cancel(job: JobId) -> None:
        there = await site.spooler.job(job)
        if there is not None and not there.state.terminal:
            site.spooler.end(job, JobState.CANCELED, impressions)

    site.spooler.cancel = cancel  # type: ignore[method-assign]


def paid(site: Site) -> list[tuple[str, int]]:
    """Return what was charged, and where."""
    return [
        (each.printer, sum(amount.micros for amount in each.postings) // CENT)
        for each in said(site.books, "ledger")
        if isinstance(each, Charged)
    ]


async def rest(site: Site) -> JobRecord | None:
    """Return what waits after the edge has looked at everything."""
    for _ in range(3):  # it is stopped, it is settled, its rest is taken in
        await site.intake.sweep()
    return next(iter(site.books.jobs(Phase.HELD)), None)


async def test_what_a_stuck_printer_has_made_is_paid_and_the_rest_elsewhere(
    counter: Counter,
) -> None:
    """Five pages came out of the jammed one, five out of the next: fifty cents in all."""
    site = counter.site
    job = await stuck(site)
    says(site, 5)
    assert (await counter.answers(takes_off(job))).status == "ok"
    left = await rest(site)
    assert left is not None
    assert left.attributes.page_ranges == ((6, 10),)
    (settled,) = (each for each in said(site.books, "jobs") if isinstance(each, JobSettled))
    assert (settled.stopped_by, settled.rest, settled.flag) == ("ana", left.job, None)
    site.spooler.behaviour = PrinterBehaviour(impressions=5)
    assert isinstance(await site.releasing.release(left.job, "lib-2", "ana"), Allowed)
    await site.intake.sweep()
    assert paid(site) == [("lib-1", 25), ("lib-2", 25)]
    assert site.books.free(ANA, "EUR") == PRICE


async def test_a_job_behind_others_goes_elsewhere_as_it_is(counter: Counter) -> None:
    """Nothing of it was printed, nothing is paid, all of it waits again."""
    site = counter.site
    job = await stuck(site, JobState.PENDING)
    assert (await counter.answers(takes_off(job))).status == "ok"
    left = await rest(site)
    assert left is not None
    assert left.planned is not None
    assert (left.rest_of, left.planned.impressions) == (job, 10)
    assert paid(site) == []
    assert site.books.free(ANA, "EUR") == 2 * PRICE


async def test_a_printer_that_does_not_say_leaves_nothing(counter: Counter) -> None:
    """Nobody gets a document back of which all may have come out."""
    site = counter.site
    job = await stuck(site)
    says(site, None)
    await counter.answers(takes_off(job))
    assert await rest(site) is None
    assert site.phase(job) == "settled"


async def test_a_job_that_was_through_is_paid_in_full(counter: Counter) -> None:
    """Who wants it off too late has it, and pays it once."""
    site = counter.site
    job = await stuck(site)

    async def ends(_: JobId) -> None:
        site.spooler.end(job, JobState.COMPLETED, 10)

    site.spooler.cancel = ends  # type: ignore[method-assign,assignment]
    await counter.answers(takes_off(job))
    assert await rest(site) is None
    assert paid(site) == [("lib-1", 50)]
    assert (await counter.answers(takes_off(job))).status == "refused"


async def test_only_who_says_so_stops_what_prints(counter: Counter) -> None:
    """Throwing a held job away, a moment too late, does nothing; nor does a stranger's wish."""
    site = counter.site
    job = await stuck(site)
    late = CancelRequest(**asked(job=job, person=CARD))
    for question in (late, takes_off(job, Person(card="4712"))):
        reply = await counter.answers(question)
        assert reply.status == "refused"
    seen = await site.spooler.job(job)
    assert seen is not None
    assert seen.state is JobState.PROCESSING
    record = site.books.job(job)
    assert record is not None
    assert record.stopped_by is None


async def test_a_wish_outlives_the_edge(counter: Counter) -> None:
    """Dead between the wish and its carrying out: the next look ends the job all the same."""
    site = counter.site
    job = await stuck(site)

    async def dies(_: JobId) -> None:
        raise Death

    cancel, site.spooler.cancel = site.spooler.cancel, dies  # type: ignore[method-assign,assignment]
    record = site.books.job(job)
    assert record is not None
    with pytest.raises(Death):
        await site.releasing.stop(record, "ana")
    site.crash()
    site.spooler.cancel = cancel  # type: ignore[method-assign]
    says(site, 3)
    left = await rest(site)
    assert left is not None
    assert left.attributes.page_ranges == ((4, 10),)
    assert paid(site) == [("lib-1", 15)]

"""The three roles at a site: what goes on, what is refused, and what a change of role leaves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from broker.directory import AccountRow, UserRow
from broker.messages import (
    Collected,
    DirectoryRows,
    JobHeld,
    JobRefused,
    JobReleased,
    Reclaim,
    Returned,
)
from config.policy.decisions import Allowed, Denied, Reason
from config.policy.jobs import JobState
from edge.changing import Changing
from edge.leftovers import PATIENCE as LEFT_FOR
from edge.leftovers import Leftovers
from edge.store.replica import rows_of
from tests.unit.edge_lab import (
    ANA,
    CENT,
    Site,
    centre_says,
    grant,
    said,
)
from tests.unit.roles_lab import (
    PRICE,
    become,
    gave_back,
    postings,
    release,
    still_printing,
    wish,
)

if TYPE_CHECKING:
    from pathlib import Path


DEPARTMENT = "department:physics"


@pytest.fixture
async def site(tmp_path: Path) -> Site:
    """Make a site without money."""
    made = Site(tmp_path)
    await made.ready()
    return made


# ── agent ───────────────────────────────────────────────────────────────────────────────────


async def test_an_agent_asks_for_each_job_and_gives_the_rest_back(site: Site) -> None:
    """The whole price is asked for, what was not used of it goes back with the settlement."""
    become(site, "agent")
    site.funds.for_jobs = True
    site.funds.coming = {ANA: 2 * PRICE}
    still_printing(site)
    job = await site.arrive()
    assert isinstance(await release(site, job), Allowed)
    site.spooler.end(job, JobState.ABORTED, 4)
    await site.intake.sweep()
    assert postings(site) == [(ANA, 20 * CENT, "allocation")]
    assert gave_back(site) == [(PRICE + 30 * CENT, "job-over", job)]
    assert site.books.money() == ({}, 0)


async def test_a_grant_for_one_job_is_for_no_other(site: Site) -> None:
    """What is set aside for a job is not spent by another, reclaimed, or called free."""
    become(site, "agent")
    first, second = await site.arrive(), await site.arrive()
    grant(site.books, PRICE, job=first)
    centre_says(site.books, Reclaim(reclaim=UUID(int=3), account=ANA, unit="EUR", up_to=PRICE))
    refused = await release(site, second)
    assert isinstance(refused, Denied)
    assert refused.short is not None
    assert refused.short.missing.micros == PRICE
    assert [each.micros for each in said(site.books, "ledger") if isinstance(each, Returned)] == [0]
    assert site.books.free(ANA, "EUR") == 0
    assert isinstance(await release(site, first), Allowed)


async def test_a_refusal_gives_the_jobs_money_back(site: Site) -> None:
    """Money that did not do goes back in the record of the refusal, not later."""
    become(site, "agent")
    site.funds.for_jobs = True
    site.funds.coming = {ANA: PRICE - CENT}
    job = await site.arrive()
    assert isinstance(await release(site, job), Denied)
    assert gave_back(site) == [(PRICE - CENT, "job-over", job)]
    assert site.books.money() == ({}, 0)


async def test_an_agent_without_a_line_refuses_and_keeps_the_job(site: Site) -> None:
    """Out of service, in words; with the line back the same job is released."""
    become(site, "agent")
    job = await site.arrive()
    grant(site.books, PRICE, job=job)
    site.funds.reachable = False
    refused = await release(site, job)
    assert isinstance(refused, Denied)
    assert (refused.reason, "line to the centre is down" in refused.detail) == (
        Reason.OUT_OF_SERVICE,
        True,
    )
    assert site.phase(job) == "held"
    site.funds.reachable = True
    site.funds.for_jobs = True
    site.funds.coming = {ANA: PRICE}
    assert isinstance(await release(site, job), Allowed)


async def test_an_agents_direct_queue_prints_when_the_line_is_back(site: Site) -> None:
    """Said once that it waits; nobody has to ask again."""
    become(site, "agent")
    site.funds.reachable = False
    job = await site.arrive("direct")
    for _ in range(3):
        await site.intake.sweep()
    assert len([each for each in said(site.books, "jobs") if isinstance(each, JobRefused)]) == 1
    site.funds.reachable = True
    site.funds.for_jobs = True
    site.funds.coming = {ANA: PRICE}
    await site.intake.sweep()
    await site.intake.sweep()
    assert site.phase(job) == "settled"


async def test_what_came_too_late_goes_back(site: Site) -> None:
    """A grant for a job that is over, or that nobody knows, is not kept for an instant."""
    become(site, "agent")
    job = await site.arrive()
    await site.spooler.cancel(job)
    await site.intake.sweep()
    grant(site.books, PRICE, job=job)
    grant(site.books, PRICE, job=UUID(int=77))
    assert gave_back(site) == [
        (PRICE, "job-over", job),
        (PRICE, "job-over", UUID(int=77)),
    ]
    assert site.books.money() == ({}, 0)


async def test_money_for_a_job_that_has_its_own_goes_back(site: Site) -> None:
    """A grant that comes when its job prints already is not kept until that ends, or is settled."""
    become(site, "agent")
    still_printing(site)
    site.funds.for_jobs = True
    site.funds.coming = {ANA: PRICE}
    job = await site.arrive()
    assert isinstance(await release(site, job), Allowed)
    grant(site.books, 7 * CENT, job=job)
    assert gave_back(site) == [(7 * CENT, "job-over", job)]
    site.spooler.end(job, JobState.CANCELED, 4)
    await site.intake.sweep()
    assert gave_back(site)[1:] == [(30 * CENT, "job-over", job)]
    assert site.books.money() == ({}, 0)


async def test_money_nobody_comes_for_goes_back(site: Site) -> None:
    """What is set aside for a job that waits stays for a minute, over a crash too; not longer."""
    become(site, "agent")
    job = await site.arrive()
    grant(site.books, PRICE, job=job)
    site.crash()
    leftovers = Leftovers(site.books, busy=site.releasing.busy, clock=site.clock)
    assert leftovers.sweep(100.0) == 0
    async with site.releasing.alone_with(job):
        assert leftovers.sweep(101.0 + LEFT_FOR) == 0
    assert leftovers.sweep(102.0 + LEFT_FOR) == 0
    assert leftovers.sweep(103.0 + 2 * LEFT_FOR) == 1
    assert gave_back(site) == [(PRICE, "job-over", job)]


async def test_an_agent_keeps_no_money_for_later(site: Site) -> None:
    """A grant that is for no job goes straight back; so does what a dispute leaves over."""
    grant(site.books, PRICE)
    still_printing(site)
    job = await site.arrive()
    assert isinstance(await release(site, job), Allowed)
    site.spooler.lose(job)
    await site.intake.sweep()
    assert site.phase(job) == "disputed"
    become(site, "agent")
    grant(site.books, 7 * CENT)
    site.now += timedelta(days=2)
    await site.releasing.end_disputes()
    assert gave_back(site) == [(7 * CENT, "role", None), (PRICE, "role", None)]
    assert site.books.money() == ({}, 0)


# ── tracker ─────────────────────────────────────────────────────────────────────────────────


async def test_a_tracker_prints_on_past_its_money_as_far_as_its_caps(site: Site) -> None:
    """What is here is charged first, what is not is owed; then, by its terms, no more."""
    become(site, "tracker", caps=(PRICE, PRICE - 10 * CENT))
    grant(site.books, 20 * CENT)
    site.funds.reachable = False
    first, second = await site.arrive("direct"), await site.arrive("direct")
    await site.intake.sweep()
    assert (site.phase(first), site.phase(second)) == ("settled", "held")
    assert postings(site) == [(ANA, 20 * CENT, "allocation"), (ANA, 30 * CENT, "uncovered")]
    assert site.books.till.owed("EUR") == 30 * CENT
    centre_says(site.books, Collected(id=UUID(int=9), account=ANA, unit="EUR", micros=30 * CENT))
    assert site.books.till.owed("EUR") == 0
    assert site.books.till.owed("EUR", ANA) == 0


async def test_a_tracker_asks_the_centre_before_it_owes(site: Site) -> None:
    """With the line up money is fetched, and only what does not come is owed."""
    become(site, "tracker", caps=(None, None))
    site.funds.coming = {ANA: 20 * CENT}
    await site.arrive("direct")
    await site.intake.sweep()
    assert site.funds.asked == [ANA]
    assert postings(site) == [(ANA, 20 * CENT, "allocation"), (ANA, 30 * CENT, "uncovered")]


async def test_half_a_job_is_paid_from_here_and_owes_nothing(site: Site) -> None:
    """What was printed is charged to what is here first: the debt is what is refunded first."""
    become(site, "tracker", caps=(PRICE, None))
    grant(site.books, 20 * CENT)
    site.funds.reachable = False
    still_printing(site)
    job = await site.arrive("direct")
    assert site.books.till.owed("EUR", ANA) == 30 * CENT
    site.spooler.end(job, JobState.ABORTED, 4)
    await site.intake.sweep()
    assert postings(site) == [(ANA, 20 * CENT, "allocation")]
    assert site.books.till.owed("EUR") == 0


async def test_a_tracker_releases_nothing_from_a_shared_queue(site: Site) -> None:
    """Such a job stays held, and it is said why; what was held before can still be released."""
    grant(site.books, 2 * PRICE)
    before = await site.arrive()
    become(site, "tracker")
    after = await site.arrive()
    held = [each for each in said(site.books, "jobs") if isinstance(each, JobHeld)]
    assert "works as a tracker" in (held[-1].problem or "")
    refused = await release(site, after)
    assert isinstance(refused, Denied)
    assert refused.reason is Reason.OUT_OF_SERVICE
    assert isinstance(await release(site, before), Allowed)
    await site.look(before)
    become(site, "remote", number=2)
    assert isinstance(await release(site, after), Allowed)


async def test_two_lists_cannot_go_past_the_sites_cap_together(site: Site) -> None:
    """Each account may be within its cap: what the site may owe is one sum for all of them."""
    cursor = site.replica.cursor
    assert cursor is not None
    n = cursor.n + 1
    rows = rows_of(
        [
            ("user", "ana", n, UserRow(name="ana", wallets=((ANA,), (DEPARTMENT,)))),
            ("account", DEPARTMENT, n, AccountRow(account=DEPARTMENT, unit="EUR")),
        ]
    )
    site.replica.apply(DirectoryRows(epoch=1, kind="delta", since=n - 1, upto=n, rows=rows))
    become(site, "tracker", caps=(2 * PRICE - 1, None))
    site.funds.reachable = False
    job = await site.arrive("direct")
    await site.intake.sweep()
    assert site.phase(job) == "held"
    assert site.books.till.owed("EUR") == 0
    become(site, "tracker", number=2, caps=(2 * PRICE, None))
    assert isinstance(await release(site, job), Allowed)
    assert site.books.till.owed("EUR") == 2 * PRICE


# ── remote ──────────────────────────────────────────────────────────────────────────────────


async def test_the_float_is_for_a_site_that_is_cut_off(site: Site) -> None:
    """With the line up nothing goes past what is here; alone it does, up to the caps."""
    become(site, "remote", caps=(PRICE, PRICE))
    job = await site.arrive()
    assert isinstance(await release(site, job), Denied)
    site.funds.reachable = False
    assert isinstance(await release(site, job), Allowed)
    await site.intake.sweep()
    assert postings(site) == [(ANA, PRICE, "uncovered")]
    assert isinstance(await release(site, await site.arrive()), Denied)


async def test_an_account_without_limit_touches_no_money_here(site: Site) -> None:
    """It is held and charged in name, so that the centre books it; no balance here changes."""
    cursor = site.replica.cursor
    assert cursor is not None
    n = cursor.n + 1
    free = AccountRow(account=ANA, unit="EUR", unlimited=True)
    rows = rows_of([("account", ANA, n, free)])
    site.replica.apply(DirectoryRows(epoch=1, kind="delta", since=n - 1, upto=n, rows=rows))
    site.funds.reachable = False
    still_printing(site)
    job = await site.arrive()
    assert isinstance(await release(site, job), Allowed)
    held = [each for each in said(site.books, "jobs") if isinstance(each, JobReleased)]
    assert [each.covered_by for each in held[0].held] == ["account"]
    assert site.books.money() == ({}, 0)
    site.spooler.end(job, JobState.COMPLETED, 10)
    await site.intake.sweep()
    assert postings(site) == [(ANA, PRICE, "account")]
    assert (site.books.money(), site.books.till.owed("EUR")) == (({}, 0), 0)


async def test_a_tracker_that_is_alone_too_long_prints_nothing(site: Site) -> None:
    """Its direct queue waits as well, and prints when the centre has been heard."""
    become(site, "tracker")
    grant(site.books, PRICE)
    wish(site, "tracker", number=2, offline=86_400)
    Changing(site.books, clock=site.clock).step(0.0)
    site.funds.reachable = False
    site.alone_for = timedelta(days=2)
    job = await site.arrive("direct")
    await site.intake.sweep()
    assert site.phase(job) == "held"
    site.alone_for = timedelta(seconds=1)
    await site.intake.sweep()
    assert site.phase(job) == "releasing"


async def test_too_long_alone_nothing_is_released(site: Site) -> None:
    """The terms' limit on time without the centre holds, whatever money there is."""
    grant(site.books, 2 * PRICE)
    wish(site, "remote", offline=86_400)
    Changing(site.books, clock=site.clock).step(0.0)
    site.funds.reachable = False
    site.alone_for = timedelta(days=1) - timedelta(seconds=1)
    assert isinstance(await release(site, await site.arrive()), Allowed)
    site.alone_for = timedelta(days=1, hours=2)
    refused = await release(site, await site.arrive())
    assert isinstance(refused, Denied)
    assert refused.reason is Reason.OFFLINE_TOO_LONG
    assert "1 d 2 h" in refused.detail

"""A change of role: new holds stop, running jobs settle, what may not stay goes back, once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from tinydb import where

from broker.messages import (
    TermsTaken,
)
from config.policy.decisions import Denied, Reason
from config.policy.jobs import JobState
from edge.changing import PATIENCE, Changing
from edge.release import Phase
from edge.store.books import INDEXES, Books
from edge.store.database import EdgeDatabase
from edge.store.journal import Journal
from edge.store.memory_disk import MemoryDisk
from edge.terms import Terms
from tests.unit.edge_lab import (
    CENT,
    NOW,
    Site,
    grant,
    minting,
    open_books,
    said,
)
from tests.unit.roles_lab import (
    PRICE,
    become,
    gave_back,
    ledger,
    release,
    still_printing,
    wish,
)

if TYPE_CHECKING:
    from pathlib import Path

    from broker.messages import Role


def taken(site: Site) -> list[TermsTaken]:
    """Return what the centre was told of terms."""
    return [each for each in ledger(site, TermsTaken) if isinstance(each, TermsTaken)]


@pytest.fixture
async def site(tmp_path: Path) -> Site:
    """Make a site without money."""
    made = Site(tmp_path)
    await made.ready()
    return made


async def test_a_change_waits_for_running_jobs_and_stops_new_ones(site: Site) -> None:
    """Nothing new is held, what prints settles under the old role, then the rest goes back."""
    grant(site.books, 3 * PRICE)
    still_printing(site)
    job, other = await site.arrive(), await site.arrive()
    await release(site, job)
    wish(site, "agent")
    changing = Changing(site.books, clock=site.clock)
    assert not changing.step(0.0)
    refused = await release(site, other)
    assert isinstance(refused, Denied)
    assert refused.reason is Reason.OUT_OF_SERVICE
    assert "being changed" in refused.detail
    site.spooler.end(job, JobState.COMPLETED, 10)
    await site.intake.sweep()
    assert changing.step(1.0)
    assert site.books.terms.taken.name == "agent"
    assert [type(each).__name__ for each in said(site.books, "ledger")] == [
        "Charged",
        "GaveBack",
        "TermsTaken",
    ]
    assert gave_back(site) == [(2 * PRICE, "role", None)]


async def test_a_printer_without_paper_does_not_close_the_site(site: Site) -> None:
    """After a while a job that still prints keeps its hold as a disputed one does."""
    grant(site.books, 2 * PRICE)
    still_printing(site)
    await release(site, await site.arrive())
    wish(site, "agent")
    changing = Changing(site.books, clock=site.clock)
    assert not changing.step(0.0)
    assert not changing.step(PATIENCE - 1)
    assert changing.step(PATIENCE)
    assert site.books.terms.taken.name == "agent"
    assert gave_back(site) == [(PRICE, "role", None)]
    assert site.books.money() == ({"EUR": PRICE}, 1)


async def test_a_big_site_gives_back_in_slices(site: Site) -> None:
    """Each record gives back of so many accounts; the last one takes the terms with it."""
    for number in range(5):
        grant(site.books, CENT, f"user:u{number}")
    wish(site, "agent")
    assert not site.books.approach_terms(site.now, 2)
    assert site.books.terms.taken.name == "remote"
    site.crash()
    assert not site.books.approach_terms(site.now, 2)
    assert site.books.approach_terms(site.now, 2)
    assert len(gave_back(site)) == 5
    assert len(ledger(site, TermsTaken)) == 1
    assert site.books.approach_terms(site.now, 2)
    assert len(ledger(site, TermsTaken)) == 1


async def test_a_wish_outlives_a_crash_and_old_ones_are_ignored(site: Site) -> None:
    """It is durable with its event; what is repeated or older changes nothing."""
    wish(site, "tracker", number=5)
    site.crash()
    assert site.books.terms.wish is not None
    become(site, "tracker", number=4)
    assert (site.books.terms.taken.number, site.books.terms.taken.name) == (5, "tracker")
    site.crash()
    wish(site, "agent", number=5)
    assert site.books.terms.wish is None


async def test_other_caps_are_taken_at_once(site: Site) -> None:
    """Where only figures change nobody waits, whatever prints."""
    grant(site.books, PRICE)
    still_printing(site)
    await release(site, await site.arrive())
    wish(site, "remote", caps=(PRICE, None))
    assert Changing(site.books, clock=site.clock).step(0.0)
    assert site.books.terms.taken.number == 1
    assert site.books.jobs(Phase.RELEASING)


async def test_narrower_caps_wait_for_jobs_that_went_past_them(site: Site) -> None:
    """The centre counts the wider caps as long as a job under way may use them."""
    become(site, "remote", caps=(2 * PRICE, None))
    site.funds.reachable = False
    still_printing(site)
    job = await site.arrive()
    await release(site, job)
    assert site.books.till.owed("EUR") == PRICE
    wish(site, "remote", number=2, caps=(PRICE - 1, None))
    changing = Changing(site.books, clock=site.clock)
    assert not changing.step(0.0)
    assert not changing.step(PATIENCE)
    site.spooler.end(job, JobState.COMPLETED, 10)
    await site.intake.sweep()
    assert changing.step(PATIENCE + 1)
    assert [type(each).__name__ for each in said(site.books, "ledger")][-2:] == [
        "Charged",
        "TermsTaken",
    ]


@pytest.mark.parametrize("disputed", [False, True])
async def test_the_centre_is_told_of_a_role_when_what_went_past_it_is_settled(
    site: Site,
    disputed: bool,  # noqa: FBT001  a table
) -> None:
    """Until then the wider terms are counted there; here the new ones hold, over a crash too."""
    become(site, "remote", caps=(2 * PRICE, None))
    site.funds.reachable = False
    still_printing(site)
    job = await site.arrive()
    await release(site, job)
    assert site.books.till.owed("EUR") == PRICE
    if disputed:
        site.spooler.end(job, JobState.COMPLETED, 0)
        await site.intake.sweep()
        assert site.books.jobs(Phase.DISPUTED)
    wish(site, "agent", number=2)
    changing = Changing(site.books, clock=site.clock)
    changing.step(0.0)
    assert not changing.step(PATIENCE)
    assert site.books.terms.taken.name == "agent"
    assert [each.terms for each in taken(site)] == [1]
    site.crash()
    changing = Changing(site.books, clock=site.clock)
    assert not changing.step(PATIENCE + 1)
    if disputed:
        site.now += timedelta(days=2)
        await site.releasing.end_disputes()
    else:
        site.spooler.end(job, JobState.COMPLETED, 10)
        await site.intake.sweep()
    assert changing.step(PATIENCE + 2)
    assert changing.step(PATIENCE + 3)
    assert [each.terms for each in taken(site)] == [1, 2]
    assert site.books.terms.taken.name == "agent"


async def test_terms_that_were_overtaken_are_not_told(site: Site) -> None:
    """Who was told of nothing since is told of the newest, once that is so."""
    become(site, "remote", caps=(2 * PRICE, None))
    site.funds.reachable = False
    still_printing(site)
    await release(site, await site.arrive())
    changing = Changing(site.books, clock=site.clock)
    roles: tuple[Role, ...] = ("agent", "remote")
    for number, role in enumerate(roles, 2):
        wish(site, role, number=number, caps=(2 * PRICE, None))
        changing.step(number * 2 * PATIENCE)
        changing.step(number * 2 * PATIENCE + PATIENCE)
    assert site.books.terms.taken.name == "remote"
    assert [each.terms for each in taken(site)] == [1, 3]


def test_a_fresh_journal_begins_with_the_role_of_its_settings() -> None:
    """Afterwards settings have no say: what was taken holds, over a restart with others."""
    disk = MemoryDisk()
    for role in ("agent", "tracker"):
        books = Books(
            EdgeDatabase(Journal(disk), indexes=INDEXES),
            node="north",
            coordinator="coordinator",
            coordinator_incarnation=UUID(int=7),
            mint=minting(),
        )
        books.open(NOW, role=role)
        assert books.terms.taken.name == "agent"
        disk = disk.crash(lambda _: 0)


def test_a_journal_from_before_roles_is_a_remotes() -> None:
    """What was enrolled before there were terms goes on as it was."""
    books = open_books(MemoryDisk())
    books._db.table("meta").remove(where("key") == "terms")
    books.open(NOW, role="agent")
    assert books.terms.taken == Terms()


async def test_terms_are_taken_by_themselves_when_the_disk_takes_them(site: Site) -> None:
    """Whatever stands in the way, running jobs or a full disk, is waited for and not given up."""
    changing = Changing(site.books, clock=site.clock)
    task = asyncio.create_task(changing.run())
    await asyncio.sleep(0)
    wish(site, "tracker")
    site.disk.space = 0
    for _ in range(5):
        await asyncio.sleep(0)
    assert site.books.terms.taken.name == "remote"
    site.disk.space = None
    site.books.on_terms()
    async with asyncio.timeout(10):
        while site.books.terms.wish is not None:  # noqa: ASYNC110  no event says so
            await asyncio.sleep(0.01)
    wish(site, "remote", number=2)
    for _ in range(5):
        await asyncio.sleep(0)
    assert site.books.terms.taken.number == 2
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

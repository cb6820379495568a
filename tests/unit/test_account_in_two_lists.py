"""An account that stands in two lists of one charge pays for both, from one balance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from broker.directory import AccountRow, UserRow
from broker.messages import DirectoryRows
from config.policy.decisions import Allowed, Denied
from config.policy.jobs import JobState
from edge.store.replica import rows_of
from tests.unit.edge_lab import ANA, FakeFunds, Site, grant
from tests.unit.roles_lab import PRICE, become, gave_back, postings, release, still_printing

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from config.ids import AccountKey
    from config.policy.money import Money

DEPARTMENT = "department:physics"


@dataclass
class Bringing(FakeFunds):
    """Brings whatever of Ana's is asked for, up to a sum."""

    left: int = 0

    async def fetch(
        self, account: AccountKey, missing: Money, job: UUID, *, partly: bool = False
    ) -> None:
        """Grant it, or nothing if there is not so much."""
        if account == ANA and missing.micros <= self.left:
            self.left -= missing.micros
            self.coming = {account: missing.micros}
        await super().fetch(account, missing, job, partly=partly)


@pytest.fixture
async def site(tmp_path: Path) -> Site:
    """Make a site where Ana pays, and pays again if the department does not."""
    made = Site(tmp_path)
    await made.ready()
    n = made.replica.cursor.n + 1 if made.replica.cursor else 1
    rows = rows_of(
        [
            ("user", "ana", n, UserRow(name="ana", wallets=((ANA,), (DEPARTMENT, ANA)))),
            ("account", DEPARTMENT, n, AccountRow(account=DEPARTMENT, unit="EUR")),
        ]
    )
    made.replica.apply(DirectoryRows(epoch=1, kind="delta", since=n - 1, upto=n, rows=rows))
    return made


async def test_it_pays_no_more_than_it_has(site: Site) -> None:
    """What pays the first list is not there for the second one; both parts are held and charged."""
    grant(site.books, 2 * PRICE - 1)
    still_printing(site)
    job = await site.arrive()
    refused = await release(site, job)
    assert isinstance(refused, Denied)
    assert refused.short is not None
    assert refused.short.missing.micros == 1
    grant(site.books, 1, DEPARTMENT)
    assert isinstance(await release(site, job), Allowed)
    assert (site.books.free(ANA, "EUR"), site.books.free(DEPARTMENT, "EUR")) == (0, 0)
    site.spooler.end(job, JobState.COMPLETED, 10)
    await site.intake.sweep()
    assert postings(site) == [
        (ANA, PRICE, "allocation"),
        (DEPARTMENT, 1, "allocation"),
        (ANA, PRICE - 1, "allocation"),
    ]
    assert site.books.money() == ({}, 0)


async def test_what_did_not_come_out_is_free_again(site: Site) -> None:
    """Both parts are charged for what is on paper only."""
    grant(site.books, 2 * PRICE)
    still_printing(site)
    job = await site.arrive()
    assert isinstance(await release(site, job), Allowed)
    site.spooler.end(job, JobState.ABORTED, 4)
    await site.intake.sweep()
    assert sum(micros for _, micros, _ in postings(site)) == 2 * PRICE * 4 // 10
    assert site.books.free(ANA, "EUR") == 2 * PRICE * 6 // 10


async def test_its_leave_to_go_past_it_is_one_for_both(site: Site) -> None:
    """An account's cap is asked once for the whole charge, not once for each list."""
    become(site, "remote", caps=(10 * PRICE, 2 * PRICE - 1))
    site.funds.reachable = False
    still_printing(site)
    job = await site.arrive()
    assert isinstance(await release(site, job), Denied)
    become(site, "remote", number=2, caps=(10 * PRICE, 2 * PRICE))
    assert isinstance(await release(site, job), Allowed)
    assert site.books.till.owed("EUR", ANA) == 2 * PRICE


async def test_money_is_fetched_for_each_list(site: Site) -> None:
    """An agent has nothing and asks for each part; what the first list got is not asked again."""
    become(site, "agent")
    site.funds = Bringing(books=site.books, for_jobs=True, left=2 * PRICE)
    site.open()
    still_printing(site)
    job = await site.arrive()
    assert isinstance(await release(site, job), Allowed)
    assert site.funds.asked == [ANA, DEPARTMENT, ANA]
    site.spooler.end(job, JobState.ABORTED, 4)
    await site.intake.sweep()
    assert gave_back(site) == [(2 * PRICE * 6 // 10, "job-over", job)]
    assert site.books.money() == ({}, 0)


async def test_nobody_asks_for_ever(site: Site) -> None:
    """Where money does not come each account is asked once for each list, then it is refused."""
    become(site, "agent")
    site.funds = Bringing(books=site.books, for_jobs=True, left=PRICE)
    site.open()
    assert isinstance(await release(site, await site.arrive()), Denied)
    assert site.funds.asked == [ANA, DEPARTMENT, ANA]
    assert site.books.money() == ({}, 0)

"""Promise: however often the link is cut, nothing is lost, doubled or overspent at any commit."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from demo import documents
from tests.acceptance.conftest import POOR, RICH
from tests.acceptance.crowd import Crowd, dice_of
from tests.acceptance.oracle import Books, judge

if TYPE_CHECKING:
    import random

    from demo.lab import Lab
    from demo.site import Site

JOBS = 60
CUTS = 20


async def cut_now_and_then(site: Site, dice: random.Random, times: int) -> None:
    """Cut this site's line at random moments for random times."""
    for _ in range(times):
        await asyncio.sleep(dice.uniform(0.3, 2.5))
        site.line.cut()
        await asyncio.sleep(dice.uniform(0.1, 1.5))
        site.line.restore()


async def watch_the_books(lab: Lab, until: asyncio.Event, problems: list[str]) -> int:
    """Look at every state the books are seen in; return how many different ones there were."""
    books = Books(lab)
    seen = set()
    try:
        while not until.is_set():
            state = books.all(
                "SELECT unit, sum(micros) AS total, (SELECT max(n) FROM entry) AS entries, "
                "(SELECT coalesce(sum(micros), 0) FROM posting) AS posted, "
                "(SELECT count(*) FROM location WHERE micros < 0 AND floor IS NOT NULL) AS below "
                "FROM location GROUP BY unit"
            )
            for row in state:
                seen.add(row["entries"])
                if row["total"] or row["posted"] or row["below"]:
                    problems.append(f"after entry {row['entries']}: {dict(row)}")
            await asyncio.sleep(0.02)
    finally:
        books.close()
    return len(seen)


async def print_for_more_than_is_here(lab: Lab, crowd: Crowd) -> None:
    """Print what takes his money of both sites; `crowd` releases it."""
    north = lab.sites["north"]
    title = f"{crowd.mark}-fetch"
    # half of his 3.00 is at each site
    path = documents.pdf(lab.root / "fetch.pdf", 36)
    await north.print(path, user=POOR.user, title=title)
    assert (await north.job(title, "settled"))["billed"] == 36


async def test_twenty_cuts_while_both_sites_work(fleet: Lab) -> None:
    """Every posting sums to zero and no place is negative, whatever moment the books are read."""
    dice = dice_of()
    people = (POOR, POOR, *RICH)
    crowd = Crowd(fleet, "cut", dice, people, pages=(2, 4), answer_seconds=10)
    problems: list[str] = []
    sites = list(fleet.sites.values())
    cuts = sum(site.line.cuts for site in sites)
    done = asyncio.Event()
    async with crowd.releasing(), asyncio.TaskGroup() as tasks:
        watched = tasks.create_task(watch_the_books(fleet, done, problems))
        await print_for_more_than_is_here(fleet, crowd)
        async with asyncio.TaskGroup() as work:
            work.create_task(crowd.print_all(JOBS, seconds=25, sites=sites))
            for site in sites:
                work.create_task(cut_now_and_then(site, dice, CUTS // len(sites)))
        for site in sites:
            await site.until_merged()
        # he has run short by now, though his money was fetched from site to site
        await fleet.central("topup", f"user:{POOR.user}", "20.00")
        await crowd.until_final(seconds=90)
        done.set()
    tally = await judge(fleet, crowd, ())
    print(f"the books were seen in {watched.result()} states")  # noqa: T201
    assert sum(site.line.cuts for site in sites) == cuts + CUTS
    assert problems == []
    assert watched.result() > CUTS // 2
    assert tally.problems == []
    assert tally.flags.total() == 0
    assert crowd.refusals["account-limit-reached"] > 0
    books = Books(fleet)
    try:
        assert books.crooked_prefixes() == []
        assert books.all("SELECT id FROM entry WHERE kind = 'return'")
    finally:
        books.close()

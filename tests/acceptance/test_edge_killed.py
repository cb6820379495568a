"""Promise: kill -9 of the edge at any moment costs no page, no cent and no acknowledged record."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.acceptance.conftest import RICH
from tests.acceptance.crowd import Crowd, dice_of
from tests.acceptance.oracle import Kill, judge

if TYPE_CHECKING:
    import random

    from demo.lab import Lab
    from demo.site import Site

JOBS = 100
KILLS = 30


async def kill_now_and_then(site: Site, dice: random.Random, times: int, kills: list[Kill]) -> None:
    """Kill this site's edge at random moments, its own start-up included."""
    for _ in range(times):
        await asyncio.sleep(dice.uniform(0.2, 2.6))
        kills.append(Kill.now(site.name))
        site.edge.kill()
        await asyncio.to_thread(site.edge.wait)
        site.start_edge()


async def test_thirty_kills_while_a_hundred_jobs_print(fleet: Lab) -> None:
    """Pages kept = pages billed; a flag only on what was under way; nothing acked is lost."""
    dice = dice_of()
    crowd = Crowd(fleet, "edge", dice, RICH)
    kills: list[Kill] = []
    sites = list(fleet.sites.values())
    async with crowd.releasing():
        async with asyncio.TaskGroup() as work:
            work.create_task(crowd.print_all(JOBS, seconds=25, sites=sites))
            for site in sites:
                work.create_task(kill_now_and_then(site, dice, KILLS // len(sites), kills))
        await crowd.until_final(seconds=120)
    tally = await judge(fleet, crowd, kills)
    assert len(kills) == KILLS
    assert tally.jobs == JOBS
    assert tally.problems == []
    assert tally.flags.total() <= tally.in_flight

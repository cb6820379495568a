"""Promise: kill -9 of the coordinator at any moment loses no commit and books nothing twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.acceptance.conftest import RICH
from tests.acceptance.crowd import Crowd, dice_of
from tests.acceptance.oracle import Kill, judge

if TYPE_CHECKING:
    from demo.lab import Lab

JOBS = 30
KILLS = 6


async def test_kills_while_both_sites_print(fleet: Lab) -> None:
    """Sites go on without it; afterwards each event is in the books once; no job is flagged."""
    dice = dice_of()
    crowd = Crowd(fleet, "central", dice, RICH)
    kills: list[Kill] = []

    async def kill_now_and_then() -> None:
        for _ in range(KILLS):
            # from its first moments to the middle of its work
            await asyncio.sleep(dice.uniform(0.2, 3.5))
            central = fleet.program("central")
            kills.append(Kill.now(None))
            central.kill()
            await asyncio.to_thread(central.wait)
            fleet.start_central()

    async with crowd.releasing():
        async with asyncio.TaskGroup() as work:
            sites = list(fleet.sites.values())
            work.create_task(crowd.print_all(JOBS, seconds=12, sites=sites))
            work.create_task(kill_now_and_then())
        await crowd.until_final(seconds=90)
    tally = await judge(fleet, crowd, kills)
    assert tally.jobs == JOBS
    assert tally.problems == []
    assert tally.flags.total() == 0

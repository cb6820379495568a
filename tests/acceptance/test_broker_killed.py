"""Promise: kill -9 of a broker, the centre's or a site's, loses nothing that was acknowledged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.acceptance.conftest import RICH
from tests.acceptance.crowd import Crowd, dice_of
from tests.acceptance.oracle import Kill, judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.guarded import Guarded
    from demo.lab import Lab

JOBS = 30
KILLS = 5
"""Of each broker."""


async def test_kills_of_both_brokers(fleet: Lab) -> None:
    """Neither the centre's broker nor a site's holds anything that would be missed."""
    dice = dice_of()
    crowd = Crowd(fleet, "broker", dice, RICH)
    kills: list[Kill] = []
    south = fleet.sites["south"]

    async def kill_now_and_then(name: str, start: Callable[[], Guarded]) -> None:
        for _ in range(KILLS):
            await asyncio.sleep(dice.uniform(0.5, 3.0))
            broker = fleet.program(name)
            kills.append(Kill.now(None))
            broker.kill()
            await asyncio.to_thread(broker.wait)
            start()

    async with crowd.releasing():
        async with asyncio.TaskGroup() as work:
            sites = list(fleet.sites.values())
            work.create_task(crowd.print_all(JOBS, seconds=12, sites=sites))
            work.create_task(kill_now_and_then("broker", fleet.start_broker))
            work.create_task(kill_now_and_then("broker-south", south.start_broker))
        await crowd.until_final(seconds=90)
    tally = await judge(fleet, crowd, kills)
    assert tally.jobs == JOBS
    assert tally.problems == []
    assert tally.flags.total() == 0

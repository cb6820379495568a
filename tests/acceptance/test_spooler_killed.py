"""Promise: kill -9 of CUPS, or of what it tells the edge with, bills each page once or flags it."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from tests.acceptance.conftest import RICH
from tests.acceptance.crowd import Crowd, dice_of
from tests.acceptance.oracle import Kill, judge

if TYPE_CHECKING:
    import random

    from demo.lab import Lab
    from demo.site import Site

JOBS = 20
KILLS = 5


async def kill_notifier(site: Site, dice: random.Random, killed: list[int]) -> None:
    """Kill what tells the edge of new jobs, as soon as there is one again."""
    while len(killed) < KILLS:
        await asyncio.sleep(dice.uniform(0.2, 2.0))
        for pid in site.cups.notifiers():
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)


async def test_kills_of_the_notifier(fleet: Lab) -> None:
    """Events that were never told are made up for: no job waits, none is flagged."""
    dice = dice_of()
    crowd = Crowd(fleet, "notifier", dice, RICH)
    north = fleet.sites["north"]
    killed: list[int] = []
    async with crowd.releasing():
        async with asyncio.TaskGroup() as work:
            work.create_task(crowd.print_all(12, seconds=8, sites=[north]))
            work.create_task(kill_notifier(north, dice, killed))
        # sooner than the edge looks for jobs in any case
        await crowd.until_final(seconds=25)
    tally = await judge(fleet, crowd, ())
    assert len(killed) >= KILLS
    assert tally.problems == []
    assert tally.flags.total() == 0


async def kill_cupsd(site: Site, dice: random.Random, kills: list[Kill]) -> None:
    """Kill cupsd at random moments; its filters and backends go on or die as they like."""
    for _ in range(KILLS):
        await asyncio.sleep(dice.uniform(1.0, 3.5))
        kills.append(Kill.now(site.name))
        await asyncio.to_thread(site.cups.kill)
        await asyncio.to_thread(site.cups.start)


async def test_kills_of_cupsd(fleet: Lab) -> None:
    """What CUPS prints twice, or forgets, is flagged with its cause; all else is billed once."""
    dice = dice_of()
    crowd = Crowd(fleet, "cupsd", dice, RICH)
    kills: list[Kill] = []
    async with crowd.releasing():
        async with asyncio.TaskGroup() as work:
            south = fleet.sites["south"]
            work.create_task(crowd.print_all(JOBS, seconds=12, sites=[south]))
            work.create_task(kill_cupsd(south, dice, kills))
        await crowd.until_final(seconds=120)
    tally = await judge(fleet, crowd, kills)
    assert len(kills) == KILLS
    assert tally.problems == []
    assert tally.flags.total() <= tally.in_flight

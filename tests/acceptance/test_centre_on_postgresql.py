"""Promise: with the books on PostgreSQL, its crashes lose no event and book nothing twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from demo.lab import Lab, Person, Plan
from demo.postgres import PrivatePostgres, programs
from tests.acceptance.crowd import Crowd, dice_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed"),
]

PEOPLE = (Person("ana", "04A1B2C3", "500.00"), Person("eva", "04C0FFEE", "500.00"))
JOBS = 12
KILLS = 3


async def test_the_database_dies_while_a_site_prints(lab_directory: Path) -> None:
    """The site prints on, the same coordinator goes on; each job is in the books and paid once."""
    dice = dice_of()
    with PrivatePostgres(lab_directory / "pg", quick=False) as server:
        server.create("books")
        plan = Plan(sites=("north",), printers=1, people=PEOPLE, database=server.url("books"))
        async with Lab(plan) as lab:
            central = lab.program("central")
            crowd = Crowd(lab, "pg", dice, PEOPLE)

            async def kill_now_and_then() -> None:
                for _ in range(KILLS):
                    await asyncio.sleep(dice.uniform(0.2, 2.0))
                    await asyncio.to_thread(server.kill)
                    await asyncio.sleep(dice.uniform(0.0, 1.0))
                    await asyncio.to_thread(server.start)

            async with crowd.releasing():
                async with asyncio.TaskGroup() as work:
                    work.create_task(
                        crowd.print_all(JOBS, seconds=6, sites=list(lab.sites.values()))
                    )
                    work.create_task(kill_now_and_then())
                await crowd.until_final(seconds=90)
            jobs = await _all_told(lab)
            assert central.running
            checked = await lab.central("verify", "--edges", "--json")
    assert checked["findings"] == []
    assert checked["not_linked"] == []
    assert sorted(job["name"] for job in jobs) == sorted(crowd.printed)
    assert {job["state"] for job in jobs} == {"completed"}
    assert all(job["paid"] and job["flag"] is None for job in jobs)


async def _all_told(lab: Lab) -> list[dict[str, Any]]:
    """Return the jobs of the books once the site has told of all of them."""
    jobs: list[dict[str, Any]] = []

    async def told() -> bool:
        jobs[:] = await lab.central("jobs", "--json")
        return len(jobs) == JOBS and all(job["paid"] for job in jobs)

    await lab.until_async(told, "the books to know every job", 60)
    return jobs

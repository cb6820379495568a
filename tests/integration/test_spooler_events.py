"""Events from a real CUPS: pushed at once, and never lost for good, whoever dies."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from config.policy.jobs import JobState
from demo.cupsd import PrivateCups
from demo.documents import pdf
from demo.lp import lp
from edge.ports import EventsMissed, JobSeen, PeopleQueue
from edge.printing.spooler import CupsSpooler

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from edge.ports import SpoolerEvent

pytestmark = pytest.mark.cups
#: Longer than any test: what arrives was not found by polling.
NEVER = 1000


@asynccontextmanager
async def watched(spooler: CupsSpooler) -> AsyncIterator[asyncio.Queue[SpoolerEvent]]:
    """Collect events in a queue."""
    events: asyncio.Queue[SpoolerEvent] = asyncio.Queue()

    async def collect() -> None:
        async for event in spooler.events():
            events.put_nowait(event)

    task = asyncio.create_task(collect())
    try:
        yield events
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def job_seen(events: asyncio.Queue[SpoolerEvent], state: JobState) -> JobSeen:
    """Wait for a job in this state."""
    async with asyncio.timeout(15):
        while True:
            event = await events.get()
            if isinstance(event, JobSeen) and event.job.state is state:
                return event


async def missed(events: asyncio.Queue[SpoolerEvent]) -> None:
    """Wait to be told that events may have been missed."""
    async with asyncio.timeout(15):
        while not isinstance(await events.get(), EventsMissed):
            pass


@pytest.fixture
async def spooler(cups: PrivateCups) -> AsyncIterator[CupsSpooler]:
    """Set up a pull queue and push, without polling."""
    made = CupsSpooler(cups.socket, listening=cups.root.parent / "events.sock", poll=NEVER)
    await made.set_up([PeopleQueue("pull", "pull")], [])
    for job in await made.jobs():
        await made.cancel(job.job)
    yield made
    await made.close()


async def test_new_job_is_pushed(cups: PrivateCups, spooler: CupsSpooler, tmp_path: Path) -> None:
    """A new job is told of at once, with its job-uuid; so is its end."""
    async with watched(spooler) as events:
        await missed(events)
        lp(cups, "pull", pdf(tmp_path / "a.pdf", 1), user="ana")
        held = await job_seen(events, JobState.PENDING_HELD)
        assert (held.job.user, held.job.queue) == ("ana", "pull")

        await spooler.cancel(held.job.job)
        ended = await job_seen(events, JobState.CANCELED)
        assert ended.job.job == held.job.job


async def test_notifier_killed(cups: PrivateCups, spooler: CupsSpooler, tmp_path: Path) -> None:
    """When the notifier is killed we are told that something may be missing, and events go on."""
    async with watched(spooler) as events:
        await missed(events)
        lp(cups, "pull", pdf(tmp_path / "a.pdf", 1), user="ana", title="first")
        await job_seen(events, JobState.PENDING_HELD)
        (notifier,) = cups.notifiers()

        os.kill(notifier, signal.SIGKILL)
        await missed(events)

        lp(cups, "pull", tmp_path / "a.pdf", user="ana", title="second")
        assert (await job_seen(events, JobState.PENDING_HELD)).job.name in {"first", "second"}
        assert {job.name for job in await spooler.jobs()} == {"first", "second"}


async def test_cupsd_killed(lab_directory: Path, tmp_path: Path) -> None:
    """After kill -9 of cupsd its held jobs are there, keyed the same, and events come again."""
    with PrivateCups(lab_directory / "cups") as cups:
        spooler = CupsSpooler(cups.socket, listening=lab_directory / "events.sock", poll=NEVER)
        await spooler.set_up([PeopleQueue("pull", "pull")], [])
        async with watched(spooler) as events:
            await missed(events)
            lp(cups, "pull", pdf(tmp_path / "a.pdf", 1), user="ana")
            before = await job_seen(events, JobState.PENDING_HELD)

            cups.kill()
            cups.start()
            await missed(events)

            (after,) = await spooler.jobs()
            assert after.job == before.job.job
            lp(cups, "pull", tmp_path / "a.pdf", user="ben")
            assert (await job_seen(events, JobState.PENDING_HELD)).job.user == "ben"
        await spooler.close()


async def test_polling_alone(cups: PrivateCups) -> None:
    """Without a socket to push to we are told again and again to look at everything."""
    spooler = CupsSpooler(cups.socket, poll=0.05)
    async with watched(spooler) as events:
        await missed(events)
        await missed(events)
    await spooler.close()

"""Printers that misbehave: what the evidence says is what came out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from config.policy.jobs import JobState
from demo.documents import pdf
from demo.lp import lp
from demo.printers import Fault, VirtualPrinter
from edge.ports import PeopleQueue, PrinterQueue
from edge.printing.spooler import CupsSpooler

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from config.ids import JobId
    from demo.cupsd import PrivateCups
    from demo.printers import KeptJob, PrivateBus

pytestmark = pytest.mark.cups
PAGES = 10


@pytest.fixture
def faulty(lab_directory: Path, bus: PrivateBus) -> Iterator[VirtualPrinter]:
    """Run a printer for one test, as it may not survive it."""
    with VirtualPrinter(lab_directory / "faulty", "Faulty", bus) as running:
        yield running


@pytest.fixture
async def spooler(cups: PrivateCups, faulty: VirtualPrinter) -> AsyncIterator[CupsSpooler]:
    """Set up a pull queue and the faulty printer's queue."""
    made = CupsSpooler(cups.socket, listening=cups.root.parent / "events.sock", poll=1000)
    await made.set_up([PeopleQueue("pull", "pull")], [PrinterQueue("faulty", faulty.uri)])
    yield made
    for job in await made.jobs():
        await made.cancel(job.job)
    await made.close()


async def release(cups: PrivateCups, spooler: CupsSpooler, path: Path) -> JobId:
    """Print ten pages and release them."""
    lp(cups, "pull", pdf(path / "ten.pdf", PAGES), user="ana")
    (job,) = await spooler.jobs()
    await spooler.move(job.job, "faulty")
    await spooler.resume(job.job, {})
    return job.job


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what sends no event."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def end_of(spooler: CupsSpooler, job: JobId) -> None:
    """Wait until CUPS calls the job ended."""
    async with asyncio.timeout(30):
        while (seen := await spooler.job(job)) is not None:
            if seen.state.terminal:
                return
            await asyncio.sleep(0.05)


def kept(printer: VirtualPrinter, job: JobId) -> list[KeptJob]:
    """Return what the printer kept of a job."""
    return [each for each in printer.kept() if each.tag == job.hex[:12]]


@pytest.mark.parametrize(("fault", "out"), [(Fault.REFUSE, 0), (Fault.HALF, PAGES // 2)])
async def test_aborted_at_the_printer(
    cups: PrivateCups,
    faulty: VirtualPrinter,
    spooler: CupsSpooler,
    tmp_path: Path,
    fault: Fault,
    out: int,
) -> None:
    """A job the printer gives up counts what came out, whatever CUPS has sent."""
    faulty.order(fault)
    job = await release(cups, spooler, tmp_path)
    await end_of(spooler, job)

    evidence = await spooler.evidence(job)

    assert (evidence.device_state, evidence.device_impressions) == (JobState.ABORTED, out)
    # CUPS says aborted, or now and then completed: the printer's word is the one to go by
    assert evidence.spooler_state in {JobState.ABORTED, JobState.COMPLETED}
    assert sum(each.impressions or 0 for each in kept(faulty, job)) == out


async def test_canceled_while_it_prints(
    cups: PrivateCups, faulty: VirtualPrinter, spooler: CupsSpooler, tmp_path: Path
) -> None:
    """Evidence of a canceled job waits for the printer, which may have printed it all."""
    faulty.order(Fault.SLOW, 2)
    job = await release(cups, spooler, tmp_path)
    async with asyncio.timeout(20):
        while (await spooler.evidence(job)).device_state is not JobState.PROCESSING:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await spooler.cancel(job)
    await end_of(spooler, job)

    evidence = await spooler.evidence(job)

    assert evidence.spooler_state is JobState.CANCELED
    # now and then the backend ends before it has passed the word on: the printer then completes
    assert evidence.device_state in {JobState.CANCELED, JobState.COMPLETED}
    assert evidence.device_impressions == PAGES
    assert sum(each.impressions or 0 for each in kept(faulty, job)) == PAGES


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(2))
async def test_printer_dies_with_a_job(
    cups: PrivateCups, faulty: VirtualPrinter, spooler: CupsSpooler, tmp_path: Path, round_: int
) -> None:
    """A job a printer died over ends, is never called printed when it was not, blocks nobody."""
    watching = asyncio.create_task(watch(spooler))
    faulty.order(Fault.DIE)
    job = await release(cups, spooler, tmp_path)
    await until(lambda: not faulty.running)

    await asyncio.sleep(3)  # printers count the time since they were switched on in whole seconds
    faulty.order(Fault.NONE)
    faulty.start()
    await end_of(spooler, job)

    evidence = await spooler.evidence(job)
    out = sum(each.impressions or 0 for each in kept(faulty, job))
    if evidence.spooler_state is JobState.COMPLETED and not evidence.device_restarted:
        assert (evidence.device_impressions, out) == (PAGES, PAGES)  # CUPS had sent it again
    else:
        assert out == 0

    after = await release(cups, spooler, tmp_path)
    await end_of(spooler, after)
    assert sum(each.impressions or 0 for each in kept(faulty, after)) == PAGES
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def watch(spooler: CupsSpooler) -> None:
    """Follow events, as the edge does all the time."""
    async for _ in spooler.events():
        pass

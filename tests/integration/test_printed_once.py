"""A CUPS that crashes in the middle of a job prints it once, not twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from config.policy.jobs import JobState
from demo.cupsd import PrivateCups
from demo.documents import pdf
from demo.lp import lp
from demo.printers import Fault, VirtualPrinter
from edge.ports import PeopleQueue, PrinterQueue
from edge.printing.spooler import CupsSpooler

if TYPE_CHECKING:
    from pathlib import Path

    from demo.printers import PrivateBus

pytestmark = pytest.mark.cups
PAGES = 4


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.1, 0.6])
async def test_cupsd_killed_while_a_job_is_sent(
    lab_directory: Path, bus: PrivateBus, tmp_path: Path, delay: float
) -> None:
    """After kill -9 of cupsd the restarted one does not send the job again; evidence is exact."""
    with (
        PrivateCups(lab_directory / "cups") as cups,
        VirtualPrinter(lab_directory / "one", "One", bus) as printer,
    ):
        printer.order(Fault.SLOW, 0.5)
        spooler = CupsSpooler(cups.socket)
        await spooler.set_up([PeopleQueue("pull", "pull")], [PrinterQueue("one", printer.uri)])
        lp(cups, "pull", pdf(tmp_path / "a.pdf", PAGES), user="ana")
        (job,) = await spooler.jobs()
        await spooler.move(job.job, "one")
        await spooler.resume(job.job, {})

        await asyncio.sleep(delay)  # how far the job has come is what the test is about
        cups.kill()
        cups.start()
        async with asyncio.timeout(20):
            while (seen := await spooler.job(job.job)) is None or not seen.state.terminal:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

        evidence = await spooler.evidence(job.job)
        kept = [each.impressions for each in printer.kept()]
        assert kept in ([PAGES], [])  # nothing, if the kill came before the backend began
        if kept:
            assert evidence.device_state is JobState.COMPLETED
            assert evidence.device_impressions == PAGES
        else:
            assert evidence.device_impressions is None
        await spooler.close()


async def test_queues_set_up_again_while_a_job_is_printed(
    lab_directory: Path, bus: PrivateBus, tmp_path: Path
) -> None:
    """An edge that starts sets the queues up again: the job that is being printed goes on."""
    people, printers = [PeopleQueue("pull", "pull")], []
    with (
        PrivateCups(lab_directory / "cups") as cups,
        VirtualPrinter(lab_directory / "one", "One", bus) as printer,
    ):
        printer.order(Fault.SLOW, 1.5)
        spooler = CupsSpooler(cups.socket)
        printers.append(PrinterQueue("one", printer.uri))
        await spooler.set_up(people, printers)
        lp(cups, "pull", pdf(tmp_path / "a.pdf", PAGES), user="ana")
        (job,) = await spooler.jobs()
        await spooler.move(job.job, "one")
        await spooler.resume(job.job, {})
        async with asyncio.timeout(20):
            while (seen := await spooler.job(job.job)) is None or (  # noqa: ASYNC110
                seen.state is not JobState.PROCESSING
            ):
                await asyncio.sleep(0.02)

        await spooler.set_up(people, printers)

        async with asyncio.timeout(20):
            while (seen := await spooler.job(job.job)) is None or not seen.state.terminal:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert seen.state is JobState.COMPLETED
        assert [each.impressions for each in printer.kept()] == [PAGES]
        assert (await spooler.evidence(job.job)).device_impressions == PAGES
        await spooler.close()


async def test_next_job_after_a_crash(lab_directory: Path, bus: PrivateBus, tmp_path: Path) -> None:
    """The printer's queue goes on after a crash: the next job prints."""
    with (
        PrivateCups(lab_directory / "cups") as cups,
        VirtualPrinter(lab_directory / "one", "One", bus) as printer,
    ):
        spooler = CupsSpooler(cups.socket)
        await spooler.set_up([PeopleQueue("pull", "pull")], [PrinterQueue("one", printer.uri)])
        for number in range(2):
            lp(cups, "pull", pdf(tmp_path / "a.pdf", PAGES), user="ana", title=str(number))
            (job,) = [each for each in await spooler.jobs() if each.queue == "pull"]
            await spooler.move(job.job, "one")
            await spooler.resume(job.job, {})
            async with asyncio.timeout(20):
                while (seen := await spooler.job(job.job)) is None or not seen.state.terminal:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            assert seen.state is JobState.COMPLETED
            cups.kill()
            cups.start()
        assert [each.impressions for each in printer.kept()] == [PAGES, PAGES]
        await spooler.close()

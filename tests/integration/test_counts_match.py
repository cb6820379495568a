"""What the analysis says beforehand is what reaches the printer, for every kind and option."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from config.policy.attributes import read_attributes
from config.policy.jobs import JobAttributes, JobState
from demo import documents
from demo.lp import lp
from demo.printers import PrivateBus, VirtualPrinter
from edge.ports import Analysed, PeopleQueue, PrinterQueue
from edge.printing.analysis import DocumentAnalyst
from edge.printing.spooler import CupsSpooler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from config.ids import JobId
    from demo.cupsd import PrivateCups

pytestmark = [pytest.mark.cups, pytest.mark.slow, pytest.mark.timeout(150)]

OPTIONS: tuple[dict[str, str | int], ...] = (
    {},
    {"copies": 2},
    {"sides": "two-sided-long-edge"},  # odd: a blank back must not be counted
    {"number-up": 2},
    {"page-ranges": "2-3"},
    {"copies": 2, "sides": "two-sided-long-edge", "number-up": 2, "page-ranges": "2-3"},
    {"copies": 3, "sides": "two-sided-short-edge"},  # three blank backs
    {"print-color-mode": "monochrome", "media": "iso_a4_210x297mm"},
    {"orientation-requested": 4},
)


def samples(directory: Path) -> dict[str, Path]:
    """Make one document of each kind."""
    return {
        "pdf": documents.pdf(directory / "five.pdf", 5, colour={2}),
        "a3": documents.pdf(directory / "a3.pdf", 3, size=documents.A3),
        "postscript": documents.postscript(directory / "five.ps", 5, colour={2}),
        "jpeg": documents.picture(directory / "one.jpg"),
        "png": documents.picture(directory / "one.png", kind="PNG"),
        "gif": documents.picture(directory / "three.gif", kind="GIF", frames=3),
        "tiff": documents.picture(directory / "three.tif", kind="TIFF", frames=3),
        # 64 lines a page of A4: a printer's own margins or paper would break elsewhere
        "text": documents.text(directory / "lines.txt", 4 * 64 + 1),
        "broken xref": documents.broken_xref(directory / "xref.pdf", 5),
        "not for copying": documents.encrypted(directory / "owner.pdf", 5, user=""),
    }


@pytest.fixture(scope="module")
def printers(module_directory: Path, bus: PrivateBus) -> Iterator[list[VirtualPrinter]]:
    """Run three printers, so that the jobs do not all wait for one."""
    made = [VirtualPrinter(module_directory / f"p{n}", f"P{n}", bus) for n in range(3)]
    try:
        yield [each.start() for each in made]
    finally:
        for each in made:
            each.stop()


async def all_ended(spooler: CupsSpooler, patience: float) -> None:
    """Wait until no job is left that has not ended."""
    async with asyncio.timeout(patience):
        while [job for job in await spooler.jobs() if not job.state.terminal]:  # noqa: ASYNC110  polls
            await asyncio.sleep(0.2)


async def test_analysis_equals_paper(
    cups: PrivateCups, printers: list[VirtualPrinter], tmp_path: Path
) -> None:
    """For each kind of document and each way to print it, printed = analysed, to the side."""
    spooler = CupsSpooler(cups.socket)
    analyst = DocumentAnalyst(tmp_path / "work")
    queues = [PrinterQueue(f"q{n}", printer.uri) for n, printer in enumerate(printers)]
    await spooler.set_up([PeopleQueue("pull", "pull")], queues)
    expected: dict[str, tuple[str, int]] = {}
    jobs: list[JobId] = []

    for kind, path in samples(tmp_path).items():
        for options in OPTIONS:
            lp(cups, "pull", path, user="ana", options=options)
            (job,) = [each for each in await spooler.jobs() if each.queue == "pull"]
            attributes = read_attributes(job.attributes)
            assert isinstance(attributes, JobAttributes)
            counted = await analyst(path, attributes)
            assert isinstance(counted, Analysed)
            expected[job.job.hex[:12]] = (f"{kind} {options}", counted.figures.impressions)
            await spooler.move(job.job, queues[len(jobs) % 3].name)
            await spooler.resume(job.job, {})
            jobs.append(job.job)
    await all_ended(spooler, 90)

    printed = {
        kept.tag or "": kept.impressions or 0 for printer in printers for kept in printer.kept()
    }
    # pages that no range selects do not reach the printer at all
    wrong = [
        f"{what}: analysed {count}, printed {printed.get(tag, 0)}"
        for tag, (what, count) in expected.items()
        if printed.get(tag, 0) != count
    ]
    assert wrong == []
    states = {(await spooler.evidence(job)).spooler_state for job in jobs}
    assert states == {JobState.COMPLETED}
    await analyst.close()
    await spooler.close()


@pytest.mark.parametrize(
    "broken",
    [
        lambda path: documents.truncated(path, 5),
        lambda path: documents.lying_count(path, 5, 2),
        lambda path: documents.encrypted(path, 3),
        lambda path: documents.truncated(path, 5, keep=0.5),
    ],
    ids=["truncated", "lying count", "locked", "half"],
)
async def test_unreadable_or_printed_as_counted(
    cups: PrivateCups,
    printers: list[VirtualPrinter],
    tmp_path: Path,
    broken: Callable[[Path], Path],
) -> None:
    """A broken document is either refused, or prints what was counted; and ends either way."""
    spooler, analyst = CupsSpooler(cups.socket), DocumentAnalyst(tmp_path / "work")
    await spooler.set_up([PeopleQueue("pull", "pull")], [PrinterQueue("q0", printers[0].uri)])
    path = broken(tmp_path / "broken.pdf")
    before = len(printers[0].kept())
    lp(cups, "pull", path, user="ana")
    (job,) = [each for each in await spooler.jobs() if each.queue == "pull"]
    counted = await analyst(path, JobAttributes(document_format="application/pdf"))

    # released all the same, as if the analysis had not been asked
    await spooler.move(job.job, "q0")
    await spooler.resume(job.job, {})
    await all_ended(spooler, 20)

    printed = sum(kept.impressions or 0 for kept in printers[0].kept()[before:])
    evidence = await spooler.evidence(job.job)
    if isinstance(counted, Analysed):
        assert (evidence.spooler_state, printed) == (
            JobState.COMPLETED,
            counted.figures.impressions,
        )
    else:
        assert (evidence.spooler_state, printed) == (JobState.ABORTED, 0)
    await analyst.close()
    await spooler.close()

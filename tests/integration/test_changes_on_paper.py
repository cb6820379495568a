"""What a person changes at the machine is what a real CUPS prints: the printer's own word on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broker.messages import JobChanges, JobReleased
from config.policy.decisions import Allowed, Denied
from demo import documents
from demo.printers import VirtualPrinter
from tests.integration.paper_lab import COLOR, MONO, Floor
from tests.unit.edge_lab import said

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from config.ids import JobId
    from config.policy.decisions import Decision
    from demo.cupsd import PrivateCups
    from demo.printers import PrivateBus

pytestmark = pytest.mark.cups


@pytest.fixture(scope="module")
def grey(module_directory: Path, bus: PrivateBus) -> Iterator[VirtualPrinter]:
    """Run a second virtual printer, which is set up as one without colour."""
    with VirtualPrinter(module_directory / "grey", "Lab Grey", bus) as running:
        yield running


@pytest.fixture
async def floor(
    cups: PrivateCups, printer: VirtualPrinter, grey: VirtualPrinter, tmp_path: Path
) -> AsyncIterator[Floor]:
    """Put an edge in front of a colour and a grey printer."""
    made = Floor(cups, tmp_path, mono=("grey",), one=printer, grey=grey)
    await made.open()
    yield made
    await made.close()


async def changed(floor: Floor, job: JobId, device: str = "one", **changes: object) -> Decision:
    """Release a job for its owner, so changed."""
    wanted = JobChanges.model_validate(changes)
    return await floor.releasing.release(job, device, "ana", changes=wanted)


@pytest.mark.parametrize(
    ("make", "ranges", "sides"),
    [
        (lambda path: documents.pdf(path, 9), ((2, 3), (7, 9)), 5),
        (lambda path: documents.pdf(path, 9), ((4, 4),), 1),
        (lambda path: documents.text(path, 200), ((2, 3),), 2),
        (lambda path: documents.postscript(path, 5), ((1, 3),), 3),
    ],
    ids=["pdf", "one page", "text", "postscript"],
)
async def test_only_the_chosen_pages_come_out(
    floor: Floor,
    tmp_path: Path,
    make: Callable[[Path], Path],
    ranges: tuple[tuple[int, int], ...],
    sides: int,
) -> None:
    """Of whatever kind the document is; and only they are paid for."""
    job = await floor.prints(make(tmp_path / "document"))
    assert isinstance(await changed(floor, job, page_ranges=ranges), Allowed)
    await floor.settles(job)
    assert floor.paper(job).impressions == sides
    assert floor.charge(job).postings[0].micros == sides * MONO


async def test_pages_chosen_anew_replace_those_of_the_job(floor: Floor, tmp_path: Path) -> None:
    """The job came with the first two pages; at the machine it becomes the fourth, in colour."""
    document = documents.pdf(tmp_path / "p.pdf", 6, colour={4})
    job = await floor.prints(document, options={"page-ranges": "1-2"})
    assert isinstance(await changed(floor, job, page_ranges=((4, 4),)), Allowed)
    record = await floor.settles(job)
    assert floor.paper(job).impressions == 1
    assert record.billed is not None
    assert (record.billed.impressions, record.billed.color_impressions) == (1, 1)
    assert floor.charge(job).postings[0].micros == COLOR


@pytest.mark.parametrize("asked", [{}, {"Duplex": "None", "ColorModel": "RGB"}, {"copies": 4}])
async def test_everything_changed_at_once(
    floor: Floor, tmp_path: Path, asked: dict[str, str | int]
) -> None:
    """Two copies of three pages, both sides, grey; whatever the job or its driver had said."""
    job = await floor.prints(documents.pdf(tmp_path / "a.pdf", 7, colour={2}), options=asked)
    decision = await changed(
        floor,
        job,
        copies=2,
        sides="two-sided-long-edge",
        print_color_mode="monochrome",
        page_ranges=((1, 3),),
    )
    assert isinstance(decision, Allowed)
    record = await floor.settles(job)
    paper = floor.paper(job)
    assert (paper.print_color_mode, paper.sides) == ("monochrome", "two-sided-long-edge")
    assert paper.impressions == 6
    assert record.billed is not None
    assert (record.billed.impressions, record.billed.sheets) == (6, 4)
    assert floor.charge(job).postings[0].micros == 6 * MONO
    (released,) = [
        each
        for each in said(floor.books, "jobs")
        if isinstance(each, JobReleased) and each.job == job
    ]
    assert released.changed["page-ranges"] == "1-3"


@pytest.mark.parametrize("asked", [{"sides": "two-sided-long-edge"}, {"Duplex": "DuplexNoTumble"}])
async def test_back_to_one_side_and_more_copies(
    floor: Floor, tmp_path: Path, asked: dict[str, str | int]
) -> None:
    """What came two-sided goes out one-sided, three times."""
    job = await floor.prints(documents.pdf(tmp_path / "b.pdf", 3), options=asked)
    assert isinstance(await changed(floor, job, sides="one-sided", copies=3), Allowed)
    record = await floor.settles(job)
    paper = floor.paper(job)
    assert (paper.sides, paper.impressions) == ("one-sided", 9)
    assert record.billed is not None
    assert record.billed.sheets == 9


async def test_a_colour_job_comes_out_of_a_grey_printer_only_as_grey(
    floor: Floor, tmp_path: Path
) -> None:
    """Refused first; as black and white it is told to the printer and charged like that."""
    job = await floor.prints(documents.pdf(tmp_path / "g.pdf", 2, colour={1, 2}))
    denied = await floor.released(job, "grey")
    assert isinstance(denied, Denied)
    assert denied.able == ("one",)
    assert isinstance(await changed(floor, job, "grey", print_color_mode="monochrome"), Allowed)
    await floor.settles(job)
    assert floor.paper(job, "grey").print_color_mode == "monochrome"
    assert floor.charge(job).postings[0].micros == 2 * MONO

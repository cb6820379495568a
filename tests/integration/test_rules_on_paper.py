"""What rules decide is what a real CUPS prints: the printer's own word on sides, colour, copies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broker.directory import PrinterRow
from config.policy.decisions import Allowed, Ask, Denied
from demo import documents
from demo.printers import VirtualPrinter
from edge.release import Phase
from tests.integration.paper_lab import MONO, Floor
from tests.unit.edge_lab import (
    ANA,
    CENT,
    euros,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from demo.cupsd import PrivateCups
    from demo.printers import PrivateBus

pytestmark = pytest.mark.cups


@pytest.fixture(scope="module")
def copier(module_directory: Path, bus: PrivateBus) -> Iterator[VirtualPrinter]:
    """Run a second virtual printer."""
    with VirtualPrinter(module_directory / "copier", "Lab Copier", bus) as running:
        yield running


@pytest.fixture
async def floor(
    cups: PrivateCups, printer: VirtualPrinter, copier: VirtualPrinter, tmp_path: Path
) -> AsyncIterator[Floor]:
    """Put an edge in front of two printers."""
    made = Floor(cups, tmp_path, one=printer, copier=copier)
    await made.open()
    yield made
    await made.close()


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"print-color-mode": "color"},
        {"ColorModel": "RGB"},  # what a driver's dialog says
    ],
)
async def test_monochrome_is_what_the_printer_is_told(
    floor: Floor, tmp_path: Path, asked: dict[str, str | int]
) -> None:
    """A colour document goes out as monochrome, and costs that."""
    floor.rule(monochrome=True)
    job = await floor.prints(documents.pdf(tmp_path / "c.pdf", 3, colour={1, 2}), options=asked)
    assert isinstance(await floor.released(job), Allowed)
    record = await floor.settles(job)
    assert floor.paper(job).print_color_mode == "monochrome"
    assert floor.charge(job).postings[0].micros == 3 * MONO
    assert record.billed is not None
    assert (record.billed.impressions, record.billed.color_impressions) == (3, 0)


@pytest.mark.parametrize("asked", [{}, {"sides": "one-sided"}, {"Duplex": "None"}])
async def test_two_sided_is_what_the_printer_is_told(
    floor: Floor, tmp_path: Path, asked: dict[str, str | int]
) -> None:
    """What was asked for on one side goes out on both."""
    floor.rule(two_sided=True)
    job = await floor.prints(documents.pdf(tmp_path / "d.pdf", 4), options=asked)
    assert isinstance(await floor.released(job), Allowed)
    record = await floor.settles(job)
    assert floor.paper(job).sides == "two-sided-long-edge"
    assert record.billed is not None
    assert (record.billed.impressions, record.billed.sheets) == (4, 2)


@pytest.mark.parametrize(
    ("make", "pages"),
    [
        (lambda path: documents.pdf(path, 3), 3),
        (lambda path: documents.text(path, 90), 2),
        (lambda path: documents.picture(path, colour=False), 1),
    ],
    ids=["pdf", "text", "picture"],
)
async def test_so_many_copies_come_out_and_no_more(
    floor: Floor, tmp_path: Path, make: Callable[[Path], Path], pages: int
) -> None:
    """Nine copies asked for, two printed, two paid; of whatever kind the document is."""
    floor.rule(copies_max=2)
    job = await floor.prints(make(tmp_path / "document"), options={"copies": 9})
    assert isinstance(await floor.released(job), Allowed)
    await floor.settles(job)
    assert floor.paper(job).impressions == 2 * pages
    assert floor.charge(job).postings[0].micros == 2 * pages * MONO


async def test_all_conversions_at_once(floor: Floor, tmp_path: Path) -> None:
    """Each of them happens on the same paper."""
    floor.rule(copies_max=2, two_sided=True, monochrome=True)
    document = documents.pdf(tmp_path / "all.pdf", 3, colour={2})
    job = await floor.prints(document, options={"copies": 5})
    assert isinstance(await floor.released(job), Allowed)
    record = await floor.settles(job)
    paper = floor.paper(job)
    assert (paper.print_color_mode, paper.sides) == ("monochrome", "two-sided-long-edge")
    assert record.billed is not None
    assert (record.billed.impressions, record.billed.sheets) == (6, 4)
    assert floor.charge(job).postings[0].micros == 6 * MONO


async def test_a_redirected_job_comes_out_elsewhere(floor: Floor, tmp_path: Path) -> None:
    """The printer that was asked for gets nothing; the copier gets it, once."""
    floor.change("printer", "copier", PrinterRow(device="copier", node="north", tags=("big",)))
    floor.rule(redirect={"tag": "big"})
    job = await floor.prints(documents.pdf(tmp_path / "r.pdf", 2))
    decision = await floor.released(job)
    assert isinstance(decision, Allowed)
    assert (decision.printer, decision.redirected_from) == ("copier", "one")
    record = await floor.settles(job)
    assert record.phase is Phase.SETTLED
    assert floor.paper(job, "copier").impressions == 2
    assert job.hex[:12] not in {each.tag for each in floor.printers["one"].kept()}
    assert floor.charge(job).printer == "copier"


async def test_a_denied_job_stays_and_no_paper_moves(floor: Floor, tmp_path: Path) -> None:
    """Neither printer hears of it, and nothing is charged."""
    floor.rule(deny="not today")
    before = [len(each.kept()) for each in floor.printers.values()]
    job = await floor.prints(documents.pdf(tmp_path / "x.pdf", 1))
    assert isinstance(await floor.released(job), Denied)
    await floor.intake.sweep()
    assert floor.record(job).phase is Phase.HELD
    assert before == [len(each.kept()) for each in floor.printers.values()]
    assert floor.books.free(ANA, "EUR") == euros("100.00")


async def test_a_direct_queue_prints_once_it_is_answered(floor: Floor, tmp_path: Path) -> None:
    """It waits with its question, and prints when its owner says yes."""
    floor.rule(confirm="really?", surcharge={"unit": "EUR", "per_job": CENT})
    job = await floor.prints(documents.pdf(tmp_path / "q.pdf", 1), "direct")
    assert (floor.record(job).phase, floor.record(job).refusal) == (Phase.HELD, "really?")
    assert isinstance(await floor.released(job), Ask)
    assert floor.books.free(ANA, "EUR") == euros("100.00")
    answered = await floor.releasing.release(job, "one", "ana", confirmed=True)
    assert isinstance(answered, Allowed)
    await floor.settles(job)
    assert floor.charge(job).postings[0].micros == MONO + CENT


async def test_a_factor_changes_the_price_and_not_the_paper(floor: Floor, tmp_path: Path) -> None:
    """Free internal printing: everything comes out as it was asked for, and costs nothing."""
    floor.rule(factor=0)
    job = await floor.prints(documents.pdf(tmp_path / "f.pdf", 2, colour={1}))
    assert isinstance(await floor.released(job), Allowed)
    record = await floor.settles(job)
    assert floor.paper(job).impressions == 2
    assert record.billed is not None
    assert record.charged == ()

"""A printer that stops half-way, on a real CUPS: what is on paper is paid, at both ends, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from config.ids import JobId
from config.policy.decisions import Allowed
from config.policy.jobs import Sides
from demo import documents
from demo.printers import Fault, VirtualPrinter
from edge.release import Phase
from tests.integration.paper_lab import MONO, Floor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from demo.cupsd import PrivateCups
    from demo.printers import PrivateBus

pytestmark = pytest.mark.cups


@pytest.fixture
def faulty(lab_directory: Path, bus: PrivateBus) -> Iterator[VirtualPrinter]:
    """Run a printer for one test, as it may not survive it."""
    with VirtualPrinter(lab_directory / "faulty", "Faulty", bus) as running:
        yield running


@pytest.fixture
async def floor(
    cups: PrivateCups, printer: VirtualPrinter, faulty: VirtualPrinter, tmp_path: Path
) -> AsyncIterator[Floor]:
    """Put an edge in front of two printers."""
    made = Floor(cups, tmp_path, one=printer, faulty=faulty)
    await made.open()
    yield made
    await made.close()


async def test_half_is_printed_here_and_half_there(floor: Floor, tmp_path: Path) -> None:
    """Ten sides, two on a sheet: five come out here, five elsewhere, ten are paid in all."""
    floor.printers["faulty"].order(Fault.HALF)
    document = documents.pdf(tmp_path / "ten.pdf", 10)
    job = await floor.prints(document, options={"sides": "two-sided-long-edge"})
    assert isinstance(await floor.released(job, "faulty"), Allowed)
    settled = await floor.settles(job)
    assert settled.rest_job is not None
    await floor.intake.sweep()
    (rest,) = (each for each in floor.books.jobs(Phase.HELD) if each.rest_of == job)
    left = JobId(rest.job)
    assert (rest.user, rest.name) == (settled.user, settled.name)
    assert rest.attributes.sides is Sides.TWO_SIDED_LONG_EDGE
    assert rest.attributes.page_ranges == ((6, 10),)
    assert isinstance(await floor.released(left, "one"), Allowed)
    done = await floor.settles(left)
    assert floor.paper(job, "faulty").impressions == 5
    assert floor.paper(left, "one").impressions == 5
    assert floor.charge(job).postings[0].micros == 5 * MONO
    assert floor.charge(left).postings[0].micros == 5 * MONO
    assert done.cause is None


async def test_a_job_behind_another_is_taken_elsewhere(floor: Floor, tmp_path: Path) -> None:
    """The printer is busy for long: what waits behind is taken off and comes out elsewhere."""
    floor.printers["faulty"].order(Fault.SLOW, 60)
    first = await floor.prints(documents.pdf(tmp_path / "first.pdf", 1))
    assert isinstance(await floor.released(first, "faulty"), Allowed)
    job = await floor.prints(documents.pdf(tmp_path / "second.pdf", 3), options={"copies": 2})
    assert isinstance(await floor.released(job, "faulty"), Allowed)
    await floor.releasing.stop(floor.record(job), "ana")
    stopped = await floor.settles(job)
    assert stopped.rest_job is not None
    left = JobId(stopped.rest_job)
    await floor.intake.sweep()
    assert isinstance(await floor.released(left, "one"), Allowed)
    await floor.settles(left)
    assert floor.paper(left, "one").impressions == 6
    assert floor.charge(left).postings[0].micros == 6 * MONO
    assert job.hex[:12] not in {each.tag for each in floor.printers["faulty"].kept()}

"""What rules decide is what a real CUPS prints: the printer's own word on sides, colour, copies."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from broker.directory import RULES, PrinterRow, SettingRow
from broker.messages import Charged, DirectoryRows
from config.ids import JobId
from config.policy.decisions import Allowed, Ask, Denied
from config.policy.rules import RuleSet
from config.policy.tariffs import Tariff, TariffLine
from demo import documents
from demo.lp import lp
from demo.printers import VirtualPrinter
from edge.discarding import Discarding, WaitingLimits
from edge.intake import Intake, Queue
from edge.open_jobs import OpenJobs
from edge.ports import PeopleQueue, PrinterQueue
from edge.printing.analysis import DocumentAnalyst
from edge.printing.spooler import CupsSpooler
from edge.release import Phase, Verdict
from edge.releasing import Printer, Releasing
from edge.settling import Ways
from edge.standing import SiteStanding
from edge.store.memory_disk import MemoryDisk
from edge.store.replica import rows_of
from tests.unit.edge_lab import (
    ANA,
    CENT,
    FakeFunds,
    directory,
    euros,
    grant,
    minting,
    open_books,
    open_replica,
    said,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from config.policy.decisions import Decision
    from demo.cupsd import PrivateCups
    from demo.printers import KeptJob, PrivateBus
    from edge.jobs import JobRecord

pytestmark = pytest.mark.cups

MONO, COLOR = 5 * CENT, 20 * CENT


@pytest.fixture(scope="module")
def copier(module_directory: Path, bus: PrivateBus) -> Iterator[VirtualPrinter]:
    """Run a second virtual printer."""
    with VirtualPrinter(module_directory / "copier", "Lab Copier", bus) as running:
        yield running


class Floor:
    """An edge's printing side on a real CUPS, its books in memory."""

    def __init__(self, cups: PrivateCups, work: Path, **printers: VirtualPrinter) -> None:
        self.cups = cups
        self.work = work
        self.printers = printers
        self.books = open_books(MemoryDisk())
        grant(self.books, euros("100.00"))
        self.replica = open_replica(MemoryDisk())
        lines = (
            TariffLine(color="monochrome", per_impression=MONO),
            TariffLine(color="color", per_impression=COLOR),
        )
        began = datetime(2026, 1, 1, tzinfo=UTC)
        tariff = Tariff(version=1, unit="EUR", effective_from=began, lines=lines)
        self.replica.apply(directory(price=tariff))
        self.spooler = CupsSpooler(cups.socket)
        mint = minting(5000)
        self.analyst = DocumentAnalyst(work / "counting")
        self.releasing = Releasing(
            books=self.books,
            replica=self.replica,
            spooler=self.spooler,
            printers={each: Printer(each, f"q-{each}") for each in printers},
            funds=FakeFunds(books=self.books),
            mint=lambda: mint(self.clock()),
            ways=Ways(timedelta(hours=24), Verdict.REFUND),
            clock=self.clock,
            standing=SiteStanding(
                self.books, reachable=lambda: True, alone_for=lambda: timedelta(0)
            ),
            direct={"direct": "one"},
        )
        open_jobs = OpenJobs(())
        self.books.on_job = lambda record, _: open_jobs.on_job(record)
        self.intake = Intake(
            books=self.books,
            spooler=self.spooler,
            analyst=self.analyst,
            releasing=self.releasing,
            queues={"pull": Queue("pull", None), "direct": Queue("direct", "one")},
            open_jobs=open_jobs,
            discarding=Discarding(self.books, self.spooler, clock=self.clock),
            limits=WaitingLimits(),
            work=work,
            clock=self.clock,
        )

    def clock(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC)

    async def open(self) -> None:
        """Make the queues, without jobs of other tests."""
        people = [PeopleQueue("pull", "pull"), PeopleQueue("direct", "direct")]
        queues = [PrinterQueue(f"q-{name}", each.uri) for name, each in self.printers.items()]
        await self.spooler.set_up(people, queues)
        for job in await self.spooler.jobs():
            await self.spooler.cancel(job.job)

    async def close(self) -> None:
        """Let go."""
        await self.spooler.close()
        await self.analyst.close()

    def change(self, kind: str, key: str, row: Any) -> None:  # noqa: ANN401  any row
        """Change the directory."""
        cursor = self.replica.cursor
        assert cursor is not None
        n = cursor.n + 1
        rows = rows_of([(kind, key, n, row)])
        self.replica.apply(DirectoryRows(epoch=1, kind="delta", since=n - 1, upto=n, rows=rows))

    def rule(self, **actions: Any) -> None:  # noqa: ANN401  any action
        """Put one rule in force."""
        made = {"version": 3, "rules": [{"name": "the rule", "then": actions}]}
        found = RuleSet.model_validate(made)
        self.change("setting", RULES, SettingRow(value=found.to_json()))

    async def prints(
        self, document: Path, queue: str = "pull", options: dict[str, str | int] | None = None
    ) -> JobId:
        """Print as a person does, and let the edge see it."""
        known = {each.job for each in self.books.jobs()}
        lp(self.cups, queue, document, user="ana", options=options)
        await self.intake.sweep()
        (job,) = {each.job for each in self.books.jobs()} - known
        return JobId(job)

    def record(self, job: JobId) -> JobRecord:
        """Return a job's record."""
        found = self.books.job(job)
        assert found is not None
        return found

    async def settles(self, job: JobId) -> JobRecord:
        """Wait until a job is paid for: the end of a job is told by events in another test."""
        async with asyncio.timeout(30):
            while not self.record(job).phase.final:
                await asyncio.sleep(0.05)
                await self.intake.sweep()
        return self.record(job)

    async def released(self, job: JobId, device: str = "one") -> Decision:
        """Release a job for its owner."""
        return await self.releasing.release(job, device, "ana")

    def paper(self, job: JobId, device: str = "one") -> KeptJob:
        """Return what a printer received of a job."""
        (kept,) = [each for each in self.printers[device].kept() if each.tag == job.hex[:12]]
        return kept

    def charge(self, job: JobId) -> Charged:
        """Return the one charge of a job."""
        (found,) = [
            each
            for each in said(self.books, "ledger")
            if isinstance(each, Charged) and each.job == job
        ]
        return found


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

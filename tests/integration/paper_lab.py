"""An edge's printing side on a real CUPS and virtual printers, its books in memory."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from broker.directory import RULES, SettingRow
from broker.messages import Charged, DirectoryRows
from config.ids import JobId
from config.policy.rules import RuleSet
from config.policy.tariffs import Tariff, TariffLine
from demo.lp import lp
from edge.discarding import Discarding, WaitingLimits
from edge.intake import Intake, Queue
from edge.open_jobs import OpenJobs
from edge.ports import PeopleQueue, PrinterQueue
from edge.printers import Printer
from edge.printing.analysis import DocumentAnalyst
from edge.printing.spooler import CupsSpooler
from edge.release import Verdict
from edge.releasing import Releasing
from edge.settling import Ways
from edge.standing import SiteStanding
from edge.store.memory_disk import MemoryDisk
from edge.store.replica import rows_of
from tests.unit.edge_lab import (
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
    from pathlib import Path

    from config.policy.decisions import Decision
    from demo.cupsd import PrivateCups
    from demo.printers import KeptJob, VirtualPrinter
    from edge.jobs import JobRecord

MONO, COLOR = 5 * CENT, 20 * CENT


class Floor:
    """An edge's printing side on a real CUPS, its books in memory."""

    def __init__(
        self,
        cups: PrivateCups,
        work: Path,
        *,
        mono: tuple[str, ...] = (),
        **printers: VirtualPrinter,
    ) -> None:
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
            printers={
                each: Printer(each, f"q-{each}", color=each not in mono) for each in printers
            },
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

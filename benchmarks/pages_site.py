"""A site that prints at a steady pace while pages are asked for: four events for each job."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from broker.credentials import CredentialFile
from broker.messages import (
    AccountAmount,
    Counted,
    DirectoryCursor,
    JobHeld,
    JobReleased,
    JobSettled,
)
from broker.stream_outbound import Pace
from broker.topics import Party
from central.store import accounts, directory, nodes
from config.policy.money import Money
from config.settings import LinkSettings
from tests.integration.books_lab import CODE, MemoryEdge
from tests.integration.wire_edge import WireEdge

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from broker.messages import Envelope, StreamName
    from central.store.books import Books

PEOPLE: Final = 200
_TICK: Final = 0.02
_PATIENCE: Final = 300.0
_COUNTED: Final = Counted(source="analysis", impressions=3, color_impressions=0, sheets=2)
_STREAMS: Final[tuple[StreamName, ...]] = ("ledger", "jobs")


class Site:
    """One edge on the wire whose jobs are written down beforehand and told as if they were new."""

    def __init__(self, books: Books, name: str, edge: WireEdge) -> None:
        self._books = books
        self.name = name
        self.edge = edge
        self._ready: dict[StreamName, list[Envelope]] = {"ledger": [], "jobs": []}
        self._told = 0

    @classmethod
    def enter(cls, books: Books, credentials: Path, port: int) -> Self:
        """Enter a new site and its people, with money that will be parked there."""
        memory = MemoryEdge(books, f"live-{int(time.time())}")
        memory.clock.now = datetime.now(UTC)
        name = memory.node
        with books.write() as tx:
            nodes.add(tx, name, site=name, role="remote", kind="edge", code=CODE)
            for number in range(PEOPLE):
                key = f"user:{name}.{number}"
                accounts.put(tx, key, "EUR", floor=0, enabled=True)
                money = Money.parse("1000.00", "EUR")
                accounts.top_up(tx, key, money, note="", author="benchmark")
            newest = directory.version(tx)
        secret = CredentialFile(credentials).add(name, Party.NODE)
        settings = LinkSettings.model_validate({"port": port, "secret": secret})
        edge = WireEdge(memory, settings, code=CODE, pace=Pace(batch=50, worth_sending=20))
        # it has all of the directory: what a new site gets first is not measured here
        edge.cursor = DirectoryCursor(epoch=books.identity.epoch, n=newest)
        return cls(books, name, edge)

    async def ready(self) -> None:
        """Wait until the money is here."""
        here = self.edge.memory.here
        await self.edge.until(lambda: len(here) >= PEOPLE)

    def write(self, jobs: int) -> None:
        """Write jobs down: held, released, settled and charged, sealed but not told yet."""
        memory = self.edge.memory
        before = {name: len(memory.journal[name]) for name in _STREAMS}
        for n in range(jobs):
            user = f"{self.name}.{n % PEOPLE}"
            charge = memory.charge(1000, f"user:{user}", counted=_COUNTED)
            held = (AccountAmount(account=f"user:{user}", unit="EUR", micros=1000),)
            memory.say(
                JobHeld(
                    job=charge.job, queue="pull", user=user, name=f"Minutes {n}.pdf",
                    received_at=memory.clock.now, counted=_COUNTED,
                ),
                JobReleased(
                    job=charge.job, attempt=1, user=user, printer=charge.printer, held=held,
                    alone=False, tariff_version=1, rules_version=1,
                ),
                JobSettled(
                    job=charge.job, attempt=1, printer=charge.printer, disposition="completed",
                    counts=(_COUNTED,), billed=_COUNTED, charge=charge.charge,
                ),
                name="jobs",
            )  # fmt: skip
            memory.say(charge)
        for name in _STREAMS:
            journal = memory.journal[name]
            self._ready[name] += journal[before[name] :]
            del journal[before[name] :]

    async def print(self, jobs_a_second: int, seconds: float) -> float:
        """Tell of jobs at a pace; return how many a second the books took, of all streams."""
        began, done = time.monotonic(), 0
        first = self._acked()
        while (passed := time.monotonic() - began) < seconds:
            due = int(passed * jobs_a_second)
            self._tell("jobs", 3 * (due - done))
            self._tell("ledger", due - done)
            done = due
            await self.edge.flush()
            await asyncio.sleep(_TICK)
        return (self._acked() - first) / 4 / (time.monotonic() - began)

    async def drained(self) -> float:
        """Wait until the books have everything that was told; return how many seconds it took."""
        began = time.monotonic()
        await self.edge.flush()
        # longer than a test waits for its event: how far behind it is, is what is to be known
        async with asyncio.timeout(_PATIENCE):
            while not self.edge.all_acked():  # noqa: ASYNC110  as above
                await asyncio.sleep(_TICK)
        return time.monotonic() - began

    def _acked(self) -> int:
        return sum(out.acked.seq for out in self.edge.outbound.values())

    def _tell(self, name: StreamName, count: int) -> None:
        ready = self._ready[name]
        self.edge.memory.journal[name] += ready[:count]
        del ready[:count]

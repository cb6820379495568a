"""Copies in tests: a site with a copier in memory, prices by kind, and terminals that count."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from broker.messages import Charged, CopyCounts, CopyState, JobFlagged, JobSettled
from config.policy.decisions import PointOfPrint
from config.policy.tariffs import Tariff, TariffLine
from edge.copy_budget import Bounds
from edge.copying import Copying, CopyWays, NotBegun
from edge.standing import SiteStanding
from edge.store.memory_disk import MemoryDisk
from edge.wishes import Wish
from tests.unit.edge_lab import (
    CENT,
    NOW,
    FakeFunds,
    directory,
    minting,
    open_books,
    open_replica,
    said,
)

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from broker.directory import UserRow
    from broker.messages import DirectoryRows
    from edge.cards import Allowance
    from edge.copy_meter import Kind

#: Cents of one copy of each kind.
PRICES: dict[Kind, int] = {
    "monochrome": 5,
    "color": 20,
    "monochrome_large": 10,
    "color_large": 40,
}
TERMINAL = "reader-1"
PATIENCE = timedelta(minutes=5)


def copy_tariff(prices: dict[Kind, int] | None = None) -> Tariff:
    """Return a tariff for copies."""
    cents = prices or PRICES
    lines = [
        TariffLine(service="copy", color="monochrome", per_impression=cents["monochrome"] * CENT),
        TariffLine(service="copy", color="color", per_impression=cents["color"] * CENT),
        TariffLine(
            service="copy",
            color="monochrome",
            media="iso_a3",
            per_impression=cents["monochrome_large"] * CENT,
        ),
        TariffLine(
            service="copy",
            color="color",
            media="iso_a3",
            per_impression=cents["color_large"] * CENT,
        ),
    ]
    return Tariff(version=3, unit="EUR", effective_from=NOW - timedelta(days=1), lines=tuple(lines))


def copy_directory(
    user: UserRow | None = None, prices: dict[Kind, int] | None = None, n: int = 1
) -> DirectoryRows:
    """Return Ana, her account, and prices of copies."""
    return directory(n, user=user, price=copy_tariff(prices))


class CopySite:
    """A site with two copiers; the second makes no colour."""

    def __init__(
        self,
        *,
        bounds: Bounds | None = None,
        prices: dict[Kind, int] | None = None,
        user: UserRow | None = None,
        copiers: frozenset[str] = frozenset({"lib-1", "lib-2"}),
    ) -> None:
        self.copiers = copiers
        self.allowance: Allowance | None = None
        self.now = NOW
        self.seconds = 0.0
        self.bounds = bounds or Bounds(most=200, margin=4, least=20)
        self.disk = MemoryDisk()
        self.books = open_books(self.disk)
        self.replica = open_replica(MemoryDisk())
        self.replica.apply(copy_directory(user, prices))
        self.funds = FakeFunds(books=self.books)
        self.alone_for = timedelta(0)
        self.open()

    def open(self) -> None:
        """Put the parts together; again, after a crash."""
        mint = minting(7000 + self.books.head("jobs").seq * 100)
        self.standing = SiteStanding(
            self.books,
            reachable=lambda: self.funds.reachable,
            alone_for=lambda: self.alone_for,
            allowance=self.allowance,
        )
        self.copying = Copying(
            books=self.books,
            replica=self.replica,
            funds=self.funds,
            standing=self.standing,
            printers={
                "lib-1": PointOfPrint(two_sided=False),
                "lib-2": PointOfPrint(color=False, two_sided=False),
            },
            ways=CopyWays(self.bounds, PATIENCE, "iso_a4", self.copiers),
            mint=lambda: mint(self.now),
            clock=self.clock,
            monotonic=lambda: self.seconds,
            zone=UTC,
        )

    def clock(self) -> datetime:
        """Return the time here."""
        return self.now

    def crash(self) -> None:
        """Die and start again with what was durable."""
        self.disk = self.disk.crash(lambda _: 0)
        self.books = open_books(self.disk)
        self.funds.books = self.books
        self.open()

    async def ask(
        self,
        device: str = "lib-1",
        *,
        node: str = TERMINAL,
        user: str = "ana",
        confirmed: bool = False,
    ) -> CopyState | NotBegun:
        """Ask to copy."""
        return await self.copying.begin(node, Wish(device, user, confirmed))

    async def begin(
        self, device: str = "lib-1", *, node: str = TERMINAL, confirmed: bool = False
    ) -> CopyState:
        """Begin a copy of Ana's."""
        state = await self.ask(device, node=node, confirmed=confirmed)
        assert isinstance(state, CopyState), state
        return state

    def count(self, copy: UUID, *, node: str = TERMINAL, **counts: int) -> CopyState:
        """Count at a terminal."""
        state = self.copying.count(node, copy, CopyCounts(**counts))
        assert isinstance(state, CopyState)
        return state

    def end(self, copy: UUID, *, node: str = TERMINAL, **counts: int) -> CopyState:
        """End a copy."""
        state = self.copying.end(node, copy, CopyCounts(**counts))
        assert isinstance(state, CopyState)
        return state

    def charged(self) -> list[Charged]:
        """Return what was charged."""
        return [each for each in said(self.books, "ledger") if isinstance(each, Charged)]

    def settled(self) -> list[JobSettled]:
        """Return what was settled."""
        return [each for each in said(self.books, "jobs") if isinstance(each, JobSettled)]

    def flags(self) -> list[str]:
        """Return the causes of flags."""
        return [each.cause for each in said(self.books, "jobs") if isinstance(each, JobFlagged)]

    def here(self) -> int:
        """Return all of Ana's money here, holds included."""
        return self.books.money()[0].get("EUR", 0)

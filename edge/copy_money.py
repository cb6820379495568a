"""Finds the budget of a copy as things are at this moment, and money that is not here for it.

What is decided is decided by the policy; asking for money takes time, and then it is decided anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.policy.decisions import Allowed, Ask, Decision, Denied
from config.policy.paying import price_of
from config.policy.pricing import Priced
from edge.copy_budget import Budget, budget
from edge.copy_meter import KINDS, Kind, attributes_of, figures_of
from edge.deciding import Deciding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import tzinfo

    from config.ids import AccountKey
    from config.policy.decisions import Charge, PointOfPrint
    from config.policy.money import Money, Unit
    from edge.copy_budget import Bounds
    from edge.deciding import Standing
    from edge.jobs import JobRecord
    from edge.ports import Clock, Funds
    from edge.store.replica import Replica
    from edge.wishes import Wish


class CopyMoney:
    """What copies of one site may cost."""

    def __init__(
        self,
        *,
        replica: Replica,
        funds: Funds,
        standing: Standing,
        printers: Mapping[str, PointOfPrint],
        bounds: Bounds,
        paper: str,
        clock: Clock,
        zone: tzinfo,
    ) -> None:
        """Take what it rests on; see `Copying`."""
        self._replica = replica
        self._funds = funds
        self._standing = standing
        self._bounds = bounds
        self._paper = paper
        self._clock = clock
        self._deciding = Deciding(
            replica=replica, standing=standing, printers=printers, clock=clock, zone=zone
        )

    def budget(self, record: JobRecord, wish: Wish, *, past: bool) -> Budget | Denied | Ask:
        """Say how much may be copied now, or why nothing may.

        Args:
            record: the copy.
            wish: what is wanted.
            past: what is here may be gone past, as far as the site's terms let it.
        """

        def asked(kind: Kind, count: int) -> Decision:
            return self._ask(record, wish, kind, count, past=past)

        def fits(charges: Sequence[Charge]) -> bool:
            return self._fits(record, wish, charges)

        return budget(asked, self._prices(wish.device), self._bounds, fits)

    def wants_more(self, found: Budget | Denied | Ask) -> bool:
        """Say whether it is worth asking the centre: where no money waits here, always."""
        match found:
            case Budget(reach=reach):
                few = max(reach.values()) < self._bounds.least
                return few or not self._standing.role().standing
            case Denied(short=short):
                return short is not None
            case Ask():
                return False

    async def fetch(self, record: JobRecord, wish: Wish) -> None:
        """Ask for what the dearest kind needs, then for what others need beside it."""
        prices, bounds = self._prices(wish.device), self._bounds
        most = bounds.least if self._standing.role().standing else bounds.most
        # rules may deny many of a kind, so fewer are tried
        tries = tuple(dict.fromkeys((most, min(most, bounds.least), bounds.margin + 1)))
        fetched: set[tuple[int, str]] = set()
        for kind in sorted(KINDS, key=lambda kind: -prices.get(kind, 0)):
            for count in tries:
                if await self._fetched(record, wish, kind, count, fetched):
                    break

    async def _fetched(
        self,
        record: JobRecord,
        wish: Wish,
        kind: Kind,
        count: int,
        fetched: set[tuple[int, str]],
    ) -> bool:
        """Ask for what so many need, once of each account; say whether money was what they lack."""
        while True:
            answer = self._ask(record, wish, kind, count, past=False)
            if not isinstance(answer, Denied) or answer.short is None:
                return isinstance(answer, Allowed)
            short = answer.short
            payers = short.accounts or (short.account,)
            account = next((each for each in payers if (short.demand, each) not in fetched), None)
            if account is None:
                return True
            fetched.add((short.demand, account))
            await self._funds.fetch(account, short.missing, record.job, partly=True)

    def _ask(
        self, record: JobRecord, wish: Wish, kind: Kind, count: int, *, past: bool
    ) -> Decision:
        update = {
            "planned": figures_of(kind, count, self._paper),
            "attributes": attributes_of(kind),
        }
        return self._deciding.decide(record.model_copy(update=update), wish, past=past)

    def _prices(self, device: str) -> dict[Kind, int]:
        """Return micros of the tariff for one copy of each kind, where it says."""
        tariff = self._replica.tariff(self._clock())
        if tariff is None:
            return {}
        one = {kind: figures_of(kind, 1, self._paper) for kind in KINDS}
        found = {kind: price_of(tariff, "copy", each, device) for kind, each in one.items()}
        return {kind: p.total.micros for kind, p in found.items() if isinstance(p, Priced)}

    def _fits(self, record: JobRecord, wish: Wish, charges: Sequence[Charge]) -> bool:
        """Say whether charges that were decided one by one can be held together."""
        sums: dict[tuple[str, str, str], int] = {}
        for each in charges:
            key = (each.account, each.money.unit, each.covered_by)
            sums[key] = sums.get(key, 0) + each.money.micros
        room = {"allocation": self._here(record), "uncovered": self._standing.past}
        for (account, unit, by), micros in sums.items():
            if by in room and micros > room[by](account, unit).micros:
                return False
        return self._standing.beyond(charges, wish.card) is None

    def _here(self, record: JobRecord) -> Callable[[AccountKey, Unit], Money]:
        return lambda account, unit: self._standing.available(account, unit, record.job)

"""One account's money and where it sits: slim, fast, and each step is what production does.

What an edge may spend is `config.policy.accounts.cover`; where money is parked is
`central.sizing`; what is fetched from where follows the order of `central.store.funds`. That it
comes to the same as the books of the centre and of edges is shown by a test on random runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from config.ids import AccountKey
from config.policy.accounts import Covered, Demand, Short, Wallet, cover
from config.policy.courier import NotACode, steps_of
from config.policy.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNIT: Final = "EUR"
ANYBODY: Final = AccountKey("user:somebody")
_WALLETS: Final = (Wallet(ANYBODY),)


@dataclass(slots=True)
class Traffic:
    """What moving money cost."""

    reclaims: int = 0
    messages: int = 0


@dataclass(slots=True)
class Purse:
    """The money of one account; all micros."""

    centre: int = 0
    at: dict[str, int] = field(default_factory=dict)
    owed: dict[str, int] = field(default_factory=dict)
    """Charged past the allocation, by site, not collected yet."""

    @property
    def total(self) -> int:
        """All there is, what is owed taken off: below zero it was overspent."""
        return self.centre + sum(self.at.values()) - sum(self.owed.values())

    def reachable(self, linked: Iterable[str]) -> int:
        """What the centre can move: its own and what sits at linked sites."""
        return self.centre + sum(self.at.get(site, 0) for site in linked)

    def spend(self, site: str, cost: int, leave: int = 0) -> int | None:
        """Charge at a site if what is there covers it; return what is missing, None when paid.

        Args:
            site: where.
            cost: the price.
            leave: how much may be charged past what is there.
        """
        here = self.at.get(site, 0)
        past = {ANYBODY: Money(leave, UNIT)} if leave else None
        answer = cover((Demand(_WALLETS, Money(cost, UNIT)),), {ANYBODY: Money(here, UNIT)}, past)
        match answer:
            case Short():
                return answer.missing.micros
            case Covered():
                for charge in answer.charges:
                    if charge.covered_by == "uncovered":
                        self.owed[site] = self.owed.get(site, 0) + charge.money.micros
                    else:
                        self.at[site] -= charge.money.micros
        return None

    def fetch(self, site: str, missing: int, linked: frozenset[str], traffic: Traffic) -> bool:
        """Bring what is missing to a linked site: from the centre, then from where most is.

        All of it or nothing, as a request for funds is answered.
        """
        traffic.messages += 2
        others = linked - {site}
        if self.reachable(others) < missing:
            return False
        self.gather(missing, others, traffic)
        self.centre -= missing
        self.at[site] = self.at.get(site, 0) + missing
        traffic.messages += 1
        return True

    def gather(self, needed: int, linked: frozenset[str], traffic: Traffic) -> None:
        """Bring the centre up to what is needed, from the sites that have most."""
        order = sorted(linked, key=lambda site: (-self.at.get(site, 0), site))
        for site in order:
            part = min(needed - self.centre, self.at.get(site, 0))
            if part <= 0:
                break
            self.reclaim(site, part, traffic)

    def carry(self, site: str, missing: int, linked: frozenset[str], traffic: Traffic) -> bool:
        """Bring what is missing to a cut-off site by a courier code, in its steps."""
        wish = -(-missing // 100_000) * 100_000
        if isinstance(steps_of(Money(wish, UNIT)), NotACode) or self.reachable(linked) < wish:
            return False
        self.gather(wish, linked, traffic)
        self.centre -= wish
        self.at[site] = self.at.get(site, 0) + wish
        return True

    def collect(self) -> dict[str, int]:
        """Pay what is owed from what is at the centre, before anything is parked; say where."""
        paid: dict[str, int] = {}
        for site, owed in sorted(self.owed.items()):
            part = min(owed, self.centre)
            if part > 0:
                self.centre -= part
                self.owed[site] = owed - part
                paid[site] = part
        return paid

    def grant(self, grants: Mapping[str, int], traffic: Traffic) -> None:
        """Move money from the centre to sites."""
        for site, micros in grants.items():
            self.at[site] = self.at.get(site, 0) + micros
            self.centre -= micros
        traffic.messages += len(grants)

    def reclaim(self, site: str, up_to: int, traffic: Traffic) -> None:
        """Ask a linked site for money back; it gives what is free there."""
        part = min(up_to, self.at.get(site, 0))
        self.at[site] -= part
        self.centre += part
        traffic.reclaims += 1
        traffic.messages += 2

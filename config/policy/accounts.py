"""Accounts: whether what is here covers a charge that touches several of them at once.

An account holds a balance in one unit, a currency or `page`. Its key says its kind: `user:ana`
(a person's credit), `department:physics`, `project:apollo`, and `house:…` for the organisation's
own. A charge may touch several (user + department + project): all must cover it, or none pays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from config.policy.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from config.ids import AccountKey

#: Which impressions an account in `page` pays for: all, or only those of one colour.
Counts = Literal["impressions", "monochrome", "color"]


@dataclass(frozen=True, slots=True)
class Covered:
    """Every account covers its part."""

    charges: tuple[tuple[AccountKey, Money], ...]
    """What each account pays, one line an account, in the order of the demands."""


@dataclass(frozen=True, slots=True)
class Short:
    """The first account that does not cover its part."""

    account: AccountKey
    """Which one."""
    needed: Money
    """What it would have to pay."""
    here: Money
    """What may be spent of it here, in the same unit; never negative."""

    @property
    def missing(self) -> Money:
        """How much more it would take."""
        return self.needed - self.here


def cover(
    demands: Iterable[tuple[AccountKey, Money]], available: Mapping[AccountKey, Money]
) -> Covered | Short:
    """Say whether all accounts cover what is demanded of them.

    Args:
        demands: account and amount; an account that is named twice pays the sum.
        available: what may be spent of each account here, holds taken off already. One that is
            missing, or held in another unit, has nothing.

    Raises:
        ValueError: a demand is negative (a charge never gives money), or one account is asked
            for two units.
    """
    needed: dict[AccountKey, Money] = {}
    for account, amount in demands:
        if amount.micros < 0:
            raise ValueError(f"{account} cannot be charged {amount}")
        needed[account] = needed[account] + amount if account in needed else amount
    for account, amount in needed.items():
        here = available.get(account, Money(0, amount.unit))
        if here.unit != amount.unit or here.micros < 0:
            here = Money(0, amount.unit)
        if here < amount:
            return Short(account, amount, here)
    return Covered(tuple(needed.items()))

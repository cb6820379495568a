"""Accounts: whether what is here covers a charge that touches several of them at once.

An account holds a balance in one unit, a currency or `page`. Its key says its kind: `user:ana`
(a person's credit), `grant:ana`, `quota:ana`, `department:physics`, `project:apollo`, and `house:…`
for the organisation's own. A charge may touch several lists of accounts (the person's wallets, a
department, a project): each list covers the whole of it, or nobody pays. Within a list the first
account is spent first, and the charge is split where it runs dry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from config.policy.money import MICROS_BOUND, Money, MoneyError, Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from config.ids import AccountKey

#: Which impressions an account in `page` pays for: all, or only those of one colour.
Counts = Literal["impressions", "monochrome", "color"]
#: What stands behind a charge. `allocation`: money that is here. `account`: an account without
#: limit, counted only. `uncovered`: past the allocation, by leave of the site's terms.
CoveredBy = Literal["allocation", "account", "uncovered"]

#: More than any charge: what an account without limit has.
_ENDLESS = 4 * MICROS_BOUND


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the directory knows it."""

    unit: Unit
    """Currency code or `page`."""
    enabled: bool = True
    """False: closed or frozen, nothing may be charged."""
    counts: Counts = "impressions"
    """In `page`: which impressions it pays for."""
    unlimited: bool = False
    """Counted only: it always covers."""


@dataclass(frozen=True, slots=True)
class Wallet:
    """An account in line to pay."""

    account: AccountKey
    counts: Counts = "impressions"
    """Which part of the demand it may pay."""
    unlimited: bool = False
    """It always covers, whatever is here."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What one list of accounts has to pay together."""

    wallets: tuple[Wallet, ...]
    """The first is spent first."""
    amount: Money
    """The whole; never negative."""
    color: int = 0
    """Micros of it that stand for colour impressions; the rest is monochrome. Only in `page`."""


@dataclass(frozen=True, slots=True)
class Charge:
    """A sum that one account pays."""

    account: AccountKey
    money: Money
    """More than nothing."""
    covered_by: CoveredBy = "allocation"
    demand: int = 0
    """Which of the demands it pays, from 0."""
    counts: Counts = "impressions"
    """What it may stand for; settlement needs it to charge less."""


@dataclass(frozen=True, slots=True)
class Covered:
    """Every list covers its part."""

    charges: tuple[Charge, ...]
    """By demand, then in the order of the wallets; those of one demand sum to it exactly."""


@dataclass(frozen=True, slots=True)
class Short:
    """The first list that does not cover its part."""

    account: AccountKey
    """The first of them that could pay what is missing."""
    needed: Money
    """What they would have to pay together."""
    here: Money
    """What of it is covered here, in the same unit; never negative."""
    accounts: tuple[AccountKey, ...] = ()
    """All accounts of the list that could pay what is missing, in their order."""
    counts: Counts = "impressions"
    """Of what it is short, when it is one colour of impressions only."""
    demand: int = 0
    """Which of the demands it is, from 0: an account may stand in several."""

    @property
    def missing(self) -> Money:
        """How much more it would take."""
        return self.needed - self.here


@dataclass(frozen=True, slots=True)
class _Source:
    """Something that can pay: an account, held money of one, or the leave to go past one."""

    account: AccountKey
    counts: Counts
    covered_by: CoveredBy
    cap: int


@dataclass(slots=True)
class _Due:
    """What of a demand is still to be paid, in micros."""

    monochrome: int
    color: int

    def take(self, source: _Source, later: Sequence[_Source]) -> int:
        """Pay from a source as much as it has; return how much that was.

        One that counts both takes monochrome first, but leaves to those after it what they can pay.
        """
        if source.counts == "monochrome":
            paid = min(source.cap, self.monochrome)
            self.monochrome -= paid
            return paid
        if source.counts == "color":
            paid = min(source.cap, self.color)
            self.color -= paid
            return paid
        paid = min(source.cap, self.monochrome + self.color)
        color_later = sum(each.cap for each in later if each.counts != "monochrome")
        of_color = max(paid - self.monochrome, min(self.color - color_later, self.color, paid), 0)
        self.color -= of_color
        self.monochrome -= paid - of_color
        return paid


def cover(
    demands: Iterable[Demand],
    available: Mapping[AccountKey, Money],
    past: Mapping[AccountKey, Money] | None = None,
) -> Covered | Short:
    """Say whether every list covers what is demanded of it, and who pays what.

    An account that stands in several lists pays for each of them, the earlier list first; it may
    then be short though another split would have done: nothing is overspent.

    Args:
        demands: one for each list of accounts.
        available: what may be spent of each account here, holds taken off already. One that is
            missing, in debt, or held in another unit, has nothing.
        past: how far each account may be charged past what is here. Used on the last account of a
            list that pays what is missing, after all others.

    Raises:
        ValueError: a demand is negative (a charge never gives money), or its parts do not fit.
        MoneyError: one account is asked for two units.
    """
    asked = tuple(demands)
    _check(asked)
    left: dict[AccountKey, int] = {}
    leave: dict[AccountKey, int] = {}
    for each in asked:
        for wallet in each.wallets:
            left[wallet.account] = _of(available, wallet.account, each.amount.unit)
            leave[wallet.account] = _of(past or {}, wallet.account, each.amount.unit)
    charges: list[Charge] = []
    for number, demand in enumerate(asked):
        due = _Due(demand.amount.micros - demand.color, demand.color)
        sources = _sources(demand, left, leave)
        for charge in _pay(due, sources, demand.amount.unit, number):
            charges.append(charge)
            taken = {"allocation": left, "uncovered": leave}.get(charge.covered_by)
            if taken is not None:
                taken[charge.account] -= charge.money.micros
        if due.monochrome or due.color:
            return _short(demand, due, number)
    return Covered(tuple(charges))


def charge_less(
    held: Sequence[Charge], amounts: Mapping[int, tuple[Money, int]]
) -> tuple[Charge, ...]:
    """Return what is charged of a hold when less is due: the order of spending stays.

    Args:
        held: the charges of a hold.
        amounts: for each demand (by number) what is due of it, and how many micros of that stand
            for colour. What is due above the hold is not charged.
    """
    charges: list[Charge] = []
    for number, (amount, color) in sorted(amounts.items()):
        sources = [
            _Source(each.account, each.counts, each.covered_by, each.money.micros)
            for each in held
            if each.demand == number and each.money.unit == amount.unit
        ]
        due = _Due(amount.micros - color, color)
        charges += _pay(due, sources, amount.unit, number)
    return tuple(charges)


def _check(demands: tuple[Demand, ...]) -> None:
    units: dict[AccountKey, Unit] = {}
    for demand in demands:
        names = ", ".join(wallet.account for wallet in demand.wallets)
        if not demand.wallets:
            raise ValueError(f"nobody stands in the list that shall pay {demand.amount}")
        if demand.amount.micros < 0:
            raise ValueError(f"{names} cannot be charged {demand.amount}")
        if not 0 <= demand.color <= demand.amount.micros:
            raise ValueError(f"{demand.color} micros of {demand.amount} cannot be of colour")
        if len({wallet.account for wallet in demand.wallets}) < len(demand.wallets):
            raise ValueError(f"an account stands twice in one list: {names}")
        for wallet in demand.wallets:
            if units.setdefault(wallet.account, demand.amount.unit) != demand.amount.unit:
                raise MoneyError(f"{wallet.account} is asked for two units")


def _of(money: Mapping[AccountKey, Money], account: AccountKey, unit: Unit) -> int:
    found = money.get(account)
    return max(found.micros, 0) if found is not None and found.unit == unit else 0


def _sources(
    demand: Demand, left: Mapping[AccountKey, int], leave: Mapping[AccountKey, int]
) -> list[_Source]:
    """Return what can pay a demand, in order; the leave to go past an account comes last."""
    found = [
        _Source(wallet.account, wallet.counts, "account", _ENDLESS)
        if wallet.unlimited
        else _Source(wallet.account, wallet.counts, "allocation", left[wallet.account])
        for wallet in demand.wallets
    ]
    last = {
        color: next(
            (w for w in reversed(demand.wallets) if w.counts in {color, "impressions"}), None
        )
        for color in ("monochrome", "color")
    }
    black, color = last["monochrome"], last["color"]
    if black and black == color:
        found.append(_Source(black.account, "impressions", "uncovered", leave[black.account]))
        return found
    if black:
        found.append(_Source(black.account, "monochrome", "uncovered", leave[black.account]))
    if color:
        found.append(_Source(color.account, "color", "uncovered", leave[color.account]))
    return found


def _pay(due: _Due, sources: Sequence[_Source], unit: Unit, number: int) -> list[Charge]:
    """Take what is due from the sources in order; what is left stays in `due`."""
    paid: list[Charge] = []
    for place, source in enumerate(sources):
        micros = due.take(source, sources[place + 1 :])
        if micros:
            money = Money(micros, unit)
            paid.append(Charge(source.account, money, source.covered_by, number, source.counts))
    return paid


def _short(demand: Demand, due: _Due, number: int) -> Short:
    """Name who could pay what is left, with the figures of those colours that are short."""
    unit, total = demand.amount.unit, demand.amount.micros
    counts: Counts = "impressions"
    if not due.color and demand.color:
        counts, total = "monochrome", total - demand.color
    elif not due.monochrome and demand.color < total:
        counts, total = "color", demand.color
    kinds: set[Counts] = {"impressions"}
    kinds |= {"monochrome"} if due.monochrome else set()
    kinds |= {"color"} if due.color else set()
    able = tuple(wallet.account for wallet in demand.wallets if wallet.counts in kinds)
    missing = Money(due.monochrome + due.color, unit)
    needed = Money(total, unit)
    first = able[0] if able else demand.wallets[0].account
    return Short(first, needed, needed - missing, able, counts, number)

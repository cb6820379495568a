"""Who pays what: lists of accounts, what each has to pay for figures on paper, and what is left.

A list in a currency pays the price. A list in `page` pays impressions, needs no tariff, and of them
only those of the colours that its accounts count; a rule's factor holds for pages too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.policy.accounts import Charge, Demand, Wallet, charge_less
from config.policy.conditions import Purse
from config.policy.money import MICROS_BOUND, PAGE, UNIT_MICROS, Money
from config.policy.pricing import NoPrice, Priced, adjust, price
from config.policy.reasons import Line, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from config.ids import AccountKey
    from config.policy.accounts import Account, Counts
    from config.policy.jobs import Figures
    from config.policy.money import Unit
    from config.policy.pricing import Adjustment, PriceChange
    from config.policy.tariffs import Service, Tariff

#: Thousandths of a factor that changes nothing.
_UNCHANGED = 1000

#: Accounts that cover a charge together, the first spent first.
Accounts = tuple["AccountKey", ...]


@dataclass(frozen=True, slots=True)
class Payers:
    """One list of accounts that can pay."""

    unit: Unit
    wallets: tuple[Wallet, ...]
    """Those that are open; at least one."""
    closed: tuple[Wallet, ...] = ()
    """Those that are not."""

    def counts(self, color: Counts) -> bool:
        """Say whether impressions of a colour are this list's to pay, closed accounts included."""
        return any(each.counts in {color, "impressions"} for each in (*self.wallets, *self.closed))


@dataclass(frozen=True, slots=True)
class Unpayable:
    """Nobody can pay, whatever it costs."""

    reason: Reason
    detail: str
    """For people."""


def in_line(
    lists: Iterable[Accounts], accounts: Mapping[AccountKey, Account]
) -> tuple[Payers, ...] | Unpayable:
    """Return who pays; within a list what is closed or not known here is passed over."""
    found: list[Payers] = []
    for keys in lists:
        known = [key for key in keys if key in accounts]
        if not known:
            return Unpayable(Reason.ACCOUNT_INFO_NEEDED, f"the account {keys[0]} is not known here")
        opened = [key for key in known if accounts[key].enabled]
        if not opened:
            return Unpayable(Reason.ACCOUNT_CLOSED, f"the account {known[0]} is closed")
        units = {accounts[key].unit: key for key in known}
        if len(units) > 1:
            said = " and ".join(f"{key} in {unit}" for unit, key in sorted(units.items()))
            detail = f"one list has {said}; a list has one unit"
            return Unpayable(Reason.ACCOUNT_INFO_NEEDED, detail)
        unit = accounts[known[0]].unit
        wallets = {key: _wallet(key, accounts[key]) for key in known}
        closed = tuple(wallets[key] for key in known if key not in opened)
        found.append(Payers(unit, tuple(wallets[key] for key in opened), closed))
    if not found:
        detail = "no account is known that would pay for this"
        return Unpayable(Reason.ACCOUNT_INFO_NEEDED, detail)
    return tuple(found)


def uncounted(payers: Sequence[Payers], figures: Figures) -> Unpayable | None:
    """Say whether impressions of some colour would be paid by nobody."""
    for color, count in _by_color(figures):
        if not count:
            continue
        counting = [each for each in payers if each.unit != PAGE or each.counts(color)]
        if not counting:
            detail = f"no account pays for {color} impressions"
            return Unpayable(Reason.ACCOUNT_INFO_NEEDED, detail)
        for each in counting:
            if not any(wallet.counts in {color, "impressions"} for wallet in each.wallets):
                closed = next(w for w in each.closed if w.counts in {color, "impressions"})
                return Unpayable(Reason.ACCOUNT_CLOSED, f"the account {closed.account} is closed")
    return None


def price_of(
    tariff: Tariff,
    service: Service,
    figures: Figures,
    printer: str,
    adjustments: Sequence[Adjustment] = (),
) -> Priced | NoPrice:
    """Return what figures cost at a printer under a tariff, as rules change it."""
    priced = price(tariff, service, figures, printer)
    return adjust(priced, figures, adjustments) if isinstance(priced, Priced) else priced


def price_in_pages(figures: Figures, adjustments: Sequence[Adjustment] = ()) -> Priced | NoPrice:
    """Return what figures cost somebody who pays in pages only: no tariff, so version 0."""
    total = sum(pages_due(figures, adjustments))
    if total > MICROS_BOUND:
        return NoPrice(f"{figures.impressions} impressions are more pages than can be booked")
    return Priced(Money(total, PAGE), 0, ())


def pages_due(figures: Figures, adjustments: Sequence[Adjustment] = ()) -> tuple[int, int]:
    """Return micros of pages for monochrome and for colour impressions, after rules' factors."""
    due = [count * UNIT_MICROS for _, count in _by_color(figures)]
    for each in adjustments:
        due = [each.factored(micros) for micros in due]
    return due[0], due[1]


def demands(
    payers: Sequence[Payers],
    figures: Figures,
    priced: Priced,
    adjustments: Sequence[Adjustment] = (),
) -> tuple[Demand, ...] | Unpayable:
    """Return what each list has to pay.

    Args:
        payers: the lists.
        figures: what is printed.
        priced: what it costs; looked at by lists in a currency only.
        adjustments: what rules did to the price, for the lists in `page`.
    """
    monochrome, color = pages_due(figures, adjustments)
    found: list[Demand] = []
    for each in payers:
        if each.unit == PAGE:
            own = color if each.counts("color") else 0
            total = own + (monochrome if each.counts("monochrome") else 0)
            found.append(Demand(each.wallets, Money(total, PAGE), own))
        elif each.unit != priced.total.unit:
            first = each.wallets[0].account
            detail = f"the account {first} is in {each.unit}, the tariff in {priced.total.unit}"
            return Unpayable(Reason.NO_PRICE, detail)
        else:
            found.append(Demand(each.wallets, priced.total))
    return tuple(found)


def charged(
    held: Sequence[Charge],
    billed: Figures,
    priced: Priced | None,
    adjustments: Sequence[Adjustment] = (),
) -> tuple[Charge, ...]:
    """Return what is charged of a hold for what came out: never more, the same accounts first.

    Args:
        held: the charges of the decision.
        billed: what came out.
        priced: what that costs, by `price_of` with the same tariff and adjustments; None where
            no held charge is in a currency.
        adjustments: those of the decision.
    """
    monochrome, color = pages_due(billed, adjustments)
    amounts: dict[int, tuple[Money, int]] = {}
    for each in held:
        if each.money.unit != PAGE:
            amounts[each.demand] = (priced.total if priced else Money(0, each.money.unit)), 0
            continue
        # a colour that none of them counts is left over, and what is left over is not charged
        amounts[each.demand] = Money(monochrome + color, PAGE), color
    return charge_less(held, amounts)


def purse_of(
    keys: Accounts,
    accounts: Mapping[AccountKey, Account],
    *sums: Mapping[AccountKey, Money],
) -> Purse:
    """Return what a list of accounts has together; of several sums the first that knows one counts.

    Closed accounts have nothing; those in debt lower the rest.
    """
    opened = [key for key in keys if key in accounts and accounts[key].enabled]
    if not opened:
        return Purse(None, 0)
    unit = accounts[opened[0]].unit
    if any(accounts[key].unlimited for key in opened):
        return Purse(unit, None)
    known = (next((each[key] for each in sums if key in each), None) for key in opened)
    return Purse(unit, sum(each.micros for each in known if each and each.unit == unit))


def lines_of_price(
    priced: Priced, payers: Sequence[Payers], adjustments: Sequence[Adjustment]
) -> Iterator[Line]:
    """Yield why it costs what it costs."""
    money = any(each.unit != PAGE for each in payers)
    for item in priced.items:
        yield Line("price", f"{item}, {item.total} (tariff {priced.tariff_version})")
    for change in priced.changes:
        yield _line_of_change(change)
    for each in () if money else adjustments:
        if each.permille != _UNCHANGED:
            yield Line("factor", f"{_percent(each.permille)} of the pages", each.rule)
        if each.unit:
            yield Line("note", "no surcharge: nobody pays money for this", each.rule)
    yield Line("price", f"{priced.total} in all")


def _line_of_change(change: PriceChange) -> Line:
    each, by = change.adjustment, f"{'+' if change.by.micros >= 0 else ''}{change.by}"
    if not each.unit:
        text = f"{_percent(each.permille)} of the price so far, {by}"
        return Line("factor", text, each.rule)
    factor = "" if each.permille == _UNCHANGED else f", after {_percent(each.permille)} of it"
    return Line("surcharge", f"{by} on the price so far{factor}", each.rule)


def _percent(permille: int) -> str:
    whole, tenth = divmod(permille, 10)
    return f"{whole}.{tenth} %" if tenth else f"{whole} %"


def lines_of_charges(payers: Sequence[Payers], charges: Sequence[Charge]) -> Iterator[Line]:
    """Yield who pays, and who was passed over."""
    for each in payers:
        for wallet in each.closed:
            yield Line("note", f"the account {wallet.account} is closed: passed over")
    ways = {"allocation": "", "account": ", counted only", "uncovered": ", past what is here"}
    for charge in charges:
        way = ways[charge.covered_by]
        yield Line("account", f"{charge.money} of the account {charge.account}{way}")


def _wallet(key: AccountKey, account: Account) -> Wallet:
    counts: Counts = account.counts if account.unit == PAGE else "impressions"
    return Wallet(key, counts, account.unlimited)


def _by_color(figures: Figures) -> tuple[tuple[Counts, int], ...]:
    return (
        ("monochrome", figures.monochrome_impressions),
        ("color", figures.color_impressions),
    )

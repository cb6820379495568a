"""Who pays for a person: their lists of accounts, and what they may charge instead.

Everything is looked at before the first account is opened: a refusal leaves nothing behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from central.acts import naming
from central.store import accounts, wallets
from central.store.accounts import Rules
from central.store.ledger import HOUSE_KINDS, Refused
from config.policy.money import PAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.directory import UserRow
    from central.store.books import Transaction
    from central.store.wallets import Lists
    from config.policy.accounts import Counts
    from config.policy.money import Unit

#: What a person's quota counts, by what follows their name.
_QUOTAS: Final[dict[str, Counts]] = {
    "": "impressions",
    ".color": "color",
    ".mono": "monochrome",
}


@dataclass(frozen=True, slots=True)
class Paying:
    """Who is to pay for a person, looked at and found good."""

    lists: Lists
    """Each covers a charge, all must."""
    opened: tuple[tuple[str, Unit, Rules], ...]
    """Accounts that are opened for it."""


def each_of(tx: Transaction, keys: Sequence[str], currency: Unit) -> Paying | Refused:
    """Look at accounts of which each is to cover every charge; what is not there is opened."""
    checked = [naming.account_key(key) for key in keys]
    if (refused := _first(checked)) is not None:
        return refused
    for key in keys:
        if key.partition(":")[0] in HOUSE_KINDS:
            return Refused(f"{key} is the organisation's own; nobody pays from it")
    fresh = [key for key in dict.fromkeys(keys) if accounts.find(tx, key) is None]
    opened = tuple((key, currency, Rules()) for key in fresh)
    return Paying(tuple((key,) for key in keys), opened)


def lists_of(tx: Transaction, name: str, lists: Lists, currency: Unit) -> Paying | Refused:
    """Look at lists of accounts, each to cover a charge together; a person's own are opened."""
    for each in lists:
        if (refused := _first([naming.account_key(key) for key in each])) is not None:
            return refused
    opened: list[tuple[str, Unit, Rules]] = []
    for key in dict.fromkeys(key for each in lists for key in each):
        own = _own(key, name, currency)
        if own is not None and accounts.find(tx, key) is None:
            opened.append((key, *own))
    opening = {key: unit for key, unit, _ in opened}
    if (refused := wallets.wrong(tx, lists, opening)) is not None:
        return refused
    return Paying(lists, tuple(opened))


def carried_out(tx: Transaction, row: UserRow, paying: Paying) -> UserRow:
    """Open what is to be opened; return the row with who pays."""
    for key, unit, rules in paying.opened:
        accounts.open_new(tx, key, unit, rules)
    return wallets.with_lists(row, paying.lists)


def _own(key: str, name: str, currency: Unit) -> tuple[Unit, Rules] | None:
    """Return what a person's own account is opened as; None: it is not theirs alone."""
    kind, _, rest = key.partition(":")
    if kind in {"user", "grant"} and rest == name:
        return currency, Rules()
    if kind == "quota" and rest in {name + which for which in _QUOTAS}:
        return PAGE, Rules(counts=_QUOTAS[rest.removeprefix(name)])
    return None


def _first(checked: Sequence[str | Refused]) -> Refused | None:
    return next((each for each in checked if isinstance(each, Refused)), None)

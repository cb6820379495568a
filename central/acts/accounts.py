"""Accounts: opening, changing, freezing, closing, merging; who may charge them; overdrafts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from broker.directory import UserRow
from central.acts import naming
from central.acts.by import By, signed
from central.store import accounts, audit, closing, directory, ledger, wallets
from central.store.accounts import KINDS, AccountRecord, Rules
from central.store.ledger import CENTRE, Refused
from central.store.trying import all_or_nothing
from config.policy.money import PAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from central.store.books import Transaction
    from central.store.closing import Closed
    from config.policy.money import Unit


@dataclass(frozen=True, slots=True)
class Leaving:
    """What closing or merging an account would move."""

    at_once: int
    """Micros at the centre; negative: a debt."""
    waiting: dict[str, int]
    """Micros at sites, by node: they follow as they come back."""
    members: int
    """People who may choose it, up to a thousand."""


def open_account(
    tx: Transaction, by: By, key: str, unit: Unit | None = None, rules: Rules | None = None
) -> AccountRecord | Refused:
    """Open an account: user, grant, quota (pages), department, project or shared.

    `unit` None: pages for a quota, else the currency of the books.
    """
    checked = naming.account_key(key)
    if isinstance(checked, Refused):
        return checked
    kind = checked.partition(":")[0]
    if kind not in KINDS:
        kinds = ", ".join(f"{each} ({what})" for each, what in KINDS.items())
        return Refused(f"{kind!r} is no kind of account for people; one of {kinds}")
    own = tx.identity.currency
    given = unit or (PAGE if kind == "quota" else own)
    if given not in {own, PAGE}:
        return Refused(f"the books are in {own}; an account is in {own} or in {PAGE}")
    if kind == "quota" and given != PAGE:
        return Refused("a quota is in pages; money is granted on a grant account")
    wanted = rules or Rules()
    if (refused := accounts.open_new(tx, checked, given, wanted)) is not None:
        return refused
    _note(tx, by, "account add", checked, detail={"unit": given, **asdict(wanted)})
    return AccountRecord(checked, given, wanted)


def change_account(tx: Transaction, by: By, key: str, rules: Rules) -> AccountRecord | Refused:
    """Change an account's rules: label, overdraft, parent, what it counts, whether it is limited.

    The overdraft is the floor: 0, or so many micros below nothing.
    """
    found = accounts.find(tx, key)
    if found is None:
        return Refused(f"there is no account {key}")
    if rules == found.rules:
        return Refused("nothing to change")
    if found.state in {"closed", "merged"}:
        return Refused(f"{found.key} is {found.state}")
    if rules.counts != found.rules.counts and found.unit != PAGE:
        return Refused("what is counted can be said of accounts in pages only")
    after = replace(found, rules=rules)
    if (refused := accounts.store(tx, after)) is not None:
        return refused
    was, now = asdict(found.rules), asdict(rules)
    changed = [name for name in now if now[name] != was[name]]
    _note(
        tx,
        by,
        "account set",
        key,
        detail=now,
        before={name: was[name] for name in changed},
        after={name: now[name] for name in changed},
    )
    return after


def freeze(tx: Transaction, by: By, key: str, *, reason: str) -> Refused | None:
    """Let nothing be charged to or granted from an account, from now on."""
    return closing.freeze(signed(tx, by), key, author=by.author, reason=reason)


def unfreeze(tx: Transaction, by: By, key: str, *, reason: str = "") -> Refused | None:
    """Let a frozen account be used again."""
    return closing.unfreeze(signed(tx, by), key, author=by.author, reason=reason)


def close(tx: Transaction, by: By, key: str, *, to: str | None, reason: str) -> Closed | Refused:
    """Close an account for good; what is at cut-off sites follows as it comes back.

    `to`: an account, or one of the house's (`house:paidout` for cash); None: it has nothing.
    """
    if to is not None and isinstance(checked := naming.account_key(to), Refused):
        return checked
    return closing.close(signed(tx, by), key, to=to, author=by.author, reason=reason)


def merge(tx: Transaction, by: By, key: str, into: str, *, reason: str) -> Closed | Refused:
    """Make an account part of another: its money, its members, and who pays with it."""
    return closing.merge(signed(tx, by), key, into, author=by.author, reason=reason)


def leaving(tx: Transaction, key: str) -> Leaving | Refused:
    """Say what closing or merging an account would move; nothing is written."""
    found = accounts.find(tx, key)
    if found is None:
        return Refused(f"there is no account {key}")
    places = ledger.places_of(tx, key, found.unit)
    waiting = {place: micros for place, micros in places.items() if place and micros}
    return Leaving(places.get(CENTRE, 0), waiting, len(wallets.members(tx, key, limit=1000)))


def admit(tx: Transaction, by: By, key: str, users: Sequence[str]) -> Refused | None:
    """Let people charge an account instead of their own."""

    def one_by_one() -> Refused | None:
        for user in users:
            row = _user(tx, user)
            if isinstance(row, Refused):
                return row
            if (refused := wallets.admit(tx, key, row)) is not None:
                return refused
        _note(tx, by, "member add", key, detail={"users": list(users)})
        return None

    return all_or_nothing(tx, one_by_one)


def dismiss(tx: Transaction, by: By, key: str, users: Sequence[str]) -> Refused | None:
    """Take the choice of an account away from people."""

    def one_by_one() -> Refused | None:
        for user in users:
            row = _user(tx, user)
            if isinstance(row, Refused):
                return row
            if not wallets.dismiss(tx, key, row):
                return Refused(f"{user} is no member of {key}; see `account member list {key}`")
        _note(tx, by, "member remove", key, detail={"users": list(users)})
        return None

    return all_or_nothing(tx, one_by_one)


def _user(tx: Transaction, name: str) -> UserRow | Refused:
    row = directory.get(tx, "user", name.lower())
    if row is None:
        return Refused(f"there is no user {name!r}")
    return UserRow.model_validate(row)


def _note(
    tx: Transaction,
    by: By,
    act: str,
    key: str,
    *,
    detail: dict[str, object],
    before: object = None,
    after: object = None,
) -> None:
    audit.note(
        signed(tx, by),
        author=by.author,
        act=act,
        target=key,
        detail=detail,
        before=before,
        after=after,
    )

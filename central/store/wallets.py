"""What a person pays with: lists of accounts, and what they may choose instead, in their row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from sqlalchemy import delete, insert, literal, select, update

from central.store import accounts, directory
from central.store.ledger import Refused
from central.store.tables import member

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from broker.directory import UserRow
    from central.store.books import Transaction
    from config.policy.money import Unit

Lists: TypeAlias = "tuple[tuple[str, ...], ...]"

#: Kinds of account that a person may choose to charge.
CHOSEN_KINDS: Final = frozenset({"department", "project", "shared"})
_LISTS: Final = 8
_IN_A_LIST: Final = 8
_CHOICES: Final = 200


def lists_of(row: UserRow) -> Lists:
    """Return the lists of a person; each covers a charge, all must."""
    return row.wallets or tuple((key,) for key in row.accounts)


def with_lists(row: UserRow, lists: Lists) -> UserRow:
    """Return the row with these lists, and the first of each for nodes that know no lists."""
    alone = all(len(each) == 1 for each in lists)
    firsts = tuple(each[0] for each in lists)
    return row.model_copy(update={"wallets": () if alone else lists, "accounts": firsts})


def wrong(
    tx: Transaction, lists: Lists, opening: Mapping[str, Unit] | None = None
) -> Refused | None:
    """Say why nobody can pay with these lists, None when they can.

    Args:
        tx: the transaction.
        lists: as they are to be.
        opening: accounts that are opened first, and their units.
    """
    opening = opening or {}
    if not lists or len(lists) > _LISTS or not all(0 < len(each) <= _IN_A_LIST for each in lists):
        return Refused(f"1 to {_LISTS} lists of 1 to {_IN_A_LIST} accounts each are needed")
    seen: set[str] = set()
    for each in lists:
        units: dict[str, str] = {}
        for key in each:
            if key in seen:
                return Refused(f"{key} is named twice: it would pay the same charge twice")
            seen.add(key)
            if key in opening:
                units[opening[key]] = key
                continue
            found = accounts.find(tx, key)
            if found is None:
                return Refused(f"there is no account {key}; open it with `account add`")
            if found.state in {"closed", "merged"}:
                return Refused(f"{key} is {found.state}")
            units[found.unit] = key
        if len(units) > 1:
            named = " and ".join(f"{key} in {unit}" for unit, key in units.items())
            return Refused(f"one list has one unit; {named} cannot share a charge")
    return None


def joined(row: UserRow, key: str, same_unit: Collection[str]) -> UserRow:
    """Return the row with an account among what the person pays with; unchanged if it is.

    It goes to the front of the first list in its unit, else into a list of its own: then both
    must cover.

    Args:
        row: the person.
        key: the account.
        same_unit: those of the person's accounts that are in its unit.
    """
    lists = lists_of(row)
    if any(key in each for each in lists):
        return row
    for n, each in enumerate(lists):
        if each[0] in same_unit:
            return with_lists(row, (*lists[:n], (key, *each), *lists[n + 1 :]))
    return with_lists(row, (*lists, (key,)))


def replaced(row: UserRow, old: str, new: str) -> UserRow:
    """Return the row with one account in the place of another; named once at most."""
    taken: set[str] = set()
    lists: list[tuple[str, ...]] = []
    for each in lists_of(row):
        keys = tuple(dict.fromkeys(new if key == old else key for key in each))
        keys = tuple(key for key in keys if key not in taken)
        taken.update(keys)
        if keys:
            lists.append(keys)
    return with_lists(row, tuple(lists))


# ── who may choose an account ────────────────────────────────────────────────────────────────


def choices_of(tx: Transaction, user: str) -> tuple[str, ...]:
    """Return the accounts a person may charge instead of the first list, by key."""
    rows = tx.sql.execute(
        select(member.c.account).where(member.c.user == user).order_by(member.c.account)
    )
    return tuple(rows.scalars())


def members(tx: Transaction, key: str, *, after: str = "", limit: int = 1000) -> list[str]:
    """Return who may choose an account, by name."""
    rows = tx.sql.execute(
        select(member.c.user)
        .where(member.c.account == key, member.c.user > after)
        .order_by(member.c.user)
        .limit(limit)
    )
    return list(rows.scalars())


def may_admit(tx: Transaction, key: str, row: UserRow) -> Refused | None:
    """Say why a person may not be let choose an account, None when they may."""
    if (refused := _unfit(tx, key)) is not None:
        return refused
    before = choices_of(tx, row.name)
    if key not in before and len(before) >= _CHOICES:
        return Refused(f"{row.name} has {_CHOICES} accounts to choose from; that is the most")
    return None


def _unfit(tx: Transaction, key: str) -> Refused | None:
    """Say why nobody may choose an account, None when people may."""
    if key.partition(":")[0] not in CHOSEN_KINDS:
        return Refused(f"{key} has no members; {', '.join(sorted(CHOSEN_KINDS))} accounts have")
    found = accounts.find(tx, key)
    if found is None:
        return Refused(f"there is no account {key}; open it with `account add`")
    if found.state in {"closed", "merged"}:
        return Refused(f"{key} is {found.state}")
    return None


def admit(tx: Transaction, key: str, row: UserRow) -> Refused | None:
    """Let a person choose an account."""
    if (refused := may_admit(tx, key, row)) is not None:
        return refused
    if key in choices_of(tx, row.name):
        return None
    tx.sql.execute(insert(member).values(account=key, user=row.name))
    _tell(tx, row)
    return None


def dismiss(tx: Transaction, key: str, row: UserRow) -> bool:
    """Take a choice away from a person; return False when they did not have it."""
    gone = delete(member).where(member.c.account == key, member.c.user == row.name)
    if tx.sql.execute(gone).rowcount == 0:
        return False
    _tell(tx, row)
    return True


def forget(tx: Transaction, user: str) -> None:
    """Take every choice from somebody who leaves the directory."""
    tx.sql.execute(delete(member).where(member.c.user == user))


def rename_member(tx: Transaction, old: str, new: str) -> None:
    """Give somebody's choices to their new name."""
    tx.sql.execute(update(member).where(member.c.user == old).values(user=new))


def may_choose(tx: Transaction, row: UserRow, wanted: Sequence[str]) -> Refused | None:
    """Say why these cannot be the departments and projects of a person, None when they can."""
    for key in wanted:
        if key.startswith("shared:"):
            return Refused(f"{key} is chosen by its members; `account member add {key} {row.name}`")
        if (refused := _unfit(tx, key)) is not None:
            return refused
    staying = {key for key in choices_of(tx, row.name) if key.startswith("shared:")}
    if len(staying.union(wanted)) > _CHOICES:
        return Refused(f"{row.name} may have {_CHOICES} accounts to choose from at most")
    return None


def choose(tx: Transaction, row: UserRow, wanted: Sequence[str]) -> UserRow | Refused:
    """Set the departments and projects a person may choose; shared accounts stay as they are."""
    if (refused := may_choose(tx, row, wanted)) is not None:
        return refused
    have = {key for key in choices_of(tx, row.name) if not key.startswith("shared:")}
    for key in sorted(have - set(wanted)):
        dismiss(tx, key, row)
    for key in wanted:
        if (refused := admit(tx, key, row)) is not None:
            return refused
    return row.model_copy(update={"choices": choices_of(tx, row.name)})


def move_members(tx: Transaction, old: str, new: str) -> None:
    """Make the members of one account those of another; their rows are told by the caller."""
    there = select(member.c.user).where(member.c.account == new)
    if new.partition(":")[0] in CHOSEN_KINDS:
        moving = select(literal(new), member.c.user).where(
            member.c.account == old, member.c.user.not_in(there)
        )
        tx.sql.execute(insert(member).from_select(["account", "user"], moving))
    tx.sql.execute(delete(member).where(member.c.account == old))


def _tell(tx: Transaction, row: UserRow) -> None:
    fresh = row.model_copy(update={"choices": choices_of(tx, row.name)})
    directory.put(tx, "user", row.name, fresh)

"""Groups of people: who is in them; they are made by the first and end with the last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from central.acts import naming
from central.acts.people import find
from central.store import audit, directory
from central.store.ledger import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.directory import UserRow
    from central.acts.by import By
    from central.store.books import Transaction


def admit(tx: Transaction, by: By, group: str, users: Sequence[str]) -> int | Refused:
    """Put people into a group; return how many were not in it."""
    return _set(tx, by, group, users, inside=True)


def dismiss(tx: Transaction, by: By, group: str, users: Sequence[str]) -> int | Refused:
    """Take people out of a group; return how many were in it."""
    return _set(tx, by, group, users, inside=False)


def _set(
    tx: Transaction, by: By, group: str, users: Sequence[str], *, inside: bool
) -> int | Refused:
    name = naming.group(group)
    if isinstance(name, Refused):
        return name
    rows: list[UserRow] = []
    for user in users:
        row = find(tx, user)
        if isinstance(row, Refused):
            return row
        rows.append(row)
    fresh = {
        row.name: row.model_copy(update={"groups": _with(row.groups, name, inside=inside)})
        for row in rows
        if (name in row.groups) != inside
    }
    if fresh:
        directory.put_all(tx, "user", fresh)
        act = "group admit" if inside else "group dismiss"
        detail = {"users": sorted(fresh)}
        audit.note(tx, author=by.author, act=act, target=f"group:{name}", detail=detail)
    return len(fresh)


def _with(groups: tuple[str, ...], name: str, *, inside: bool) -> tuple[str, ...]:
    others = tuple(each for each in groups if each != name)
    return (*others, name) if inside else others

"""What people may do for others: whose jobs they handle, who may release theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from broker.directory import UserRow
from central.store import directory, nodes
from central.store.ledger import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from central.store.books import Transaction

#: At all sites.
EVERYWHERE: Final = "*"
_SITES: Final = 200
_DELEGATES: Final = 50


def sites(tx: Transaction, given: Sequence[str]) -> tuple[str, ...] | Refused:
    """Check where somebody is to be an operator: edges, or `*`."""
    wanted = tuple(dict.fromkeys(given))
    if EVERYWHERE in wanted:
        return (EVERYWHERE,)
    for each in wanted:
        found = nodes.find(tx, each)
        if found is None or found.kind != "edge":
            return Refused(f"there is no edge {each}; `node list` has them, '*' means all")
    if len(wanted) > _SITES:
        return Refused(f"{len(wanted)} sites are too many to name; '*' means all")
    return wanted


def delegates(tx: Transaction, user: str, given: Sequence[str]) -> tuple[str, ...] | Refused:
    """Check who is to release somebody's jobs: other people, known to the directory."""
    wanted = tuple(dict.fromkeys(given))
    if user in wanted:
        return Refused(f"{user} releases their own jobs anyway")
    for each in wanted:
        if directory.get(tx, "user", each) is None:
            return Refused(f"there is no user {each!r}; enter them with `user add`")
    if len(wanted) > _DELEGATES:
        return Refused(f"at most {_DELEGATES} people may release the jobs of one")
    return wanted


def forget_delegate(tx: Transaction, user: str) -> None:
    """Take a leaving person's right to release others' jobs, lest a namesake inherit it."""
    _replace_delegate(tx, user, None)


def rename_delegate(tx: Transaction, user: str, new: str) -> None:
    """Let somebody who has another name now release the jobs that they might release before."""
    _replace_delegate(tx, user, new)


def _replace_delegate(tx: Transaction, user: str, new: str | None) -> None:
    for name, row in directory.naming(tx, "user", user):
        if user in row.get("delegates", ()):
            person = UserRow.model_validate(row)
            named = [new if each == user else each for each in person.delegates]
            left = tuple(dict.fromkeys(each for each in named if each is not None and each != name))
            directory.put(tx, "user", name, person.model_copy(update={"delegates": left}))

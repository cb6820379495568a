"""Giving people of the directory roles, and taking them away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from central.rights import EVERYWHERE, Grant, Role
from central.store import audit, directory, nodes, second_factors, staff, web_sessions
from central.store.ledger import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from central.acts.by import By
    from central.store.books import Transaction


@dataclass(frozen=True, slots=True)
class RoleGiven:
    """Somebody has a role now."""

    user: str
    grant: Grant
    before: Grant | None
    """What they had in that role."""


@dataclass(frozen=True, slots=True)
class RolesTaken:
    """Somebody has roles no more."""

    user: str
    roles: tuple[Role, ...]


def give(
    tx: Transaction, by: By, user: str, role: Role, sites: Iterable[str]
) -> RoleGiven | Refused:
    """Give somebody a role at some sites, in place of those it had before.

    Args:
        tx: the transaction.
        by: who does it.
        user: of the directory.
        role: which.
        sites: edges, or `*`.
    """
    name = user.lower()
    refused = _wrong_person(tx, name)
    if refused is not None:
        return refused
    wanted = _sites(tx, sites)
    if isinstance(wanted, Refused):
        return wanted
    grant = Grant(role, wanted)
    had = {each.role: each for each in staff.grants(tx, name)}
    if had.get(role) == grant:
        return Refused(f"{name} is {role} there already")
    if _last(tx, name, role) and not grant.everywhere:
        return Refused(_LAST)
    staff.put(tx, name, grant, author=by.author)
    before = had.get(role)
    audit.note(
        tx,
        author=by.author,
        from_=by.from_,
        act="staff add",
        target=f"person:{name}",
        before=None if before is None else shown(before),
        after=shown(grant),
    )
    return RoleGiven(name, grant, before)


def _wrong_person(tx: Transaction, name: str) -> Refused | None:
    row = directory.get(tx, "user", name)
    if row is None:
        return Refused(f"there is no user {name!r}; enter them with `user add`")
    if not row.get("enabled", True):
        return Refused(f"{name} is disabled; enable them first")
    return None


def _sites(tx: Transaction, sites: Iterable[str]) -> frozenset[str] | Refused:
    wanted = frozenset(sites)
    if EVERYWHERE in wanted:
        return frozenset({EVERYWHERE})
    if not wanted:
        return Refused("name at least one site; '*' means all")
    for each in sorted(wanted):
        found = nodes.find(tx, each)
        if found is None or found.kind != "edge":
            return Refused(f"there is no edge {each}; `node list` has them, '*' means all")
    return wanted


def take(tx: Transaction, by: By, user: str, role: Role | None = None) -> RolesTaken | Refused:
    """Take a role of somebody away, or all of them."""
    name = user.lower()
    had = tuple(each.role for each in staff.grants(tx, name) if role in {None, each.role})
    if not had:
        what = "no role" if role is None else f"not {role.value}"
        return Refused(f"{name} is {what}; `staff list` has who is")
    if any(_last(tx, name, each) for each in had):
        return Refused(_LAST)
    before = [shown(each) for each in staff.grants(tx, name) if each.role in had]
    staff.remove(tx, name, role)
    audit.note(
        tx,
        author=by.author,
        from_=by.from_,
        act="staff remove",
        target=f"person:{name}",
        before=before,
    )
    return RolesTaken(name, had)


def forget_second_factor(tx: Transaction, by: By, user: str) -> Refused | None:
    """Take somebody's authenticator away: they set a new one up when they sign in next."""
    name = user.lower()
    if not second_factors.forget(tx, name):
        return Refused(f"{name} has no second factor")
    # what it opened must not stay open
    web_sessions.end_all(tx, name)
    audit.note(tx, author=by.author, from_=by.from_, act="factor reset", target=f"person:{name}")
    return None


def shown(grant: Grant) -> dict[str, object]:
    """Return a role as the audit keeps it."""
    return {"role": grant.role.value, "sites": sorted(grant.sites)}


_LAST = (
    "that is the last administrator of all sites: nobody could give roles any more; make another "
    "one first"
)


def _last(tx: Transaction, user: str, role: Role) -> bool:
    """Say whether somebody is the only administrator of all sites who can sign in."""
    if role is not Role.ADMINISTRATOR:
        return False
    whole = {
        each.user
        for each in staff.every(tx)
        if each.grant.role is role
        and each.grant.everywhere
        and (directory.get(tx, "user", each.user) or {}).get("enabled", False)
    }
    return whole == {user}

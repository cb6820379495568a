"""Whom a provider of OpenID Connect means among the people here: known, entered, or nobody.

Once somebody came by it they are known by what it calls them for ever. Whoever gets their name
there later is somebody else, and told so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from broker.directory import UserRow
from central.acts import naming, people
from central.acts.people import Wishes
from central.store import audit, directory, openid, person, staff, web_sessions
from central.store.ledger import Refused
from central.store.person import GUEST, OIDC

if TYPE_CHECKING:
    from central.acts.by import By
    from central.openid import Told
    from central.store.books import Transaction
    from config.settings_openid import OidcSettings

#: unknown: nobody here is meant, or they are disabled. other: somebody else of that name came by
#: it before. staff: they have a role, and have not joined the two. taken: that one there is
#: somebody else here. account: there is one of their name, from somebody before them.
Why: TypeAlias = Literal["unknown", "other", "staff", "taken", "account"]


@dataclass(frozen=True, slots=True)
class CameIn:
    """Somebody who may sign in."""

    user: str
    made: bool = False
    """They were entered just now."""
    joined: bool = False
    """They came by it for the first time."""


@dataclass(frozen=True, slots=True)
class NotIn:
    """Nobody who may."""

    why: Why


def come_in(tx: Transaction, by: By, told: Told, settings: OidcSettings) -> CameIn | NotIn:
    """Say who somebody is; enter them where the settings let.

    Args:
        tx: the transaction.
        by: who does it: they themselves, as nobody yet.
        told: what the provider says of them, proven.
        settings: whom it vouches for.
    """
    known = openid.user_of(tx, told.issuer, told.subject)
    user = _meant(tx, told, settings) if known is None else known
    if user is None:
        return _enter(tx, by, told) if settings.create else NotIn("unknown")
    if not _enabled(tx, user):
        return NotIn("unknown")
    if known is not None:
        _follow(tx, by, known, told)
        return CameIn(known)
    if staff.grants(tx, user) and not settings.staff_by_claim:
        return NotIn("staff")
    return _join(tx, by, told, user)


def join(tx: Transaction, by: By, told: Told, user: str) -> CameIn | NotIn:
    """Join somebody who is signed in here with who they showed to be there."""
    known = openid.user_of(tx, told.issuer, told.subject)
    if known is not None:
        return CameIn(user) if known == user else NotIn("taken")
    return _join(tx, by, told, user) if _enabled(tx, user) else NotIn("unknown")


def part(tx: Transaction, by: By, given: str) -> int | Refused:
    """Forget who somebody is at providers, and end their sessions; return at how many they were.

    Where the provider's claim is what they are known by, they come in by it again, as whoever it
    says then.
    """
    row = people.find(tx, given)
    if isinstance(row, Refused):
        return row
    gone = openid.part(tx, row.name)
    if not gone:
        return Refused(f"{row.name} has never signed in by a provider")
    web_sessions.end_all(tx, row.name)
    audit.note(tx, author=by.author, act="openid part", target=f"person:{row.name}")
    return gone


def _meant(tx: Transaction, told: Told, settings: OidcSettings) -> str | None:
    """Return whom the claim names, None for nobody, or for more than one."""
    if settings.match == "name":
        name = naming.user_name(told.who)
        there = isinstance(name, str) and directory.get(tx, "user", name) is not None
        return str(name) if there else None
    # a guest's address is what they wrote themselves
    found = [
        each.name
        for each in person.by_email(tx, told.who)
        if each.enabled and each.about.source != GUEST
    ]
    return found[0] if len(found) == 1 else None


def _enter(tx: Transaction, by: By, told: Told) -> CameIn | NotIn:
    if directory.get(tx, "account", f"user:{told.who}") is not None:
        # of somebody who was taken out: what is on it is theirs
        return NotIn("account")
    email = naming.email(told.email)
    wishes = Wishes(
        display=told.display,
        groups=told.groups,
        email=email if isinstance(email, str) else "",
    )
    row = people.add(tx, by, told.who, wishes)
    if isinstance(row, Refused):
        return NotIn("unknown")
    known = person.find(tx, row.name)
    about = person.Particulars() if known is None else known.about
    fresh = replace(about, source=OIDC, source_id=told.subject, told_groups=told.groups)
    person.set_all(tx, {row.name: fresh})
    done = _join(tx, by, told, row.name)
    return replace(done, made=True) if isinstance(done, CameIn) else done


def _follow(tx: Transaction, by: By, user: str, told: Told) -> None:
    """Let somebody who was entered by the provider be called, and be in groups, as it says now."""
    known = person.find(tx, user)
    if known is None or known.about.source != OIDC:
        return
    given = [each for each in known.groups if each not in known.about.told_groups]
    groups = tuple(dict.fromkeys([*told.groups, *given]))
    display = told.display or known.display
    if (display, set(groups)) == (known.display, set(known.groups)):
        return
    people.change(tx, by, user, Wishes(display=display, groups=groups))
    now = person.find(tx, user)
    if now is not None:
        person.set_all(tx, {user: replace(now.about, told_groups=told.groups)})


def _join(tx: Transaction, by: By, told: Told, user: str) -> CameIn | NotIn:
    if any(each.issuer == told.issuer for each in openid.of_user(tx, user)):
        return NotIn("other")
    openid.join(tx, told.issuer, told.subject, user)
    detail = {"issuer": told.issuer, "subject": told.subject}
    audit.note(tx, author=by.author, act="openid join", target=f"person:{user}", detail=detail)
    return CameIn(user, joined=True)


def _enabled(tx: Transaction, user: str) -> bool:
    row = directory.get(tx, "user", user)
    return row is not None and UserRow.model_validate(row).enabled

"""Guests: people for a time, disabled when it is over; only where the settings allow them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from broker.directory import UserRow
from central.acts import naming, people
from central.acts.people import Wishes
from central.store import audit, directory, person
from central.store.ledger import Refused
from central.store.person import GUEST

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from central.acts.by import By
    from central.store.books import Transaction
    from config.settings_directory_services import GuestSettings

#: No vowels, so that no words come about; no l and no 1, no o and no 0.
_LETTERS: Final = "bcdfghjkmnpqrstvwxz23456789"
_MADE: Final = 6


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who may print for a time."""

    row: UserRow
    until: datetime


def invite(
    tx: Transaction,
    by: By,
    settings: GuestSettings,
    *,
    display: str = "",
    email: str = "",
    sponsor: str = "",
    name: str | None = None,
    until: datetime | None = None,
    pin: str = "",
    dice: Callable[[int], bytes],
) -> Guest | Refused:
    """Enter a guest with an account of their own, empty.

    Args:
        tx: the transaction.
        by: who does it.
        settings: whether guests may be made, and for how long.
        display: what people read.
        email: where they can be written to.
        sponsor: the user who vouches for them; empty: whoever does it.
        name: their user name; None: one is made.
        until: when they are disabled; None: as usual.
        pin: the hash of the one that is handed over; empty: none.
        dice: makes a name by chance.
    """
    if not settings.enabled:
        return Refused("guests are switched off; `enabled = true` in [guests] lets them in")
    until = tx.now + settings.usual if until is None else until
    if not tx.now < until <= tx.now + settings.longest:
        days = settings.longest.total_seconds() / 86_400
        return Refused(f"a guest stays from now on for {days:g} days at most")
    if sponsor:
        vouching = people.find(tx, sponsor)
        if isinstance(vouching, Refused):
            return vouching
        sponsor = vouching.name
    chosen = free_name(tx, dice) if name is None else name
    wishes = Wishes(display=display, groups=settings.groups, email=email, expires_at=until)
    row = people.add(tx, by, chosen, wishes)
    if isinstance(row, Refused):
        return row
    known = person.find(tx, row.name)
    about = person.Particulars() if known is None else known.about
    fresh = replace(about, source=GUEST, sponsor=sponsor)
    person.set_all(tx, {row.name: fresh})
    detail = {"until": until.isoformat(timespec="seconds"), "sponsor": sponsor}
    audit.note(tx, author=by.author, act="guest invite", target=f"person:{row.name}", detail=detail)
    if pin:
        people.set_secret(tx, by, row.name, "pin", pin)
    return Guest(row, until)


def extend(
    tx: Transaction, by: By, settings: GuestSettings, given: str, until: datetime
) -> Guest | Refused:
    """Let a guest stay longer, or again; counted from now."""
    row = people.find(tx, given)
    if isinstance(row, Refused):
        return row
    known = person.find(tx, row.name)
    if known is None or known.about.source != GUEST:
        return Refused(f"{row.name} is no guest")
    if not tx.now < until <= tx.now + settings.longest:
        days = settings.longest.total_seconds() / 86_400
        return Refused(f"a guest stays from now on for {days:g} days at most")
    again = True if known.about.ended == "expired" else None
    changed = people.change(tx, by, row.name, Wishes(expires_at=until, enabled=again))
    return changed if isinstance(changed, Refused) else Guest(changed.row, until)


def expire(tx: Transaction, by: By, *, limit: int = 100) -> list[str]:
    """Disable some of those whose time is over, guests or not; return who they are."""
    names = person.over(tx, limit=limit)
    rows = {
        name: UserRow.model_validate(row).model_copy(update={"enabled": False})
        for name, row in directory.some(tx, "user", names).items()
    }
    known = person.some(tx, names)
    directory.put_all(tx, "user", rows)
    person.set_all(tx, {name: replace(each.about, ended="expired") for name, each in known.items()})
    for name in rows:
        audit.note(tx, author=by.author, act="user expired", target=f"person:{name}")
    return list(rows)


def free_name(tx: Transaction, dice: Callable[[int], bytes]) -> str:
    """Return a guest's user name that nobody has."""
    while True:
        name = naming.user_name(f"guest-{letters(dice(_MADE))}")
        if isinstance(name, str) and directory.get(tx, "user", name) is None:
            return name


def letters(random: bytes) -> str:
    """Return a letter or digit for each random octet, none of which looks like another."""
    return "".join(_LETTERS[octet % len(_LETTERS)] for octet in random)

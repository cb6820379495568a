"""Asking to be let in: somebody writes who they are, the desk sees them and makes them a guest.

Until then they are nobody: no row of the directory, no account, nothing that a site would hear of.
Their user name is made here, so that asking tells nobody which names there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from central.acts import guests, naming, people
from central.acts.people import Wishes
from central.store import audit, directory, registrations
from central.store.ledger import Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from central.acts.by import By
    from central.acts.guests import Guest
    from central.sealing import Sealer
    from central.store.books import Transaction
    from config.settings_directory_services import GuestSettings

#: Who waits at once: a flood of wishes fills no disk, and hides nobody's for longer than they wait.
MOST: Final = 500
#: Letters of a code, as of the names that are made.
_CODE: Final = 8
_HALF: Final = _CODE // 2


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wrote."""

    display: str
    email: str
    password: str = field(repr=False)
    """Its hash."""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What they are told."""

    name: str
    """The user name that they will have."""
    code: str = field(repr=False)
    """What they show at the desk."""
    until: datetime
    """It is forgotten then."""


def ask(
    tx: Transaction,
    settings: GuestSettings,
    wish: Wish,
    *,
    sealer: Sealer,
    dice: Callable[[int], bytes],
) -> Asked | Refused:
    """Keep somebody's wish to be let in.

    Args:
        tx: the transaction.
        settings: whether people may ask.
        wish: who they say they are.
        sealer: makes the mark of their code.
        dice: makes name and code by chance.
    """
    if not settings.enabled or not settings.ask:
        return Refused("nobody can ask to be let in; `ask = true` in [guests] lets them")
    display, email = naming.line(wish.display, "name"), naming.email(wish.email)
    for each in (display, email):
        if isinstance(each, Refused):
            return each
    if not display:
        return Refused("say who you are")
    registrations.tidy(tx)
    if registrations.count(tx) >= MOST:
        return Refused("too many people wait to be let in; ask at the desk")
    name = free_name(tx, dice)
    code = guests.letters(dice(_CODE))
    until = tx.now + settings.ask_lasts
    registrations.put(
        tx,
        mark=keyed(sealer, code),
        name=name,
        display=str(display),
        email=str(email),
        password=wish.password,
        language=wish.language,
        ends_at=until,
    )
    return Asked(name, f"{code[:_HALF]}-{code[_HALF:]}", until)


def let_in(
    tx: Transaction,
    by: By,
    settings: GuestSettings,
    code: str,
    *,
    sealer: Sealer,
    sponsor: str = "",
    until: datetime | None = None,
    pin: str = "",
    dice: Callable[[int], bytes],
) -> Guest | Refused:
    """Make a guest of whoever shows a code.

    Args:
        tx: the transaction.
        by: who has seen them.
        settings: for how long guests stay.
        code: as it was shown, however it was typed.
        sealer: as of `ask`.
        sponsor: the user who vouches for them.
        until: when they are disabled; None: as usual.
        pin: the hash of the one that is handed over; empty: none.
        dice: makes another name where that one is somebody's by now.
    """
    found = registrations.find(tx, keyed(sealer, code))
    if found is None:
        return Refused("nobody waits with this code; it may be too old")
    name = found.name if directory.get(tx, "user", found.name) is None else None
    guest = guests.invite(
        tx,
        by,
        settings,
        display=found.display,
        email=found.email,
        sponsor=sponsor,
        name=name,
        until=until,
        pin=pin,
        dice=dice,
    )
    if isinstance(guest, Refused):
        return guest
    people.set_secret(tx, by, guest.row.name, "password", found.password)
    if found.language:
        people.change(tx, by, guest.row.name, Wishes(language=found.language))
    registrations.remove(tx, found.n)
    return guest


def turn_away(tx: Transaction, by: By, n: int) -> bool:
    """Forget somebody who waits; return False when nobody of that number does."""
    done = registrations.remove(tx, n)
    if done:
        audit.note(tx, author=by.author, act="registration removed", target=f"registration:{n}")
    return done


def keyed(sealer: Sealer, code: str) -> str:
    """Return the mark of a code, however it was typed: all that the books know of it."""
    plain = "".join(each for each in code.lower() if each.isalnum())
    return sealer.keyed("registration", plain[:100])


def free_name(tx: Transaction, dice: Callable[[int], bytes]) -> str:
    """Return a guest's name that nobody has and nobody asks for."""
    while True:
        name = guests.free_name(tx, dice)
        if not registrations.named(tx, name):
            return name

"""What pages say of people: where they come from, how they stand, and their addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from starlette.exceptions import HTTPException

from broker.directory import UserRow
from central.rights import Right
from central.store import directory, person, staff
from central.web.pages import sentences
from central.web.pages.sentences import mark
from central.web.pages.views import Chip

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.person import Person
    from central.web.pages.visit import Visit

_SOURCES: Final = {
    person.LOCAL: mark("entered here"),
    person.CSV: mark("from a file"),
    person.GUEST: mark("guest"),
}
#: Kinds of accounts that are one person's.
OWN: Final = frozenset({"user", "grant", "quota"})
_ENDED: Final = {
    "left": mark("left"),
    "expired": mark("time is over"),
}


def address_of(name: str, *more: str) -> str:
    """Return the address of a person's page, or of one below it."""
    return "/".join(("/people", quote(name, safe=""), *more))


def source_word(visit: Visit, source: str) -> str:
    """Return where somebody comes from."""
    if source == person.OIDC:
        oidc = visit.centre.settings.web.oidc
        return visit.say(mark("a provider")) if oidc is None else oidc.called
    if source in _SOURCES:
        return visit.say(_SOURCES[source])
    return source.removeprefix(person.LDAP)


def state_chip(visit: Visit, who: Person) -> Chip:
    """Return how a person stands, in a word."""
    if who.enabled:
        return Chip("good", visit.say(mark("may print")))
    if who.about.ended in _ENDED:
        return Chip("unknown", visit.say(_ENDED[who.about.ended]), "out")
    return Chip("trouble", visit.say(mark("disabled")), "out")


def there(tx: Transaction, visit: Visit) -> tuple[Person, UserRow]:
    """Return the person that an address names.

    Raises:
        HTTPException: 404, there is none.
    """
    name = visit.path("user").lower()
    # names longer than any, or of octets that no database takes, are nobody's
    row = directory.get(tx, "user", name) if len(name) <= 255 and name.isprintable() else None  # noqa: PLR2004
    found = None if row is None else person.find(tx, name)
    if row is None or found is None:
        raise HTTPException(404, sentences.NO_PAGE)
    return found, UserRow.model_validate(row)


def may_help(tx: Transaction, visit: Visit, name: str) -> bool:
    """Say whether whoever asks may let somebody in another way: who has a role is not the desk's.

    A new password for an administrator would make one of whoever knows it.
    """
    if not visit.may(Right.HELP_PEOPLE):
        return False
    return visit.may(Right.CHANGE_STAFF) or not staff.grants(tx, name)


def check_help(tx: Transaction, visit: Visit, name: str) -> None:
    """Go on only when `may_help`.

    Raises:
        HTTPException: 403.
    """
    if not may_help(tx, visit, name):
        raise HTTPException(403, sentences.NOT_YOURS)

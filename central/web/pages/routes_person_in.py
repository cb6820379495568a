"""Letting a person in: cards, PIN, password, the browsers they are signed in with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from starlette.exceptions import HTTPException

from central import pins
from central.acts import cards as card_acts
from central.acts import openid as openid_acts
from central.acts import people, sessions
from central.acts import staff as staff_acts
from central.rights import Right
from central.store import cards, web_sessions
from central.store.ledger import Refused
from central.web.pages import people_words, sentences
from central.web.pages.people_words import address_of
from central.web.pages.routes_person_acts import Confirming
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Consequence, Notice

if TYPE_CHECKING:
    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.cards import Card
    from central.store.person import Person
    from central.web.pages.forms import Wrong
    from central.web.pages.visit import Visit

_WRONG_PIN: Final = mark(
    "A PIN is %(least)s to %(most)s digits that do not repeat themselves, nor count up or down."
)
_WRONG_PASSWORD: Final = mark(
    "A password has %(least)s characters at least, and is neither the name nor easily guessed."
)


@dataclass(frozen=True, slots=True)
class Secret:
    """The form for a PIN or a password."""

    which: Literal["pin", "password"]
    read: str
    name: str
    base: str
    has: bool
    wrong: Wrong = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Made:
    """A PIN that was made by chance, shown once."""

    read: str
    base: str
    pin: str


# ── cards ───────────────────────────────────────────────────────────────────────────────────


async def give(visit: Visit) -> Response:
    """Give a card."""
    number, by = visit.form.text("number", 300), visit.by

    def act(tx: Transaction) -> tuple[Person, Card | Refused]:
        who = _helped(tx, visit)
        return who, card_acts.give(tx, by, who.name, number, dice=visit.centre.dice)

    who, done = await visit.write(act)
    if isinstance(done, Refused):
        notice = Notice("trouble", visit.say(mark("The card was not given.")), done.reason)
    else:
        said = mark("The card is theirs. It is good at every site that is linked.")
        notice = visit.told("good", said)
    return visit.go(address_of(who.name), notice)


def _helped(tx: Transaction, visit: Visit) -> Person:
    who, _ = people_words.there(tx, visit)
    people_words.check_help(tx, visit, who.name)
    return who


def _theirs(tx: Transaction, visit: Visit) -> tuple[Person, Card]:
    """Return a card of the person whose page it is.

    Raises:
        HTTPException: 404, it is not theirs, or there is none.
    """
    who = _helped(tx, visit)
    key = visit.path("key")
    found = cards.by_key(tx, key) if key.isalnum() else None
    if found is None or found.row.user != who.name:
        raise HTTPException(404, sentences.NO_PAGE)
    return who, found


async def ask_block(visit: Visit) -> Response:
    """Say what blocking a card comes to."""
    who, card = await visit.read(lambda tx: _theirs(tx, visit))
    base = address_of(who.name)
    view = Consequence(
        visit.say(mark("Block the card %(card)s?"), card=card.shown),
        (
            visit.say(mark("Whoever holds it can print and copy nothing with it any more.")),
            visit.say(mark("Nobody can enter it as theirs at a machine.")),
        ),
        visit.say(mark("Block it")),
        f"{base}/cards/{card.key}/block",
        visit.say(mark("When it is found, the block is taken off here.")),
    )
    return visit.page("person-confirm.html", Confirming(view, base, who.read))


async def block(visit: Visit) -> Response:
    """Block a card."""
    return await _with_card(visit, mark("The card is blocked. Linked sites know it already."))


async def unblock(visit: Visit) -> Response:
    """Let a card identify again."""
    return await _with_card(visit, mark("The card is good again."))


async def _with_card(visit: Visit, said: str) -> Response:
    blocks, by = visit.request.url.path.endswith("/block"), visit.by

    def act(tx: Transaction) -> tuple[Person, Card | Refused]:
        who, card = _theirs(tx, visit)
        if blocks:
            return who, card_acts.block(tx, by, card)
        return who, card_acts.unblock(tx, by, card)

    who, done = await visit.write(act)
    notice = visit.told("good", said)
    if isinstance(done, Refused):
        notice = visit.told("unknown", mark("It was so already."))
    return visit.go(address_of(who.name), notice)


# ── PIN and password ────────────────────────────────────────────────────────────────────────


def _which(visit: Visit) -> Literal["pin", "password"]:
    return "pin" if visit.request.url.path.endswith("/pin") else "password"


def _own(visit: Visit) -> Response | None:
    """Lead to one's own page, where the password one has is asked for; None: it is another's."""
    if visit.path("user").lower() != visit.name:
        return None
    return visit.go("/me/cards" if _which(visit) == "pin" else "/me/security")


async def ask_secret(visit: Visit) -> Response:
    """Show the form."""
    if (mine := _own(visit)) is not None:
        return mine
    return visit.page("person-secret.html", await visit.read(lambda tx: _secret(tx, visit, {})))


def _secret(tx: Transaction, visit: Visit, wrong: Wrong) -> Secret:
    who, row = people_words.there(tx, visit)
    people_words.check_help(tx, visit, who.name)
    which = _which(visit)
    return Secret(which, who.read, who.name, address_of(who.name), bool(getattr(row, which)), wrong)


async def set_secret(visit: Visit) -> Response:
    """Give a PIN or a password, make a PIN, or take one of them away."""
    if (mine := _own(visit)) is not None:
        return mine
    which, form, by = _which(visit), visit.form, visit.by
    shown = await visit.read(lambda tx: _secret(tx, visit, {}))
    doing = form.text("do", 10)
    if doing == "clear":
        return await _clear(visit, shown)
    secret = form.text("pin", 64) if which == "pin" else form.text("password", 300)
    if doing == "make" and which == "pin":
        secret = pins.new_pin(visit.centre.dice)
    wrong: Wrong = {}
    if people.wrong_secret(which, secret, shown.name) is not None:
        said = _WRONG_PIN if which == "pin" else _WRONG_PASSWORD
        least = pins.PIN_SHORTEST if which == "pin" else pins.PASSWORD_SHORTEST
        wrong[which] = visit.say(said, least=least, most=pins.PIN_LONGEST)
        view = await visit.read(lambda tx: _secret(tx, visit, wrong))
        return visit.page("person-secret.html", view, status=422)
    phc = await visit.centre.passwords.hashed(secret)

    def act(tx: Transaction) -> object:
        who = _helped(tx, visit)
        if which == "password":
            # also those that began with a directory service's
            web_sessions.end_all(tx, who.name)
        return people.set_secret(tx, by, who.name, which, phc)

    done = await visit.write(act)
    if isinstance(done, Refused):
        raise HTTPException(404, sentences.NO_PAGE)
    if doing == "make" and which == "pin":
        return visit.page("person-pin-made.html", Made(shown.read, shown.base, secret))
    said = (
        mark("Their PIN is set.")
        if which == "pin"
        else mark("Their password is set; they are signed off everywhere.")
    )
    return visit.go(shown.base, visit.told("good", said))


async def _clear(visit: Visit, shown: Secret) -> Response:
    def act(tx: Transaction) -> object:
        who = _helped(tx, visit)
        return people.clear_secret(tx, visit.by, who.name, shown.which)

    done = await visit.write(act)
    notice = visit.told("good", mark("It is taken away. Linked sites know it already."))
    if isinstance(done, Refused):
        notice = visit.told("unknown", mark("It was so already."))
    return visit.go(shown.base, notice)


# ── browsers ────────────────────────────────────────────────────────────────────────────────


async def sign_off(visit: Visit) -> Response:
    """End all of somebody's sessions."""

    def act(tx: Transaction) -> tuple[Person, int]:
        who = _helped(tx, visit)
        return who, sessions.end_all(tx, visit.by, who.name)

    who, _ = await visit.write(act)
    return visit.go(
        address_of(who.name), visit.told("good", mark("They are signed off everywhere."))
    )


async def part(visit: Visit) -> Response:
    """Forget who somebody is at the provider of OpenID Connect."""

    def act(tx: Transaction) -> tuple[Person, object]:
        who = _helped(tx, visit)
        return who, openid_acts.part(tx, visit.by, who.name)

    who, done = await visit.write(act)
    said = mark("The two are taken apart, and they are signed off everywhere.")
    if isinstance(done, Refused):
        return visit.go(address_of(who.name), visit.told("unknown", mark("It was so already.")))
    return visit.go(address_of(who.name), visit.told("good", said))


async def forget_factor(visit: Visit) -> Response:
    """Have somebody set up a new authenticator."""

    def act(tx: Transaction) -> tuple[Person, object]:
        who, _ = people_words.there(tx, visit)
        if who.name == visit.name:
            raise HTTPException(404, sentences.NO_PAGE)
        return who, staff_acts.forget_second_factor(tx, visit.by, who.name)

    who, done = await visit.write(act)
    said = mark("It is forgotten: they set a new one up when they sign in next.")
    if isinstance(done, Refused):
        return visit.go(address_of(who.name), visit.told("unknown", mark("It was so already.")))
    return visit.go(address_of(who.name), visit.told("good", said))


PAGES: Final = (
    Page("/people/{user}/cards", give, Right.HELP_PEOPLE, methods=("POST",)),
    Page("/people/{user}/cards/{key}/block", ask_block, Right.HELP_PEOPLE),
    Page("/people/{user}/cards/{key}/block", block, Right.HELP_PEOPLE, methods=("POST",)),
    Page("/people/{user}/cards/{key}/unblock", unblock, Right.HELP_PEOPLE, methods=("POST",)),
    Page("/people/{user}/pin", ask_secret, Right.HELP_PEOPLE),
    Page("/people/{user}/pin", set_secret, Right.HELP_PEOPLE, methods=("POST",)),
    Page("/people/{user}/password", ask_secret, Right.HELP_PEOPLE),
    Page("/people/{user}/password", set_secret, Right.HELP_PEOPLE, methods=("POST",)),
    Page("/people/{user}/sign-off", sign_off, Right.HELP_PEOPLE, methods=("POST",)),
    Page("/people/{user}/part", part, Right.HELP_PEOPLE, methods=("POST",)),
    Page("/people/{user}/factor", forget_factor, Right.CHANGE_STAFF, methods=("POST",)),
)

"""Cards, PINs, passwords and sessions of people; no secret can be read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AwareDatetime, StringConstraints

from central.acts import cards as acts
from central.acts import openid, people, sessions
from central.rights import Right
from central.store import cards, secrets, web_sessions
from central.store.ledger import Refused
from central.web.answers import Answer
from central.web.api.routes_people import hers, known
from central.web.api.table import Call, Example, Given, Route, Words
from central.web.paging import TEXT, Asked
from central.web.problems import NotFound

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.secrets import Which


class Card(Answer):
    """A card, without its number."""

    card: str
    """The beginning of its digest: what it is called here."""
    user: str
    """Whose."""
    expires_at: AwareDatetime | None
    """It identifies nobody from then on; null: never."""
    blocked: bool
    """Reported lost."""
    pin: bool
    """Its owner types the PIN as well, at every site."""


class Cards(Answer):
    """A person's cards."""

    items: tuple[Card, ...]
    """All they have."""


class NewCard(Given):
    """A card to be given."""

    number: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=TEXT)]
    """As a reader gives it; only a digest is kept."""
    expires_at: AwareDatetime | None = None
    """It identifies nobody from then on; null: never, or as before."""


class Block(Given):
    """Why a card is blocked."""

    reason: Words = ""
    """Kept with the act."""


class Secret(Given):
    """A PIN or a password."""

    secret: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=TEXT)]
    """What the person types; only an argon2id hash is kept."""


def every(tx: Transaction, call: Call[None, Asked]) -> Cards:
    """List a person's cards."""
    return Cards(items=tuple(_shown(each) for each in cards.every(tx, known(tx, call).name)))


def give(tx: Transaction, call: Call[NewCard, Asked]) -> Card | Refused:
    """Give a card to a person, beside those they have."""
    name, body = hers(tx, call).name, call.body
    done = acts.give(tx, call.by, name, body.number, expires_at=body.expires_at, dice=os.urandom)
    return done if isinstance(done, Refused) else _shown(done)


def block(tx: Transaction, call: Call[Block, Asked]) -> Card | Refused:
    """Block a lost card: it identifies nobody, and nobody can enter it as theirs."""
    done = acts.block(tx, call.by, _card(tx, call), reason=call.body.reason)
    return done if isinstance(done, Refused) else _shown(done)


def unblock(tx: Transaction, call: Call[None, Asked]) -> Card | Refused:
    """Let a card that was found again identify its owner."""
    done = acts.unblock(tx, call.by, _card(tx, call))
    return done if isinstance(done, Refused) else _shown(done)


def remove(tx: Transaction, call: Call[None, Asked]) -> Refused | None:
    """Forget a card; a lost one is better blocked."""
    return acts.remove(tx, call.by, _card(tx, call))


def set_pin(tx: Transaction, call: Call[Secret, Asked]) -> Refused | None:
    """Give a person a PIN."""
    done = people.set_secret(tx, call.by, hers(tx, call).name, "pin", call.ready)
    return done if isinstance(done, Refused) else None


def clear_pin(tx: Transaction, call: Call[None, Asked]) -> Refused | None:
    """Take a person's PIN away; sites hear of it at once."""
    done = people.clear_secret(tx, call.by, hers(tx, call).name, "pin")
    return done if isinstance(done, Refused) else None


def set_password(tx: Transaction, call: Call[Secret, Asked]) -> Refused | None:
    """Give a person a password; they are signed off everywhere."""
    name = hers(tx, call).name
    web_sessions.end_all(tx, name)
    done = people.set_secret(tx, call.by, name, "password", call.ready)
    return done if isinstance(done, Refused) else None


def clear_password(tx: Transaction, call: Call[None, Asked]) -> Refused | None:
    """Take a person's password away; they are signed off everywhere."""
    name = hers(tx, call).name
    web_sessions.end_all(tx, name)
    done = people.clear_secret(tx, call.by, name, "password")
    return done if isinstance(done, Refused) else None


def sign_off(tx: Transaction, call: Call[None, Asked]) -> None:
    """Sign a person off everywhere."""
    sessions.end_all(tx, call.by, hers(tx, call).name)


def part(tx: Transaction, call: Call[None, Asked]) -> Refused | None:
    """Forget who a person is at the provider of OpenID Connect; they are signed off everywhere."""
    done = openid.part(tx, call.by, hers(tx, call).name)
    return done if isinstance(done, Refused) else None


def _hash_pin(call: Call[Secret, Asked]) -> str | Refused:
    return _hashed(call, "pin")


def _hash_password(call: Call[Secret, Asked]) -> str | Refused:
    return _hashed(call, "password")


def _hashed(call: Call[Secret, Asked], which: Which) -> str | Refused:
    secret = call.body.secret
    wrong = people.wrong_secret(which, secret, call.path["name"])
    return wrong or secrets.hashed(secret)


def _card(tx: Transaction, call: Call[Any, Any]) -> cards.Card:
    """Return a card of the person of the address, who may be changed.

    Raises:
        NotFound: it is not theirs, or there is none.
    """
    row = hers(tx, call)
    found = cards.by_digest(tx, call.path["card"])
    if isinstance(found, Refused) or found.row.user != row.name:
        raise NotFound(f"{row.name} has no card {call.path['card']}.")
    return found


def _shown(card: cards.Card) -> Card:
    row = card.row
    return Card(
        card=card.shown,
        user=row.user,
        expires_at=row.expires_at,
        blocked=row.blocked,
        pin=row.pin,
    )


_CARD: Final = {
    "card": "9f2c41d07ab3",
    "user": "ana",
    "expires_at": None,
    "blocked": False,
    "pin": False,
}
_OF: Final = "/users/{name}/cards"

ROUTES: Final = (
    Route(
        method="GET",
        path=_OF,
        right=Right.SEE_PEOPLE,
        do=every,
        gives=Cards,
        example=Example({"items": [_CARD]}),
    ),
    Route(
        method="POST",
        path=_OF,
        right=Right.HELP_PEOPLE,
        do=give,
        takes=NewCard,
        gives=Card,
        status=201,
        example=Example(_CARD, {"number": "04A1B2C3D4"}),
    ),
    Route(
        method="POST",
        path=f"{_OF}/{{card}}/block",
        right=Right.HELP_PEOPLE,
        do=block,
        takes=Block,
        gives=Card,
        example=Example({**_CARD, "blocked": True}, {"reason": "lost on the bus"}),
    ),
    Route(
        method="POST",
        path=f"{_OF}/{{card}}/unblock",
        right=Right.HELP_PEOPLE,
        do=unblock,
        gives=Card,
        example=Example(_CARD),
    ),
    Route(method="DELETE", path=f"{_OF}/{{card}}", right=Right.HELP_PEOPLE, do=remove),
    Route(
        method="PUT",
        path="/users/{name}/pin",
        right=Right.HELP_PEOPLE,
        do=set_pin,
        before=_hash_pin,
        takes=Secret,
        example=Example(body={"secret": "730519"}),
    ),
    Route(method="DELETE", path="/users/{name}/pin", right=Right.HELP_PEOPLE, do=clear_pin),
    Route(
        method="PUT",
        path="/users/{name}/password",
        right=Right.HELP_PEOPLE,
        do=set_password,
        before=_hash_password,
        takes=Secret,
        example=Example(body={"secret": "four dry words rain"}),
    ),
    Route(
        method="DELETE", path="/users/{name}/password", right=Right.HELP_PEOPLE, do=clear_password
    ),
    Route(method="DELETE", path="/users/{name}/sessions", right=Right.HELP_PEOPLE, do=sign_off),
    Route(method="DELETE", path="/users/{name}/provider", right=Right.HELP_PEOPLE, do=part),
)
